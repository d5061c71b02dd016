"""A registry; and that a model, an optimizer or a data set is one module and one YAML file."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from ablate.core.errors import UsageError
from ablate.run import conf
from ablate.vision import datasets, models, optimizers
from ablate.vision.config import from_hydra
from ablate.vision.data import load, prepare
from ablate.vision.networks import build
from ablate.vision.optimizers import make_optimizer
from ablate.vision.registry import Registry

NAME = "recipe_of_a_test"
MODULES = {
    models: '''"""A linear model."""
from torch import nn
from ablate.vision.models import register
from ablate.vision.settings import ModelSettings, Positive

class Settings(ModelSettings):
    hidden: Positive

@register("recipe_of_a_test", Settings)
def linear(config, classes, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * size * size, config.model.hidden), nn.Linear(config.model.hidden, classes))
''',
    optimizers: '''"""Adagrad."""
import torch
from ablate.vision.optimizers import register
from ablate.vision.settings import NonNegative, OptimizerSettings

class Settings(OptimizerSettings):
    decay: NonNegative

@register("recipe_of_a_test", Settings)
def adagrad(settings, network):
    return torch.optim.Adagrad(network.parameters(), lr=settings.learning_rate, lr_decay=settings.decay)
''',
    datasets: '''"""Black images."""
import numpy as np
from ablate.vision.datasets import Decoded, Source, Split, register

@register("recipe_of_a_test")
class Black(Source):
    classes = 2

    @classmethod
    def of(cls, data):
        return cls()

    def stamp(self):
        return {"source": "black"}

    def decode(self):
        split = Split(np.zeros((40, 32, 32, 3), np.uint8), np.arange(40) % 2)
        return Decoded(("a", "b"), split, split)
''',
}
YAML = {
    "model": "name: recipe_of_a_test\nhidden: 4\n",
    "optimizer": "name: recipe_of_a_test\nbatch_size: 8\nlearning_rate: 0.1\nweight_decay: 0.0\nlabel_smoothing: 0.0\n"
    "skip_first_batch: false\ndecay: 0.5\n",
    "data": "defaults: [builtin, _self_]\nsource: recipe_of_a_test\n",
}


def test_a_model_an_optimizer_and_a_data_set_are_one_module_and_one_yaml_file_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = shutil.copytree(conf(), tmp_path / "conf")
    registries = {models: models.MODELS, optimizers: optimizers.OPTIMIZERS, datasets: datasets.DATASETS}
    for package, source in MODULES.items():
        folder = tmp_path / package.__name__.rpartition(".")[2]
        folder.mkdir()
        (folder / f"{NAME}.py").write_text(source)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    for group, content in YAML.items():
        (configs / group / f"{NAME}.yaml").write_text(content)
    try:
        chosen = [f"{group}={NAME}" for group in YAML]
        with initialize_config_dir(str(configs), version_base="1.3"):
            sizes = ["data.test_size=20", "data.train_size=30"]
            config = from_hydra(compose("config", [*chosen, "budget=smoke", *sizes, f"data.cache={tmp_path}"]))
            with pytest.raises(UsageError, match=r"model\.hidden=0: expected an integer >= 1\."):
                from_hydra(compose("config", [*chosen, "model.hidden=0"]))
        network = build(config, classes=2)
        assert network(torch.zeros(5, 3, 32, 32)).shape == (5, 2)
        assert type(make_optimizer(config.optimizer, network)) is torch.optim.Adagrad
        prepare(config.data)
        assert len(load(config.data, torch.device("cpu")).train) == 30
    finally:
        for package, registry in registries.items():
            registry._entries.pop(NAME, None)
            sys.modules.pop(f"{package.__name__}.{NAME}", None)
            vars(package).pop(NAME, None)


def test_the_shipped_entries_are_found() -> None:
    assert {"article", "resnet"} <= set(models.MODELS)
    assert {"sgd", "adamw", "muon"} <= set(optimizers.OPTIMIZERS)
    assert {"builtin", "cifar10", "cifar100", "images", "svhn"} <= set(datasets.DATASETS)


def test_a_name_that_is_not_registered_is_refused_with_those_there_are() -> None:
    registry: Registry[int] = Registry("colour", "ablate.vision.optimizers")
    registry.register("red", 1)
    registry.decorator("blue")(2)
    assert dict(registry) == {"blue": 2, "red": 1}
    with pytest.raises(UsageError) as caught:
        registry["green"]
    assert str(caught.value) == "colour=green: expected one of blue, red."
    with pytest.raises(ValueError, match="colour=red is registered twice"):
        registry.register("red", 3)
