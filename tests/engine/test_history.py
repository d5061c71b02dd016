"""history.csv keeps the types of what was logged."""

from pathlib import Path

from ablate.engine.history import read_history


def test_values_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("i,f,e,nan,b,none,text,odd,big\n3,0.25,1e-05,nan,True,,warm,1_000,1.0000000000000002\n")
    (row,) = read_history(path)
    assert repr(row) == (
        "{'i': 3, 'f': 0.25, 'e': 1e-05, 'nan': nan, 'b': True, 'none': None, 'text': 'warm', 'odd': '1_000', "
        "'big': 1.0000000000000002}"
    )
