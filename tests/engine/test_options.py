"""The options of a study: defaults, allowed values, and the messages for all others."""

import re
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from ablate.core.errors import UsageError
from ablate.engine import default_config
from ablate.engine.options import StudyOptions, read_for_one_run, sweep_options
from tests.conftest import APPS


def config(**options: object) -> DictConfig:
    cfg = OmegaConf.create({"seed": 0, "study": StudyOptions.defaults()})
    for key, value in options.items():
        OmegaConf.update(cfg, f"study.{key}", value, merge=False, force_add=True)
    return cfg


def test_the_file_that_hydra_reads_is_made_from_the_schema() -> None:
    """After a change of the schema: python -m ablate.engine.default_config."""
    assert default_config.FILE.read_text(encoding="utf-8") == default_config.render()
    with initialize_config_dir(str(APPS / "conf"), version_base="1.3"):
        cfg = compose("ablate")
    assert cfg.study == StudyOptions.defaults()
    assert cfg.seed == 1


def test_the_help_of_a_program_explains_each_option() -> None:
    with initialize_config_dir(str(APPS / "conf"), version_base="1.3"):
        footer = compose("ablate", return_hydra_config=True).hydra.help.footer
    assert all(f"study.{name} " in footer for name in StudyOptions.defaults())
    assert re.search("study.dry_run +print the plan and its estimated duration without running anything\n", footer)


def test_the_help_of_an_unchanged_program_explains_the_options_of_the_sweeper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_config.HELP_FILE.read_text(encoding="utf-8") == default_config.render_help()
    (tmp_path / "config.yaml").write_text("lr: 0.1")

    def help_of(*arguments: str) -> Any:
        monkeypatch.setattr("sys.argv", ["train.py", *arguments])
        with initialize_config_dir(str(tmp_path), version_base="1.3"):
            return compose("config", overrides=[*arguments[:1]], return_hydra_config=True).hydra.help

    footer = help_of("hydra/sweeper=ablate", "--help").footer
    assert all(f"hydra.sweeper.{name} " in footer for name in StudyOptions.defaults())
    assert re.search("hydra.sweeper.dry_run +print the plan and its estimated duration without running anything\n", footer)
    assert (
        help_of("lr=0.2", "--help").footer
        == "Powered by Hydra (https://hydra.cc)\nUse --hydra-help to view Hydra specific help\n"
    )


def test_the_defaults_are_allowed_and_every_option_is_documented() -> None:
    assert StudyOptions.read(config()) == StudyOptions()
    table = default_config.with_options_table(f"| option\n{default_config.END_OF_TABLE}")
    for name, field in StudyOptions.model_fields.items():
        assert field.description
        assert f"| `study.{name}` |" in table
    assert {"seeds", "design", "claims", "dry_run"} < set(sweep_options())
    assert "report" not in sweep_options()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("baseline", 5, "study.baseline=5: expected keys and levels, such as {stem: direct}."),
        ("exclude", None, "study.exclude=null: expected a list of conditions such as {stem: direct, model.dropout: true}."),
        ("exclude", [5], "a list of conditions"), ("exclude", [{}], "a list of conditions"),
        ("leave_out", 5, "study.leave_out=5: expected a list of conditions with a reason, or a YAML file."),
        ("checkpoint", 5, "study.checkpoint=5: expected a mapping with the key minutes."),
        ("checkpoint.minutes", "soon", "study.checkpoint.minutes=soon: expected a number >= 0."),
        ("checkpoint.minutes", -1, "study.checkpoint.minutes=-1: expected a number >= 0."),
        ("checkpoint.hours", 1, "study.checkpoint.hours: unknown option. Available: minutes."),
        ("ignore", None, "study.ignore=null: expected a list of keys."),
        ("seeds", 10**20, "a positive number of seeds (at most 10,000), or a list of integers >= 0."),
        ("seeds", [], "study.seeds=[]: expected a positive number"), ("seeds", True, "study.seeds=true: expected a positive number"),
        ("seeds", [0, -1], "study.seeds=[0, -1]: "), ("seeds", 0, "study.seeds=0: "),
        ("name", "", "study.name=: expected the name of a folder, or null."), ("name", "..", "study.name=..: expected the name of a folder"), ("name", [1], "the name of a folder"),
        ("name", "../evil", "study.name=../evil: expected the name of a folder"), ("name", "/tmp/x", "the name of a folder"), ("name", "a/../../b", "the name of a folder"),
        ("report", "ablate.report.write", "study.report=ablate.report.write: expected true or false; dotted paths are no longer supported."),
        ("report", 5, "study.report=5: expected true or false."), ("dry_run", "yes", "study.dry_run=yes: expected true or false."),
        ("max_hours", True, "study.max_hours=true: expected a number > 0, or null."), ("max_hours", 0, "a number > 0"),
        ("retries", -1, "study.retries=-1: expected an integer >= 0."), ("retries", 1.5, "an integer >= 0"),
        ("reuse", "some", "study.reuse=some: expected one of any, same_code."),
        ("design", "random", "study.design=random: expected one of factorial, one_at_a_time, path."),
        ("looks", [4], "study.looks=[4]: expected ascending integers >= 5"), ("looks", [8, 5], "ascending integers >= 5, such as [5, 10, 20]"),
        ("looks", [5, 5], "ascending"), ("blocks", 5, "study.blocks=5: expected a factor, or null."),
        ("chance", {"score": "abc"}, "metrics and numbers, such as {accuracy: 0.1}"),
        ("metrics", {"score": 5}, "metrics with their descriptions"),
        ("until", "bored", "study.until=bored: expected decided, or null."), ("max_seeds", 0, "an integer from 1 to 10,000"),
        ("changes", {"both": "x"}, "names of changes, each with a list of factors"),
        ("logger", {"x": 1}, "null, or a mapping with the key _target_; see the group logger."),
    ],
)  # fmt: skip
def test_a_value_that_is_not_allowed_is_refused_by_its_key(key: str, value: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        StudyOptions.read(config(**{key: value}))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("claim", "study.claim: unknown option. Did you mean 'claims'?"), ("untl", "Did you mean 'until'?"),
        ("hydra", "A file in conf/study/ needs the first line `# @package _global_`."),
        ("zzz", "study.zzz: unknown option. Available: name, root, seeds, "),
        ("check", "study.check: unknown option. It was removed: the sweeper always checks claims."),
    ],
)  # fmt: skip
def test_an_unknown_option_is_refused_with_the_nearest_one(key: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        StudyOptions.read(config(**{key: 5}))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["dropout+stem", "x=1", "a/b", "a/", "./a", "a,b", "字", "2024", "12:00", ".hid", "aux", "x*"])
def test_the_names_of_studies(name: str) -> None:
    assert StudyOptions.read(config(name=name)).name == name


def test_whole_hours_and_no_report_are_accepted() -> None:
    options = StudyOptions.read(config(max_hours=2, report=None, seeds=[3, 1]))
    assert (options.max_hours, options.report, options.seeds) == (2, False, [3, 1])


def test_shorthands_end_in_the_descriptions_of_metrics() -> None:
    options = StudyOptions.read(
        config(metrics={"acc": {"unit": "%", "chance": 0.5}, "loss": None}, chance={"acc": 0.1, "f1": 0}, budgets={"epochs": 9})
    )
    assert options.metric_settings() == {
        "acc": {"unit": "%", "chance": 0.5},
        "loss": {},
        "f1": {"chance": 0},
        "epochs": {"limit": 9},
    }
    with pytest.raises(UsageError, match="metrics.acc: unknown key 'colour'; available: title, unit"):
        StudyOptions.read(config(metrics={"acc": {"colour": 1}})).metric_settings()


def test_an_interpolation_is_resolved() -> None:
    cfg = config(budgets={"epochs": "${epochs}"})
    cfg.epochs = 7
    assert StudyOptions.read(cfg).budgets == {"epochs": 7}


def test_what_a_file_says_about_sweeps_does_not_hinder_one_run_but_what_was_typed_does() -> None:
    cfg = config(exclude=[{"x": 1}])
    assert read_for_one_run(cfg, typed=["x"]).exclude == [{"x": 1}]
    with pytest.raises(UsageError, match="study.exclude applies to sweeps only: add -m"):
        read_for_one_run(cfg, typed=["x", "study.exclude"])
    cfg.study.seed_key = "x"
    with pytest.raises(
        UsageError, match="study.seed_key=x: a configuration with `defaults: .ablate.` has its seed in the key `seed`"
    ):
        read_for_one_run(cfg, typed=[])
    cfg.study.seed_key = "seed"
    cfg.seed = None
    with pytest.raises(UsageError, match="seed=null: expected an integer from 0 to"):
        read_for_one_run(cfg, typed=[])


def test_a_number_may_name_a_study() -> None:
    assert StudyOptions.model_validate({"name": 2024}).name == "2024"
