"""A planned run is written to disk, and read again in whatever process it runs."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobReturn
from hydra.types import RunMode
from omegaconf import OmegaConf

from ablate.core.cells import Cell
from ablate.core.errors import AblateError
from ablate.engine.cells import CellReader, PlannedCell
from ablate.engine.compose import Composer
from ablate.engine.config_file import render_config, write_config
from ablate.engine.experiment import Experiment
from ablate.engine.jobs import ForgetConfigs, FrozenConfigs, RunContext, TypedConfigs
from tests.apps import typed
from tests.conftest import APPS


def composed(config_name: str, *fixed: str) -> tuple[Any, PlannedCell]:
    """The configuration that a sweep begins with, and its only cell."""
    with initialize_config_dir(str(APPS / "conf"), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration(config_name, [], RunMode.MULTIRUN)
        (cell,) = Composer(loader, master, CellReader(Experiment(), {}), {}).cells(fixed, [Cell({})])
    return master, cell


def job(cell: PlannedCell, directory: Path, **facts: Any) -> list[str]:
    """The overrides of a job, after its configuration was written."""
    write_config(directory, render_config({**cell.values, "seed": 7}))
    return [*cell.overrides, "seed=7", RunContext.of(cell, 7, directory, **facts).as_override()]


def test_a_job_reads_in_another_process_what_was_planned(tmp_path: Path) -> None:
    master, cell = composed("config", "rule=minus", "x=3")
    overrides, configs = pickle.loads(pickle.dumps((job(cell, tmp_path, position="1/2", deadline=5.5), FrozenConfigs())))
    assert all(type(override) is str for override in overrides)
    config = configs.load_sweep_config(master, overrides)
    with initialize_config_dir(str(APPS / "conf"), version_base="1.3"):
        expected = compose("config", ["rule=minus", "x=3", "seed=7"])
    assert {key: config[key] for key in config if key not in ("hydra", "study")} == {
        key: expected[key] for key in expected if key != "study"
    }
    assert config.hydra.runtime.choices.rule == "minus"
    assert [*config.hydra.overrides.task, config.hydra.overrides.hydra[-1]] == overrides
    assert OmegaConf.is_struct(config)
    context = RunContext.from_overrides(overrides)
    assert context == RunContext.of(cell, 7, tmp_path, position="1/2", deadline=5.5)
    assert (context.seed, context.overridden, context.position) == (7, ["rule", "x"], "1/2")


def test_programs_that_ask_hydra_for_a_folder_by_another_name_get_that_of_the_run(tmp_path: Path) -> None:
    """Such as nn-template, which saves its checkpoints in `hydra.run.dir`: often the time, which two runs may have in common."""
    master, cell = composed("config", "x=3")
    config = FrozenConfigs().load_sweep_config(master, job(cell, tmp_path))
    assert config.hydra.run.dir == str(tmp_path)
    assert Path(config.hydra.sweep.dir, config.hydra.sweep.subdir) == tmp_path


def test_a_job_that_an_earlier_version_submitted_has_no_name(tmp_path: Path) -> None:
    _, cell = composed("config", "x=3")
    assert RunContext.from_overrides(job(cell, tmp_path)).short_name == cell.label
    (override,) = [each for each in job(cell, tmp_path) if each.startswith("ablate.run=")]
    facts = json.loads(override.partition("=")[2])
    assert facts.pop("name") == ""
    assert RunContext.from_overrides([f"ablate.run={json.dumps(facts)}"]).short_name == cell.label


def test_types_of_dataclasses_survive(tmp_path: Path) -> None:
    master, cell = composed("typed", "kind=B", "folder=a/b")
    types = TypedConfigs()
    assert (types.number(cell), types.number(cell), len(types.found)) == (0, 0, 1)
    config = FrozenConfigs(types.found).load_sweep_config(master, job(cell, tmp_path, types=0))
    assert config.kind is typed.Kind.B
    assert config.folder == Path("a/b")
    assert config.sizes == [1, 2]
    with pytest.raises(Exception, match="Value 'x' of type 'str' could not be converted to Integer"):
        config.sizes = ["x"]
    assert types.number(composed("config")[1]) is None


def test_interpolations_that_only_a_job_can_resolve_reach_it(tmp_path: Path) -> None:
    master, cell = composed("config", "+name=run_${seed}", "+twice=${name}${name}")
    config = FrozenConfigs().load_sweep_config(master, job(cell, tmp_path))
    assert (config.name, config.twice) == ("run_7", "run_7run_7")


def test_a_configuration_that_is_gone_is_named(tmp_path: Path) -> None:
    master, cell = composed("config")
    overrides = job(cell, tmp_path)
    (tmp_path / "config.yaml").write_text("- a list")
    with pytest.raises(
        AblateError, match=r"config.yaml, written when the run was planned, cannot be read \(it is not a mapping\)"
    ):
        FrozenConfigs().load_sweep_config(master, overrides)
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(AblateError, match="No such file"):
        FrozenConfigs().load_sweep_config(master, overrides)
    with pytest.raises(AblateError, match="the job has no override ablate.run=…"):
        RunContext.from_overrides(["x=1"])


def test_a_launcher_collects_outcomes_without_configurations() -> None:
    result = JobReturn(cfg=OmegaConf.create({"x": 1}), hydra_cfg=OmegaConf.create({"hydra": {}}))
    result.return_value = "outcome"
    ForgetConfigs().on_job_end(OmegaConf.create(), job_return=result)
    assert (result.cfg, result.hydra_cfg, result._return_value) == (None, None, "outcome")
