"""What the shipped application does before anything runs."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from ablate import run
from ablate.core.errors import UsageError
from ablate.vision import data as images
from ablate.vision.config import Data


def auto(cache: Path) -> Data:
    run._images.cache_clear()
    return Data("auto", str(cache), None, train_size=20, test_size=10, validation_size=0, subset_seed=0, cache=str(cache))


def test_auto_falls_back_on_drawn_images_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(images, "can_connect", lambda host: False)
    found = run._images(auto(tmp_path))
    assert found["data.source"] == "builtin"
    assert len(found["data.digest"]) == 64
    assert "data=auto: CIFAR-10 is not here and cannot be had" in capsys.readouterr().out


def test_auto_does_not_die_of_a_torn_archive_but_a_named_source_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    monkeypatch.setattr(images, "can_connect", lambda host: False)

    def torn(_: images.Cifar10) -> images.Decoded:
        raise UsageError("CIFAR-10 cannot be used (torn).")

    monkeypatch.setattr(images.Cifar10, "decode", torn)
    assert run._images(auto(tmp_path))["data.source"] == "builtin"
    assert "data=auto: CIFAR-10 cannot be used (torn)." in capsys.readouterr().out
    named = auto(tmp_path)
    named.source = "cifar10"
    with pytest.raises(UsageError, match="torn"):
        run._images(named)


def test_the_words_that_describe_a_network_are_no_experiment_of_their_own() -> None:
    """Without a stem its activation is nothing, nor is the step of a schedule that does not step."""

    def of(*overrides: str) -> object:
        with initialize_config_dir(str(run.conf()), version_base="1.3"):
            return run.experiment(compose("config", ["data=builtin", *overrides]))

    assert of("stem=direct", "stem.activation=true") == of("stem=direct", "stem.activation=false", "seed=3")
    assert of("schedule=constant", "schedule.gamma=0.1") == of("schedule=constant", "schedule.gamma=0.9")
    assert of("schedule=step", "schedule.gamma=0.1") != of("schedule=step", "schedule.gamma=0.9")
    assert of("stem=pyramid", "stem.activation=true") != of("stem=pyramid", "stem.activation=false")
    assert of("optimizer.batch_size=16") != of("optimizer.batch_size=32")
