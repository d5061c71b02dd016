"""The experiment as the engine sees it: what is decided before anything runs, and what makes two cells the same experiment."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from ablate.core.errors import UsageError
from ablate.run import conf
from ablate.vision import data as images
from ablate.vision import description, precision
from ablate.vision.datasets.cifar10 import Cifar10
from ablate.vision.experiment import VisionExperiment, resolve_images, resolve_precision
from ablate.vision.settings import Data

EXPERIMENT = VisionExperiment()


def composed(cache: Path, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(conf()), version_base="1.3"):
        return compose("config", ["data=builtin", "budget=smoke", "device=cpu", f"data.cache={cache}", *overrides])


def resolved(cfg: DictConfig) -> DictConfig:
    found = EXPERIMENT.resolve(cfg)
    assert found is not None
    for key, value in found.items():
        OmegaConf.update(cfg, key, value)
    return cfg


def auto(cache: Path) -> Data:
    resolve_images.cache_clear()
    return Data(
        source="auto",
        root=str(cache),
        digest=None,
        train_size=20,
        test_size=10,
        validation_size=0,
        subset_seed=0,
        cache=str(cache),
    )


def test_auto_falls_back_on_drawn_images_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(images, "can_connect", lambda host: False)
    found = resolve_images(auto(tmp_path))
    assert found["data.source"] == "builtin"
    assert len(found["data.digest"]) == 64
    assert "data=auto: CIFAR-10 is not on this machine and cannot be downloaded" in capsys.readouterr().out


def test_too_many_images_are_refused_before_any_is_drawn_also_with_auto(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    said = r"^data.train_size \+ data.validation_size=99999999: data=builtin draws at most 1,000,000 images\.$"
    with pytest.raises(UsageError, match=said):
        resolved(composed(cache, "data.train_size=99999999"))
    monkeypatch.setattr(images, "can_connect", lambda host: False)
    with pytest.raises(UsageError, match=said):
        resolve_images(auto(tmp_path).model_copy(update={"train_size": 99999999}))


def test_a_batch_that_is_larger_than_the_training_set_is_named_once(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        resolved(composed(cache, "optimizer.batch_size=201", "model.widths=[4,4,4]"))
    resolved(composed(cache, "optimizer.batch_size=200", "model.widths=[4,4,4]"))
    said = "optimizer.batch_size=201: there are only 200 training images, so an epoch is one batch of these."
    assert [line for line in capsys.readouterr().out.splitlines() if "batch_size" in line] == [said]


def test_auto_does_not_fail_for_a_damaged_archive_but_a_named_source_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    monkeypatch.setattr(images, "can_connect", lambda host: False)

    def damaged(_: Cifar10) -> None:
        raise UsageError("CIFAR-10 cannot be used (damaged).")

    monkeypatch.setattr(Cifar10, "decode", damaged)
    assert resolve_images(auto(tmp_path))["data.source"] == "builtin"
    assert "data=auto: CIFAR-10 cannot be used (damaged)." in capsys.readouterr().out
    with pytest.raises(UsageError, match="damaged"):
        resolve_images(auto(tmp_path).model_copy(update={"source": "cifar10"}))


def test_what_auto_means_is_decided_and_the_digest_is_filled_in(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for speedup, expected in ((6.0, "bfloat16"), (0.5, "float32")):
        resolve_precision.cache_clear()
        monkeypatch.setattr(precision, "cpu_speedup", lambda speedup=speedup: speedup)
        found = EXPERIMENT.resolve(composed(cache))
        assert found is not None
        assert found["precision"] == expected
        assert found["data.source"] == "builtin"
        assert len(found["data.digest"]) == 64
        said = f"precision=auto: {expected} on this cpu, where a matrix product in bfloat16 is {speedup} times as fast"
        assert said in capsys.readouterr().out
    resolve_precision.cache_clear()
    found = EXPERIMENT.resolve(composed(cache, "precision=float32"))
    assert found is not None
    assert "precision" not in found


def test_a_configuration_that_cannot_run_is_refused_before_its_images_are_decoded(cache: Path) -> None:
    for override, said in (
        ("budget.epochs=0", r"budget\.epochs=0: expected an integer >= 1\."),
        ("norm.places=[nowhere]", r"norm\.places: 'nowhere' matches no place"),
        ("model.widths=[4,4,4,4,4,4]", "32 pixels cannot be halved"),
    ):
        with pytest.raises(UsageError, match=said):
            EXPERIMENT.resolve(composed(cache, override, "data=images", "data.root=nowhere.zip"))


def test_summary_prints_the_network_and_asks_for_no_run(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cfg = composed(cache, "summary=true", "experiment=stage89")
    assert EXPERIMENT.resolve(cfg) is None
    EXPERIMENT.show(cfg, "mine")
    printed = capsys.readouterr().out
    assert "mine" in printed
    assert "1,990,802 parameters, counting a layer each time it is used" in printed


def test_settings_that_build_the_same_are_the_same_experiment(cache: Path) -> None:
    """Without a stem its activation is nothing, and neither is the step of a schedule that does not step."""

    def of(*overrides: str) -> object:
        return EXPERIMENT.fingerprint(EXPERIMENT.read(composed(cache, *overrides)))

    assert of("stem=direct", "stem.activation=true") == of("stem=direct", "stem.activation=false", "seed=3")
    assert of("schedule=constant", "schedule.gamma=0.1") == of("schedule=constant", "schedule.gamma=0.9")
    assert of("model=resnet18", "stem=direct") == of("model=resnet18", "stem=pyramid")
    assert of("schedule=step", "schedule.gamma=0.1") != of("schedule=step", "schedule.gamma=0.9")
    assert of("stem=pyramid", "stem.activation=true") != of("stem=pyramid", "stem.activation=false")
    assert of("schedule=step", "schedule.early=false") == of("schedule=step")
    skips = "optimizer.skip_first_batch=true"
    assert of("schedule=step", "schedule.early=false", skips) != of("schedule=step", skips)
    assert of("schedule=cosine", "schedule.early=false", skips) == of("schedule=cosine", skips)
    assert of("optimizer.batch_size=16") != of("optimizer.batch_size=32")
    assert of("precision=float32") != of("precision=bfloat16")
    assert of("optimizer=sgd") != of("optimizer=adamw")
    assert of("optimizer.norm_bias_factor=2") != of("optimizer.norm_bias_factor=1")
    assert of("augment=none", "augment.flipping=alternating") == of("augment=none", "augment.crop_padding=reflect")
    assert of("averaging=ema", "averaging.start=0.1") == of("averaging=ema", "averaging.start=0.2")
    assert of("averaging=none", "averaging.every=1") == of("averaging=none", "averaging.decay=0.2")
    different = [
        of(*changes.split())
        for changes in (
            "augment=crop", "augment=crop augment.crop_padding=reflect", "augment=crop augment.flipping=alternating",
            "augment=crop augment.cutout=8",
            "averaging=ema", "averaging=swa", "averaging=lookahead", "averaging=ema averaging.decay=0.8",
        )
    ]  # fmt: skip
    assert len({str(content) for content in different}) == len(different)


def test_cost_and_description_are_those_of_the_settings(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = EXPERIMENT.read(
        resolved(composed(cache, "model.widths=[4]", "model.depth=1", "data.train_size=8", "data.test_size=8"))
    )
    assert 0 < EXPERIMENT.cost(settings, 1) < 30
    monkeypatch.setattr(description, "describe", lambda config: SimpleNamespace(of=config))
    assert EXPERIMENT.describe(settings).of is settings


def test_earlier_runs_keep_their_identity(cache: Path) -> None:
    """The keys that the registries added, at the values of earlier runs, are declared neutral; the precision is ignored."""
    cfg = composed(cache)
    assert OmegaConf.to_container(cfg.study.neutral) == {
        "model.name": "article", "model.initialization": "torch", "optimizer.name": "sgd", "optimizer.norm_bias_factor": 1.0, "augment.flipping": "random", "augment.crop_padding": "zeros",
        "augment.cutout": 0,
        "schedule.early": True, "averaging.name": "none", "averaging.every": 5, "averaging.decay": 0.5, "averaging.start": 0.75,
    }  # fmt: skip
    for key, value in cfg.study.neutral.items():
        assert OmegaConf.select(cfg, key) == value, "the defaults are those of earlier runs"
    content = EXPERIMENT.fingerprint(EXPERIMENT.read(resolved(cfg)))
    assert "averaging" not in content
    assert "norm_bias_factor" not in content["optimizer"]
    assert set(content["augment"]) == {"flip", "crop", "mean", "std"}
    assert "precision" in cfg.study.ignore
    assert not {"chance", "budgets"} & {key for key, value in cfg.study.items() if value}
