"""Cells are what Hydra itself would compose, whichever way they were made."""

import gc
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from ablate.core.cells import Cell
from ablate.core.designs import factorial
from ablate.core.errors import UsageError
from ablate.engine.cells import CellReader
from ablate.engine.compose import Composed, Composer
from ablate.engine.config_values import plain
from ablate.engine.experiment import Experiment, SimpleExperiment
from ablate.engine.overrides import SweptFactor, parse
from ablate.run import conf
from tests.conftest import APPS

Hydra = tuple[Any, Any]


@pytest.fixture
def hydra() -> Iterator[Hydra]:
    """Hydra's loader, and the configuration that a sweep begins with."""
    with initialize_config_dir(str(conf()), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        yield loader, loader.load_configuration("config", [], RunMode.MULTIRUN)


def composer(hydra: Hydra, *arguments: str, experiment: Experiment | None = None) -> Composer:
    loader, master = hydra
    swept = {each.key_or_group: SweptFactor.of(each) for each in parse(loader, arguments)}
    return Composer(loader, master, CellReader(experiment or Experiment(), {}), swept)


def test_cells_are_what_hydra_composes(hydra: Hydra) -> None:
    composed = composer(
        hydra, "stem=pyramid,direct", "model.dropout=true,false", "optimizer.learning_rate=0.1,1e-3", "stem.widths=[],[4]"
    )
    cells = composed.cells(["budget=smoke"], factorial(list(composed.factors.values())))
    assert len(cells) == 16
    for cell in cells:
        assert cell.values == plain(compose("config", list(cell.overrides)), resolve=True)
        assert cell.overrides[0] == "budget=smoke"
        assert cell.levels["model.dropout"].value is cell.values["model"]["dropout"]
        assert cell.label.startswith(f"stem={cell.choices['stem']},dropout=")
    assert len({cell.digest for cell in cells}) == 8  # with the widths given, the two stems are one


def test_a_float_without_a_fraction_reaches_the_program_as_in_a_single_run(hydra: Hydra) -> None:
    """The digest is that of the integer, under which earlier versions have made the runs."""
    composed = composer(hydra, "optimizer.learning_rate=0.5,1.0", "+x=2.0")
    cells = composed.cells([], factorial(list(composed.factors.values())))
    single = plain(compose("config", list(cells[1].overrides)), resolve=True)
    for values in (cells[1].values, single):
        assert repr([values["optimizer"]["learning_rate"], values["x"]]) == "[1.0, 2.0]"
    assert cells[1].label == "learning_rate=1,x=2"
    typed_before = composer(hydra, "optimizer.learning_rate=0.5,1", "+x=2")
    assert [cell.digest for cell in cells] == [
        cell.digest for cell in typed_before.cells([], factorial(list(typed_before.factors.values())))
    ]


def test_a_level_that_the_program_replaces_is_reported_as_what_it_became(hydra: Hydra) -> None:
    class Resolving(Experiment):
        def resolve(self, cfg: Any) -> dict[str, Any]:
            return {"threads": 4} if cfg.threads is None else {}

    composed = composer(hydra, "threads=null,2", experiment=Resolving())
    cells = composed.cells([], factorial(list(composed.factors.values())))
    assert [cell.levels.label for cell in cells] == ["threads=4", "threads=2"]
    assert [cell.typed.label for cell in cells] == ["threads=null", "threads=2"]


def test_a_key_that_varies_is_not_ignored(hydra: Hydra) -> None:
    """`threads` is in study.ignore of this program; without a factor of it, it is no part of the meaning."""
    (one,) = composer(hydra).cells(["threads=3"], [Cell({})])
    assert "threads" not in one.meaning
    composed = composer(hydra, "threads=1,2")
    cells = composed.cells([], factorial(list(composed.factors.values())))
    assert [cell.meaning["threads"] for cell in cells] == [1, 2]
    assert "threads" not in cells[0].values["study"]["ignore"]


def test_an_unknown_key_is_refused(hydra: Hydra) -> None:
    composed = composer(hydra, "model.droupout=true,false")
    with pytest.raises(Exception, match="Could not override 'model.droupout'"):
        composed.cells([], factorial(list(composed.factors.values())))


def test_an_error_in_the_file_of_a_level_names_the_configuration() -> None:
    class Reading(Experiment):
        def read(self, cfg: Any) -> Any:
            return cfg.rule.noise

    with initialize_config_dir(str(APPS / "conf"), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        composed = composer(
            (loader, loader.load_configuration("config", [], RunMode.MULTIRUN)), "rule=noisy,plus", experiment=Reading()
        )
        with pytest.raises(UsageError, match=r"noise.*\(in the configuration rule=plus\)"):
            composed.cells([], factorial(list(composed.factors.values())))


def test_a_command_that_adds_seeds_keeps_its_configurations(hydra: Hydra, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in the same process may have changed the environment."""
    monkeypatch.setenv("ABLATE_TEST", "1")
    composed = composer(hydra, "model.dropout=true,false")
    arguments = ["+variable=${oc.env:ABLATE_TEST}"], factorial(list(composed.factors.values()))
    first = composed.cells(*arguments)
    monkeypatch.setenv("ABLATE_TEST", "2")
    assert [cell.digest for cell in composed.cells(*arguments)] == [cell.digest for cell in first]


def test_levels_that_the_seed_completes_are_different_levels(hydra: Hydra) -> None:
    composed = composer(hydra, "+name=a_${seed},b_${seed}")
    first, second = composed.cells([], factorial(list(composed.factors.values())))
    assert first.digest != second.digest
    assert (first.values["name"], second.values["name"]) == ("a_${seed}", "b_${seed}")


def test_composing_is_tracked_and_done_once(hydra: Hydra) -> None:
    composed = composer(hydra, "model.dropout=true,false")
    combinations = factorial(list(composed.factors.values()))
    tracked: list[int] = []

    def track(waiting: Sequence[Cell]) -> Sequence[Cell]:
        tracked.append(len(waiting))
        return waiting

    first = composed.cells([], combinations, track)
    assert composed.cells([], combinations, track) == first
    assert tracked == [2, 0]


def test_a_configuration_that_cannot_be_pickled_is_copied_all_the_same() -> None:
    @dataclass
    class Local:
        x: int = 1

    composed = Composed.of(OmegaConf.structured(Local), {})
    assert composed.pickled is None
    copied = composed.copy()
    copied.x = 2
    assert composed.config.x == 1
    plain_one = Composed.of(OmegaConf.create({"a": "${b}", "b": 1}), {})
    copied = plain_one.copy()
    copied.b = 2
    assert (plain_one.config.a, copied.a) == (1, 2)


def test_planning_takes_little_memory(hydra: Hydra) -> None:
    composed = composer(hydra, "optimizer.learning_rate=range(0,300)", "model.dropout=true", experiment=SimpleExperiment())
    combinations = factorial(list(composed.factors.values()))
    composed.cells([], combinations[:100])
    tracemalloc.start()
    composed.cells([], combinations)
    gc.collect()  # Python 3.12 and later collect at other times
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / 200 < 25_000  # bytes a cell; copies of the whole configuration take 60,000
