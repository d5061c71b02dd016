"""`ablate.main` for a function that knows nothing of images: one run at a time."""

import json
from pathlib import Path

from omegaconf import OmegaConf

from ablate.study import app
from tests.conftest import APPS, Command

TRIVIAL = str(APPS / "trivial.py")


def records(study: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(study.glob("runs/*/*/run.json"))]


def test_one_run_is_recorded_and_found_again(command: Command, tmp_path: Path) -> None:
    assert "finished: outputs/x=5/runs/base-" in command(TRIVIAL, "x=5").stdout
    assert "finished before: outputs/x=5/runs/base-" in command(TRIVIAL, "x=5").stdout
    (record,) = records(tmp_path / "outputs" / "x=5")
    assert record["metrics"]["missing"] is None
    assert record["attempts"] == 1
    assert record["choices"] == {"rule": "plus"}
    assert not (tmp_path / ".hydra").exists()


def test_equal_seeds_draw_equal_numbers_in_every_cell(command: Command, tmp_path: Path) -> None:
    for arguments in (["x=0"], ["x=0", "rule=minus"], ["x=0", "seed=1"]):
        command(TRIVIAL, *arguments, "study.name=s")
    scores = {
        (record["choices"]["rule"], record["seed"]): record["metrics"]["score"] for record in records(tmp_path / "outputs/s")
    }
    assert scores["plus", 0] == scores["minus", 0] != scores["plus", 1]


def test_what_cannot_be_used_is_one_line_and_status_2(command: Command) -> None:
    answer = command(TRIVIAL, "x=101", status=2)
    assert (answer.stdout, answer.stderr) == ("", "ablate: x=101: at most 100.\n")
    answer = command(TRIVIAL, "y=1", status=2)
    assert answer.stderr == "ablate: no key 'y' in the configuration. Did you mean 'x'?\n" or "no key 'y'" in answer.stderr


def test_a_failure_is_one_line_and_status_1_with_the_traceback_in_the_run(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "fails=true", status=1)
    assert answer.stderr == "ablate: RuntimeError: it was asked to fail\n"
    (traceback,) = tmp_path.glob("outputs/*/runs/*/*/traceback.txt")
    assert 'raise RuntimeError("it was asked to fail")' in traceback.read_text()


def test_a_divergence_is_an_outcome(command: Command) -> None:
    assert "x is unlucky" in command(TRIVIAL, "x=13").stdout


def test_a_decision_is_made_once_and_a_fact_found_anew() -> None:
    """Which data `auto` means is settled with the study; a digest is filled in each time."""
    answers = iter([{"source": "drawn", "digest": "d1"}, {"digest": "d2"}])
    application = app.Application(lambda cfg, run: {}, prepare=lambda cfg: next(answers))
    decisions: dict = {}
    for digest in ("d1", "d2"):
        cfg = OmegaConf.create({"source": "auto", "digest": None})
        assert application.freeze(cfg, decisions)
        assert cfg == {"source": "drawn", "digest": digest}
    assert decisions == {"source": {"asked": "auto", "took": "drawn"}}


def test_a_configuration_can_ask_for_no_run() -> None:
    application = app.Application(lambda cfg, run: {}, prepare=lambda cfg: None)
    assert not application.freeze(OmegaConf.create({}), {})


def test_the_code_digest_follows_the_code(tmp_path: Path) -> None:
    source = tmp_path / "script.py"
    source.write_text("a = 1")
    first = app.code_digest(source, ())
    app.code_digest.cache_clear()
    assert app.code_digest(source, ()) == first
    app.code_digest.cache_clear()
    source.write_text("a = 2")
    assert app.code_digest(source, ()) != first
    assert app.code_digest(source, ("ablate.analysis",)) != app.code_digest(source, ())


def test_no_commit_outside_of_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("")
    assert app.commit(tmp_path / "script.py") is None
