"""Every level composes; every value out of range is refused by its key."""

from collections.abc import Callable

import pytest
from omegaconf.errors import OmegaConfBaseException

from ablate.core.errors import UsageError
from ablate.run import conf
from ablate.vision.config import Config

LEVELS = sorted(
    f"{path.parent.relative_to(conf())}={path.stem}" for path in conf().glob("*/*.yaml") if path.parent.name != "data"
)


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_composes(level: str, experiment: Callable[..., Config]) -> None:
    assert experiment(level.replace("study=", "+study=")).seed == 0


def test_the_stages_have_the_authors_values(experiment: Callable[..., Config]) -> None:
    """As published in the author's repository, daikiclimate/CIFAR10."""
    first, second, third = (experiment(f"experiment=stage{stage}") for stage in (87, 89, 92))
    assert [stage.optimizer.batch_size for stage in (first, second, third)] == [32, 128, 128]
    assert [stage.optimizer.weight_decay for stage in (first, second, third)] == [0, 0, 0.008]
    assert [stage.schedule.step_epochs for stage in (first, second, third)] == [10, 10, 8]
    assert [stage.model.dropout for stage in (first, second, third)] == [True, False, False]
    assert [stage.norm.shared for stage in (first, second, third)] == [False, True, True]
    assert [stage.model.padding for stage in (first, second, third)] == ["module", "module", "conv"]
    assert [stage.stem.widths for stage in (first, second, third)] == [[], [6, 12, 24, 48], [8, 24]]
    for stage in (first, second, third):
        assert (stage.optimizer.learning_rate, stage.optimizer.momentum, stage.schedule.gamma) == (0.01, 0.9, 0.5)
        assert stage.optimizer.skip_first_batch
        assert stage.augment.flip
        assert stage.augment.mean == stage.augment.std == [0.5, 0.5, 0.5]


def test_the_articles_budget_is_all_images_and_100_epochs(experiment: Callable[..., Config]) -> None:
    config = experiment("budget=article")
    assert (config.budget.epochs, config.data.train_size, config.data.test_size) == (100, None, None)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("model.dropout_rate=1.5", "model.dropout_rate=1.5: a number from 0 to 1, the latter excluded."),
        ("model.widths=[]", "model.widths=[]: whole numbers from 1."),
        ("stem.widths=[0]", "stem.widths=0: whole numbers from 1."),
        ("stem.norm_position=left", "stem.norm_position=left: one of after, before."),
        ("activation.name=tanh", "activation.name=tanh: one of relu, gelu, silu, none."),
        ("optimizer.learning_rate=-1", "optimizer.learning_rate=-1.0: a number at least 0."),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate=nan: a number at least 0."),
        ("evaluation.protocols=[]", "evaluation.protocols=[]: some of standard, flipped, batch, article."),
        ("evaluation.protocols=[none]", "evaluation.protocols=none: one of standard, flipped, batch, article."),
        ("data.train_size=0", "data.train_size=0: whole numbers from 1."),
        ("augment.std=[1,1]", "augment.std=[1.0, 1.0]: one number for each of the three channels."),
        ("device=tpu", "device=tpu: one of auto, cpu, cuda, mps."),
        ("seed=-1", "seed=-1: a number at least 0."),
        ("optimizer={nesterov:true,momentum:0}", "optimizer.nesterov=true needs optimizer.momentum above 0."),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_its_key(override: str, said: str, experiment: Callable[..., Config]) -> None:
    with pytest.raises(UsageError) as caught:
        experiment(override)
    assert str(caught.value) == said


def test_a_value_of_another_type_and_an_unknown_key_are_refused(experiment: Callable[..., Config]) -> None:
    with pytest.raises(OmegaConfBaseException, match="'many' of type 'str' could not be converted to Integer"):
        experiment("optimizer.batch_size=many")
    with pytest.raises(OmegaConfBaseException, match="Key 'colour' not in 'Model'"):
        experiment("+model.colour=1")


def test_images_need_a_root(experiment: Callable[..., Config]) -> None:
    with pytest.raises(UsageError, match=r"data=images needs data\.root"):
        experiment("data.source=images")
