"""The commands and examples of the README and of docs/: those of docs/ are run on a few images, those of the README composed."""

import io
import re
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from hydra import compose, initialize_config_dir
from PIL import Image

import ablate
from ablate.core.claims import COMMON, KEYS, Claim
from ablate.core.metrics import MetricSpec
from ablate.engine import default_config
from ablate.engine.messages import CONFIG_ERRORS
from ablate.run import conf
from ablate.vision.experiment import VisionExperiment
from tests.conftest import APPS, Command
from tests.test_commands import pack

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))
TINY = ["budget.epochs=1", "data.train_size=40", "data.test_size=20", "model.widths=[4,4,4]", "device=cpu"]
# What a page leaves to the reader, and what these tests use instead
STAND_INS = {
    "…": "model.dropout=true,false stem=pyramid,direct",
    "outputs/STUDY": "outputs/digits",
    "data=cifar10": "data=builtin",
}


def commands(page: Path) -> list[str]:
    """The commands of a page: the indented lines that begin with `python`, without the comments beside them."""
    text = re.sub(r"\\\n +", "", page.read_text(encoding="utf-8"))
    found = (re.split(r"  +", line)[0] for line in re.findall(r"^    (python .*)$", text, flags=re.MULTILINE))
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("page", [ROOT / "README.md", *DOCS], ids=lambda page: page.name)
def test_what_is_said_beside_a_command_is_a_comment(page: Path) -> None:
    """A reader pastes the line as it is."""
    lines = re.findall(r"^    ((?:python|ablate) .*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    beside = [said for line in lines for said in re.split(r"  +", line)[1:2]]
    assert [said for said in beside if not said.startswith(("#", "\\"))] == []


def arguments_of(line: str) -> list[str]:
    for written, used in STAND_INS.items():
        line = line.replace(written, used)
    return shlex.split(line)[1:]


def of_module(module: str, *pages: Path) -> list[str]:
    return [line for page in pages for line in commands(page) if line.startswith(f"python -m {module} ")]


RUNS_OF_DOCS = of_module("ablate.run", *DOCS)
REPORTS = of_module("ablate.report", ROOT / "README.md", *DOCS)
RUNS_OF_README = [line for line in of_module("ablate.run", ROOT / "README.md") if line not in RUNS_OF_DOCS]


def test_every_command_is_of_a_kind_that_is_tested_here() -> None:
    known = {*RUNS_OF_DOCS, *REPORTS, *RUNS_OF_README}
    others = [line for page in (ROOT / "README.md", *DOCS) for line in commands(page) if line not in known]
    assert set(others) <= {
        "python -m ablate.run",
        "python train.py -m dropout=0,0.3 norm=false,true study.seeds=5",  # a program of the reader's
        "python train.py -m hydra/sweeper=ablate model.optimizer.lr=0.001,0.01 hydra.sweeper.seeds=5",
        "python src/train.py -m hydra/sweeper=ablate model.optimizer.lr=0.001,0.01 hydra.sweeper.seeds=5 trainer=cpu "
        "+optimized_metric=val/acc_best test=false",  # in lightning-hydra-template
        "python train.py -m hydra/sweeper=ablate norm=false,true dropout=0,0.3 hydra.sweeper.seeds=5 hydra.sweeper.returns=accuracy",
        # on clusters, see tests/engine/launchers
        "python train.py -m hydra/sweeper=ablate norm=false,true hydra/launcher=submitit_slurm hydra.launcher.partition=gpu",
        "python train.py -m hydra/sweeper=ablate norm=false,true hydra/launcher=ray hydra.launcher.ray.init.address=HEAD:6379",
        "python train.py -m model.depth=2,4 model.width=128,64 'study.zip=[[model.depth,model.width]]'",  # by test_zipping
        "python examples/digits/digits.py -m norm=false,true dropout=0,0.3 study.seeds=5",  # by test_examples
        "python -m benchmarks.verdicts",
        "python -m ablate.vision.pilot",  # by tests/vision/test_pilot.py
        "python -m ablate.vision.pilot outputs/pilot-*",
        "python benchmarks/gpu.py",  # by tests/benchmarks/test_gpu.py
        "python -m benchmarks.mechanisms",  # by tests/benchmarks/test_mechanisms.py
        "python -m benchmarks --only step --images IMAGES.zip",
    }
    assert len(RUNS_OF_DOCS) > 5
    assert len(RUNS_OF_README) >= 4


def assert_compressed_once_more(before: Path, after: Path) -> None:
    """The same images in the same order, of which each pixel is near what it was."""
    with zipfile.ZipFile(before) as once, zipfile.ZipFile(after) as twice:
        assert [name.replace(".jpg", ".png") for name in once.namelist()] == twice.namelist()
        first, second = (
            np.array([np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in archive.namelist()], dtype=float)
            for archive in (once, twice)
        )
    assert first.shape == second.shape == (300, 32, 32, 3)
    assert 0 < np.abs(first - second).mean() < 20


@pytest.mark.slow
@pytest.mark.parametrize("line", RUNS_OF_DOCS)
def test_a_command_of_the_docs_runs(line: str, command: Command, tmp_path: Path) -> None:
    pack(tmp_path / "IMAGES.zip", ending="jpg" if "TWICE.zip" in line else "png")
    if "TWICE.zip" in line:
        page = (ROOT / "docs" / "reproduce-the-article.md").read_text(encoding="utf-8")
        (script,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
        command("-c", script)
        assert_compressed_once_more(tmp_path / "IMAGES.zip", tmp_path / "TWICE.zip")
    # One seed each, in this process: not up to 20 seeds in as many processes as the reader's machine has room for
    replaced = ["study.seeds", "study.until", "study.n_jobs", *(each.split("=")[0] for each in TINY)]
    arguments = [each for each in arguments_of(line) if each.split("=")[0] not in replaced]
    factors = ["model.widths"] if "+study=ingredients" in arguments else []
    tiny = [each for each in TINY if each.split("=")[0] not in factors]
    sweeps = "-m" in arguments[2:] or any(each.startswith("+study=") for each in arguments)
    answer = command(*arguments, *tiny, *(["study.seeds=1", "study.report=false"] if sweeps else []))
    assert answer.stderr == ""


@pytest.mark.parametrize("line", REPORTS)
def test_a_report_is_written(line: str, command: Command, tmp_path: Path) -> None:
    claim = {"id": "A", "says": "a", "kind": "contrast", "metric": "accuracy", "expects": "higher"}
    claim["contrast"] = {"factor": "method", "from": "a", "to": "b"}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump([claim]))
    cells = [(method, augment, seed) for method in "ab" for augment in "cd" for seed in range(5)]
    rows = [f"{method},{augment},{seed},0.{digits(method, augment, seed)}" for method, augment, seed in cells]
    (tmp_path / "results.csv").write_text("\n".join(["method,augment,seed,accuracy", *rows]))
    (tmp_path / "verdicts.json").write_text("[]")
    command(str(APPS / "trivial.py"), "-m", "x=1,2", "study.name=digits")
    answer = command(*arguments_of(line))
    assert "Report: " in answer.stdout


def test_the_table_beside_the_csv_file_of_the_docs_is_its_report(command: Command, tmp_path: Path) -> None:
    page = "docs/results-of-other-tools.md"
    (rows,) = examples(page, "csv")
    (tmp_path / "results.csv").write_text(rows)
    answer = command("-m", "ablate.report", "results.csv")
    text = (ROOT / page).read_text(encoding="utf-8")
    (said,) = re.findall(r"It prints `(.*?)`", text)
    assert f"ablate: {said}" in answer.stdout + answer.stderr
    table = (tmp_path / "results-report/tables/ablation.md").read_text(encoding="utf-8")
    assert "".join(re.findall(r"^\|.*\n", table, re.MULTILINE)) in text


def digits(method: str, augment: str, seed: int) -> int:
    """Two digits that differ from run to run."""
    return 50 + 20 * (method == "b") + 7 * (augment == "d") + (seed * seed) % 5


@pytest.mark.parametrize("line", RUNS_OF_README)
def test_a_command_of_the_readme_is_composed(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Level by level, as a sweep would: a key, a group or a level that is gone is an error."""
    monkeypatch.chdir(tmp_path)
    pack(tmp_path / "IMAGES.zip")
    typed = [each for each in arguments_of(line)[2:] if each != "-m"]
    if not any(each.startswith("data=") for each in typed):
        typed.append("data=builtin")
    typed = [each.replace("data/cifar10-jpeg.zip", "IMAGES.zip") for each in typed]
    for each in typed:
        key, _, levels = each.partition("=")
        for level in levels.split(",") if not levels.startswith(("[", "{")) else [levels]:
            others = [other for other in typed if other != each and "," not in other]
            try:
                with initialize_config_dir(str(conf()), version_base="1.3"):
                    cfg = compose("config", [*others, f"{key}={level}"], return_hydra_config=key.startswith("hydra"))
            except CONFIG_ERRORS as error:
                raise AssertionError(f"{line}: {error}") from None
            if not key.startswith(("hydra", "summary")):
                cfg.data.cache, cfg.summary, cfg.data.train_size, cfg.data.test_size = str(tmp_path), False, 40, 20
                VisionExperiment().resolve(cfg)


def test_the_page_of_study_options_is_up_to_date() -> None:
    page = default_config.PAGE.read_text(encoding="utf-8")
    assert default_config.with_options_table(page) == page, "run python -m ablate.engine.default_config"


def test_the_page_of_claims_lists_every_key_and_kind() -> None:
    page = (ROOT / "docs" / "reference" / "claims.md").read_text(encoding="utf-8")
    listed = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert listed == {*COMMON, *(key for keys in KEYS.values() for key in keys), *KEYS}


def examples(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_claims_in_the_docs_can_be_read() -> None:
    (listed,) = map(yaml.safe_load, examples("docs/reference/claims.md", "yaml"))
    *_, study = map(yaml.safe_load, examples("docs/your-own-script.md", "yaml"))
    assert [Claim.parse(each).id for each in [*listed, *study["study"]["claims"]]] == ["C2", "norm"]


def test_the_metrics_in_the_docs_can_be_read() -> None:
    described, *_ = map(yaml.safe_load, examples("docs/your-own-script.md", "yaml"))
    specs = [MetricSpec.parse(name, each) for name, each in described["study"]["metrics"].items()]
    assert [(spec.title, spec.chance, spec.limit) for spec in specs] == [
        ("Test accuracy", 0.1, None),
        ("epochs to target", None, 100),
    ]


def test_the_python_examples_of_the_docs_are_valid() -> None:
    blocks = [block for page in ("README.md", "docs/your-own-script.md") for block in examples(page, "python")]
    assert len(blocks) >= 4
    for block in blocks:
        compile(block, "example", "exec")
    (experiment,) = (block for block in blocks if "(ablate.Experiment)" in block)
    exec(experiment, {"ablate": ablate})  # ablate.main accepts its arguments
