"""`ablate.main`: single runs of a program without torch."""

import json
import shutil
from pathlib import Path

from tests.conftest import APPS, Command

TRIVIAL = str(APPS / "trivial.py")


def records(study: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(study.glob("runs/*/*/run.json"))]


def test_a_run_that_other_code_made_is_found_again_with_a_warning(command: Command, tmp_path: Path) -> None:
    shutil.copytree(APPS, tmp_path / "apps")
    script = tmp_path / "apps" / "trivial.py"
    command(str(script), "x=5")
    assert "other code" not in command(str(script), "x=5").stdout
    script.write_text(script.read_text(encoding="utf-8") + "CHANGED = True\n", encoding="utf-8")
    warned = command(str(script), "x=5").stdout
    assert "already finished" in warned
    assert "It was made by other code than the current version: study.reuse=same_code repeats it." in warned
    assert "finished: outputs/x=5" in command(str(script), "x=5", "study.reuse=same_code").stdout


def test_another_script_cannot_take_the_runs_of_a_study_for_its_own(command: Command, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    conf = str(Path(TRIVIAL).parent / "conf")
    other.write_text(Path(TRIVIAL).read_text().replace('"conf"', repr(conf)))
    command(TRIVIAL, "-m", "x=1,2")
    for typed in (["-m", "x=1,2"], ["study.name=x"]):
        answer = command(str(other), *typed, status=2)
        assert (
            "the study outputs/x belongs to tests/apps/trivial.py, not to other.py: choose another study.name." in answer.stderr
        )
    assert "2 finished" in command(str(other), "-m", "x=1,2", "study.name=y").stdout
    other.rename(tmp_path / "trivial.py")
    assert "2 kept" in command(str(tmp_path / "trivial.py"), "-m", "x=1,2").stdout


def test_one_run_is_recorded_and_found_again(command: Command, tmp_path: Path) -> None:
    assert "finished: outputs/x=5/runs/base-" in command(TRIVIAL, "x=5").stdout
    assert "already finished: outputs/x=5/runs/base-" in command(TRIVIAL, "x=5").stdout
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
    answer = command(TRIVIAL, "fial=true", status=2)
    assert answer.stderr == "ablate: no key 'fial' in the configuration. Did you mean 'fails'?\n"
    for typed in ("study.seeds=5", "study.exclude=[{x:1}]", "study.dry_run=true"):
        answer = command(TRIVIAL, typed, status=2)
        assert answer.stderr == f"ablate: {typed.split('=')[0]} applies to sweeps only: add -m.\n"
    assert (
        command(TRIVIAL, "seed=abc", status=2).stderr
        == "ablate: seed=abc: expected an integer from 0 to 9223372036854775807.\n"
    )
    answer = command(TRIVIAL, "study.root=/proc/nowhere", status=2)
    assert answer.stderr.startswith("ablate: cannot write to /proc/nowhere/base: ")


def test_a_failure_is_one_line_and_status_1_with_the_traceback_in_the_run(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "fails=true", status=1)
    (traceback,) = tmp_path.glob("outputs/*/runs/*/*/traceback.txt")
    told = f"(traceback: {traceback.relative_to(tmp_path)})"
    assert answer.stderr == f"ablate: RuntimeError: it was asked to fail {told}\n"
    assert 'raise RuntimeError("it was asked to fail")' in traceback.read_text()


def test_a_divergence_is_an_outcome(command: Command) -> None:
    assert "diverged (x is unlucky): outputs/x=13/runs/" in command(TRIVIAL, "x=13").stdout


def test_what_cannot_change_the_meaning_is_no_factor(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "x=1", "place=here", "where=there", "study.name=s")
    command(TRIVIAL, "x=2", "study.name=s")
    assert [record["overridden"] for record in records(tmp_path / "outputs/s")] == [["x"], ["x"]]
    assert "already finished" in command(TRIVIAL, "x=1", "place=nowhere", "where=there", "study.name=s").stdout
    command(TRIVIAL, "x=1", "place=here", "where=some/path")
    assert (tmp_path / "outputs" / "x=1+where=path").is_dir()


def test_a_script_without_a_configuration_folder(command: Command, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import ablate\n@ablate.main()\ndef train(cfg, run):\n    return {'score': cfg.x + 0.5}\nif __name__ == '__main__':\n    train()\n"
    )
    assert "score: 1.5" in command(str(script), "+x=1").stdout
    assert "no key 'x' in the configuration" in command(str(script), "x=1", status=2).stderr
