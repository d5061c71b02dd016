"""Cells are what Hydra itself would compose, whichever way they were made."""

import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf, open_dict

from ablate.core.designs import factorial
from ablate.core.errors import UsageError
from ablate.engine.application import Application
from ablate.engine.compose import Composer, FrozenConfigs, Level, job, levels_typed, parse
from ablate.run import conf


@pytest.fixture
def hydra() -> Iterator[tuple[Any, Any]]:
    """Hydra's loader, and the configuration that a sweep begins with."""
    with initialize_config_dir(str(conf()), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        yield loader, loader.load_configuration("config", [], RunMode.MULTIRUN)


def levels(loader: Any, *arguments: str) -> dict[str, list[Level]]:
    return {override.key_or_group: levels_typed(override) for override in parse(loader, arguments)}


def test_cells_are_what_hydra_composes(hydra: tuple[Any, Any]) -> None:
    loader, master = hydra
    swept = levels(
        loader, "stem=pyramid,direct", "model.dropout=true,false", "optimizer.learning_rate=0.1,1e-3", "stem.widths=[],[4]"
    )
    composer = Composer(loader, master, Application(lambda cfg, run: {}), {})
    cells = composer.cells(["budget=smoke"], factorial(swept))
    assert len(cells) == 16
    for cell in cells:
        expected = compose("config", ["budget=smoke", *cell.asked.values()])
        with open_dict(expected):
            expected.study.label = cell.label
        assert cell.config == expected
        assert cell.levels["model.dropout"] is expected.model.dropout
    assert len({cell.digest for cell in cells}) == 8  # with the widths given, the two stems are one


def test_a_value_of_the_wrong_kind_is_refused_by_its_key(hydra: tuple[Any, Any]) -> None:
    loader, master = hydra
    composer = Composer(loader, master, Application(lambda cfg, run: {}), {})
    with pytest.raises(Exception, match="Could not override 'model.droupout'"):
        composer.cells([], factorial(levels(loader, "model.droupout=true,false")))


def test_levels_are_typed_as_hydra_reads_them(hydra: tuple[Any, Any]) -> None:
    loader, _ = hydra
    swept = levels(loader, "a=1,'2',null,true,true", "stem=glob(*,exclude=g*)", "b=range(1,4)", "c=choice(x,y)")
    assert [level.value for level in swept["a"]] == [1, "2", None, True]
    assert [level.override for level in swept["stem"]] == ["stem=direct", "stem=pyramid"]
    assert [level.value for level in swept["b"]] == [1, 2, 3]
    assert [level.value for level in swept["c"]] == ["x", "y"]
    with pytest.raises(UsageError, match="an interval has no levels"):
        parse(loader, ["a=interval(0,1)"])


def test_a_job_carries_its_configuration_into_another_process(hydra: tuple[Any, Any]) -> None:
    loader, master = hydra
    (cell,) = Composer(loader, master, Application(lambda cfg, run: {}), {}).cells(["budget=smoke"], [{}])
    asked = pickle.loads(pickle.dumps(job(cell, 7, {"position": "1/2"})))
    assert asked == "seed=7"
    config = FrozenConfigs().load_sweep_config(master, ["budget=smoke", asked])
    assert (config.seed, config.study.position, config.budget.epochs) == (7, "1/2", 2)
    assert config.hydra.runtime.choices.budget == "smoke"
    assert list(config.hydra.overrides.task) == ["budget=smoke", "seed=7"]
    assert OmegaConf.get_type(config, "hydra") is OmegaConf.get_type(master, "hydra")
    assert cell.config.seed == 0
