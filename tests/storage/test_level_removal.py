"""What of a study goes with a level that has no runs."""

from pathlib import Path

from ablate.core.levels import Factor, Level
from ablate.storage.level_removal import reason_to_keep, remove_level
from ablate.storage.manifest import StudyManifest
from tests.storage.studies import manifest


def test_cells_that_share_runs_go_without_those_of_others(tmp_path: Path) -> None:
    """The cell `b1` shares the runs of `a0`, and `c2` those of `b3`, which therefore stays known."""
    manifest(
        tmp_path,
        factors={"stem": ["a", "b", "c"], "on": [True]},
        experiments={"a0": "a0", "b1": "a0", "b3": "b3", "b4": "b4", "c2": "b3"},
        same={
            "b1": {"as": "a0", "label": "stem=b", "levels": {"stem": "b"}},
            "c2": {"as": "b3", "label": "stem=c", "levels": {"stem": "c"}},
        },
    )
    (tmp_path / "plan.csv").write_text(
        "stem,seed,state,seconds,directory,note\n"
        "a,0,done,,runs/a-a0/seed=0,\n"
        "b,0,done,,runs/a-a0/seed=0,identical configuration to a\n"
        "b,1,to do,,runs/b-b3/seed=1,\n"
        "b,2,to do,,runs/b-b4/seed=2,\n"
    )
    remove_level(tmp_path, "stem", Level.of("b"))
    found = StudyManifest.read(tmp_path)
    assert found.factors == {"stem": ["a", "c"], "on": [True]}
    assert set(found.experiments) == {"a0", "b3", "c2"}
    assert set(found.same) == {"c2"}
    assert (tmp_path / "plan.csv").read_text().splitlines()[1:] == ["a,0,done,,runs/a-a0/seed=0,"]


def test_what_names_a_level_keeps_it() -> None:
    factor = Factor.of("lr", [0.1, 0.02])
    for key, value, reason in (
        ("claims", [{"id": "C1", "contrast": {"factor": "lr", "from": 0.1, "to": 0.02}}], "claims of study.yaml name it"),
        ("claims", [{"id": "C1", "contrast": {"factor": "lr", "from": 0.1, "to": 0.3}}], None),
        ("leave_out", [{"lr": 0.02, "reason": "broken"}], "leave_out of study.yaml name it"),
        ("leave_out", [{"stem": 0.02, "reason": "broken"}], None),
        ("controls", {"lr": [[0.1, 0.02]]}, "controls of study.yaml name it"),
    ):
        assert reason_to_keep(StudyManifest.model_validate({key: value}), factor, Level.of(0.02)) == reason
    blocks = StudyManifest.model_validate({"blocks": "lr", "block_bounds": {"0.02": (0, 1)}})
    assert reason_to_keep(blocks, factor, Level.of(0.02)) == "block_bounds of study.yaml name it"
    assert reason_to_keep(StudyManifest(), factor, Level.of(0.1)) == "it is that of the baseline"
