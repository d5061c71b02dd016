"""Where runs lie."""

from pathlib import Path

from ablate.storage.layout import cell_folder, known_cells, run_directory, run_identity


def test_a_cell_keeps_the_folder_that_it_had(tmp_path: Path) -> None:
    (tmp_path / "runs" / "stem=direct-0123abcd").mkdir(parents=True)
    known = known_cells(tmp_path)
    assert cell_folder(known, "0123abcdef", "another label") == "stem=direct-0123abcd"
    assert cell_folder(known, "9876543210", "a b/c") == "a_b_c-98765432"
    assert known_cells(tmp_path / "nowhere") == {}


def test_a_run_is_known_by_its_cell_and_its_seed() -> None:
    assert len({run_identity(cell, seed) for cell in ("a", "b") for seed in (0, 1)}) == 4
    assert run_directory(Path("s"), "x=1-0123abcd", 3) == Path("s/runs/x=1-0123abcd/seed=3")
