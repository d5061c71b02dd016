"""What the shipped application does before anything runs."""

from pathlib import Path

import pytest

from ablate import run
from ablate.study.errors import UsageError
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
