"""A configuration is read once, and what the study decided stays decided."""

from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from ablate.core.cells import Cell
from ablate.engine.cells import CellReader, PlannedCell
from ablate.engine.experiment import Experiment
from ablate.storage.manifest import StudyManifest
from ablate.storage.records import section

STUDY: dict[str, Any] = {"name": None, "root": "outputs", "ignore": [], "paths": [], "neutral": None}


def config(**values: Any) -> DictConfig:
    return OmegaConf.create({"seed": 0, "study": STUDY, **values})


def read(reader: CellReader, cfg: DictConfig) -> PlannedCell | None:
    return reader.read(cfg, {"group": "a", "off": None, "hydra/launcher": "basic"}, ["x=1"], Cell({}), "s")


def test_each_configuration_is_read_once_and_the_result_is_carried() -> None:
    class Counting(Experiment):
        calls: tuple[str, ...] = ()

        def resolve(self, cfg: DictConfig) -> dict[str, Any]:  # noqa: ARG002
            self.calls += ("resolve",)
            return {"digest": "d"}

        def read(self, cfg: DictConfig) -> Any:
            self.calls += ("read",)
            return {"read": cfg.digest}

        def fingerprint(self, settings: Any) -> Any:
            self.calls += ("fingerprint",)
            return settings

    experiment = Counting()
    cell = read(CellReader(experiment, {}), config(x=1, digest=None))
    assert cell is not None
    assert experiment.calls == ("resolve", "read", "fingerprint")
    assert cell.settings == {"read": "d"}
    assert cell.meaning == {"digest": "d", "x": 1}
    assert cell.builds != cell.digest
    assert {key: str(level) for key, level in cell.all_levels().items() if key in ("x", "group", "off")} == {
        "x": "1",
        "group": "a",
    }


def test_a_position_in_a_list_can_be_a_factor_and_a_joint_factor_has_a_level() -> None:
    reader = CellReader(Experiment(), {}, zipped={"x+y": ["x", "y"]})
    cell = reader.read(config(layers=[3, {"width": 4}], x=1, y=2), {}, [], Cell.of({"layers.0": 3, "x": 1, "y": 2}), "s")
    assert cell is not None
    assert cell.label == "0=3,x+y=1/2"
    assert {key: str(level) for key, level in cell.all_levels().items() if key in ("layers.0", "x+y", "x")} == {
        "layers.0": "3",
        "x+y": "1/2",
        "x": "1",
    }
    assert [section(cell.values, key) for key in ("layers.1.width", "layers.2", "layers.width")] == [4, None, None]


def test_a_decision_is_made_once_and_a_fact_found_anew() -> None:
    """Which data `auto` means is decided when the study begins; a digest is filled in each time."""
    answers = iter([{"source": "drawn", "digest": "d1"}, {"digest": "d2"}])

    class Deciding(Experiment):
        def resolve(self, cfg: DictConfig) -> dict[str, Any]:  # noqa: ARG002
            return next(answers)

    reader = CellReader(Deciding(), {})
    for digest in ("d1", "d2"):
        cell = read(reader, config(source="auto", digest=None))
        assert cell is not None
        assert cell.meaning == {"source": "drawn", "digest": digest}
    ((key, decision),) = reader.decisions.items()
    assert (key, decision.asked, decision.took) == ("source", "auto", "drawn")


def test_a_configuration_can_ask_for_no_run() -> None:
    """What it asks for instead gets a title: its levels, or the name of the study."""
    titles = []

    class Printing(Experiment):
        def resolve(self, cfg: DictConfig) -> None:  # noqa: ARG002
            return None

        def show(self, cfg: DictConfig, title: str) -> None:  # noqa: ARG002
            titles.append(title)

    reader = CellReader(Printing(), {})
    assert read(reader, config()) is None
    assert reader.read(config(x=1), {}, ["x=1"], Cell.of({"x": 1}), "s") is None
    assert titles == ["s", "x=1"]


def test_a_key_that_was_added_later_keeps_old_digests_at_its_neutral_value() -> None:
    plain = read(CellReader(Experiment(), {}), config(x=1))
    added = read(CellReader(Experiment(), {}), config(x=1, y=2, study={**STUDY, "neutral": {"y": 2}}))
    other = read(CellReader(Experiment(), {}), config(x=1, y=3, study={**STUDY, "neutral": {"y": 2}}))
    assert plain is not None
    assert added is not None
    assert other is not None
    assert plain.digest == added.digest != other.digest


@pytest.mark.parametrize("option", ["ignore", "paths"])
def test_a_key_that_the_study_varies_counts_though_its_section_is_ignored(option: str) -> None:
    """Otherwise its levels would be one configuration, and the report would say that the factor changes nothing."""
    study = {**STUDY, option: ["trainer"]}

    def digest(before: StudyManifest, accumulate: int, **typed: int) -> str:
        cfg = config(x=1, trainer={"accumulate": accumulate, "devices": 1}, study=study)
        cell = CellReader(Experiment(), {}, before).read(cfg, {}, ["x=1"], Cell.of(typed), "s")
        assert cell is not None
        return cell.digest

    varied = {"trainer.accumulate": 1}
    assert digest(StudyManifest(), 1, **varied) != digest(StudyManifest(), 2, **varied)
    assert digest(StudyManifest(), 1, x=1) == digest(StudyManifest(), 2, x=1)
    earlier_version = StudyManifest(factors={"trainer.accumulate": [1, 2]}, fixed={"x": 1})
    assert digest(earlier_version, 1, **varied) == digest(earlier_version, 2, **varied)


def test_a_key_that_the_study_varies_counts_in_every_later_command_too() -> None:
    """`threads` is in study.ignore; whether it counts is settled by the first command, so that digests stay as they are."""
    study = {**STUDY, "ignore": ["threads"]}

    def digest(before: StudyManifest, *varied: str) -> str:
        reader = CellReader(Experiment(), {}, before)
        typed = Cell.of(dict.fromkeys(varied, 1))
        cell = reader.read(config(x=1, threads=1, study=study), {}, ["x=1"], typed, "s")
        assert cell is not None
        return cell.digest

    counted, ignored = digest(StudyManifest(), "threads"), digest(StudyManifest(), "x")
    assert counted != ignored
    varied = StudyManifest(factors={"threads": [1, 2]}, fixed={"threads": 1, "x": 1})
    assert {digest(varied, "threads"), digest(varied, "x"), digest(varied)} == {counted}
    earlier_version = StudyManifest(factors={"threads": [1, 2]}, fixed={"x": 1})
    assert {digest(earlier_version, "threads"), digest(earlier_version, "x")} == {ignored}
