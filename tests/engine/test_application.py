"""What the engine asks of an application, and what it makes of the answers."""

import pickle

import pytest
from omegaconf import OmegaConf

from ablate.core.errors import UsageError
from ablate.engine.application import Application, _metrics
from ablate.run import train
from ablate.storage.records import RESERVED


def test_a_decision_is_made_once_and_a_fact_found_anew() -> None:
    """Which data `auto` means is settled with the study; a digest is filled in each time."""
    answers = iter([{"source": "drawn", "digest": "d1"}, {"digest": "d2"}])
    application = Application(lambda cfg, run: {}, prepare=lambda cfg: next(answers))
    decisions: dict = {}
    for digest in ("d1", "d2"):
        cfg = OmegaConf.create({"source": "auto", "digest": None})
        assert application.freeze(cfg, decisions)
        assert cfg == {"source": "drawn", "digest": digest}
    assert decisions == {"source": {"asked": "auto", "took": "drawn"}}


def test_a_configuration_can_ask_for_no_run() -> None:
    application = Application(lambda cfg, run: {}, prepare=lambda cfg: None)
    assert not application.freeze(OmegaConf.create({}), {})


STUDY = {"ignore": [], "paths": [], "neutral": {}}


def test_what_is_ignored_is_not_even_resolved() -> None:
    """A folder that only a running job knows is no part of what an experiment means."""
    application = Application(lambda cfg, run: {})
    cfg = OmegaConf.create(
        {"x": 1, "twice": "${x}", "sizes": [1, "${x}"], "folder": "${nowhere:}", "study": {**STUDY, "ignore": ["folder"]}}
    )
    assert application.meaning(cfg) == {"sizes": [1, 1], "twice": 1, "x": 1}


def test_a_metric_cannot_have_the_name_of_a_column_of_the_study() -> None:
    for name in RESERVED:
        with pytest.raises(UsageError, match=f"the function returned {name}=…: the study has a column of that name"):
            _metrics({"score": 1.0, name: 2.0})


def test_numbers_of_any_kind_are_metrics_and_nothing_else_is() -> None:
    import numpy as np
    import torch

    assert _metrics({"a": np.float32(0.5), "b": torch.tensor(2.0), "c": None, "d": 3}) == {
        "a": 0.5,
        "b": 2.0,
        "c": None,
        "d": 3,
    }
    with pytest.raises(UsageError, match="the function returned NoneType: a mapping is needed"):
        _metrics(None)
    with pytest.raises(UsageError, match="the function returned a='x': a metric is a number, or None"):
        _metrics({"a": "x"})


def test_another_process_finds_the_application_by_its_name() -> None:
    application = train.application  # type: ignore[attr-defined]
    data = pickle.dumps(application)
    assert len(data) < 1000
    assert pickle.loads(data) is application
