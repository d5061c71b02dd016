"""Every level composes; a value that is not allowed is refused by its key, in one line."""

from collections.abc import Callable
from typing import Any, Self

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from pydantic import model_validator

from ablate.core.errors import UsageError
from ablate.run import conf
from ablate.vision.config import Config, allowed
from ablate.vision.datasets import DATASETS
from ablate.vision.models import MODELS
from ablate.vision.optimizers import OPTIMIZERS
from ablate.vision.registry import Components
from ablate.vision.settings import Evaluation, ModelSettings, Section

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
        ("model.dropout_rate=1.5", "model.dropout_rate=1.5: expected a number >= 0 and < 1."),
        ("model.widths=[]", "model.widths=[]: expected a non-empty list of integers >= 1."),
        ("stem.widths=[0]", "stem.widths=[0]: expected a list of integers >= 1."),
        ("stem.norm_position=left", "stem.norm_position=left: expected one of after, before."),
        ("activation.name=tanh", "activation.name=tanh: expected one of relu, gelu, silu, none."),
        ("optimizer.learning_rate=-1", "optimizer.learning_rate=-1: expected a number >= 0."),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate=nan: expected a number >= 0."),
        ("evaluation.protocols=[]", "evaluation.protocols=[]: expected a non-empty list of any of standard, flipped, batch, article."),
        ("evaluation.protocols=[none]", "evaluation.protocols=[none]: expected a non-empty list of any of standard, flipped, batch, article."),
        ("data.train_size=0", "data.train_size=0: expected an integer >= 1, or null."),
        ("threads=99999999", "threads=99999999: expected an integer >= 1 and <= 1024, or null."),
        ("augment.std=[1,1]", "augment.std=[1, 1]: expected a list of 3 numbers > 0."),
        ("device=tpu", "device=tpu: expected one of auto, cpu, cuda, mps."),
        ("seed=-1", "seed=-1: expected an integer >= 0."),
        ("optimizer={nesterov:true,momentum:0}", "optimizer.nesterov=true needs optimizer.momentum > 0."),
        ("evaluation.protocols=[standard,standard]", "evaluation.protocols=[standard, standard]: duplicate protocol."),
        ("precision=half", "precision=half: expected one of auto, float32, bfloat16."),
        ("model.name=vgg", f"model.name=vgg: expected one of {', '.join(MODELS)}."),
        ("optimizer.name=lion", f"optimizer.name=lion: expected one of {', '.join(OPTIMIZERS)}."),
        ("data.source=imagenet", f"data.source=imagenet: expected one of auto, {', '.join(DATASETS)}."),
        ("~deterministic", "deterministic is missing: expected true or false."),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_its_key(override: str, said: str, experiment: Callable[..., Config]) -> None:
    with pytest.raises(UsageError) as caught:
        experiment(override)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("optimizer.batch_size=many", "optimizer.batch_size=many: expected an integer >= 1."),
        ("optimizer.batch_size='32'", "optimizer.batch_size='32': expected an integer >= 1."),
        ("optimizer.batch_size=32.0", "optimizer.batch_size=32.0: expected an integer >= 1."),
        ("model.dropout=1", "model.dropout=1: expected true or false."),
        ("data.root=3", "data.root=3: expected a string, or null."),
        ("optimizer.name=null", "optimizer.name=null: expected a string."),
        ("budget.epochs=true", "budget.epochs=true: expected an integer >= 1."),
    ],
)
def test_types_are_strict(override: str, said: str, experiment: Callable[..., Config]) -> None:
    with pytest.raises(UsageError) as caught:
        experiment(override)
    assert str(caught.value) == said


def test_a_whole_number_is_a_number(experiment: Callable[..., Config]) -> None:
    assert experiment("optimizer.learning_rate=1").optimizer.learning_rate == 1.0


def test_an_unknown_key_is_refused_with_those_there_are(experiment: Callable[..., Config]) -> None:
    with pytest.raises(
        UsageError, match=r"^stem\.widht: unknown key\. Did you mean 'widths'\? Available: widths, activation, "
    ):
        experiment("+stem.widht=1")
    with pytest.raises(UsageError, match=r"^colour: unknown key\. Available: model, stem, norm, "):
        experiment("+colour=1")


def test_fields_of_other_types_and_validators_of_a_section_have_one_line_too(
    experiment: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Inner(Section):
        depth: int

    class Odd(ModelSettings):
        size: int | str
        lookup: dict[str, int]
        inner: Inner

        @model_validator(mode="after")
        def _check(self) -> Self:
            if self.size == 7:
                raise ValueError("seven is too many.")
            return self

    registry: Components[Any, Any] = Components("model.name", "ablate.vision.models")
    registry.builder("odd", Odd)(lambda *_: None)
    monkeypatch.setattr("ablate.vision.config.MODELS", registry)
    monkeypatch.setattr(registry, "_discover", lambda: None)

    def said(model: str) -> str:
        with pytest.raises(UsageError) as caught:
            experiment("~model", f"+model={{name:odd,{model}}}")
        return str(caught.value)

    assert said("size:1.5,lookup:{},inner:{depth:1}") == "model.size=1.5: expected an integer or a string."
    assert said("size:1,lookup:3,inner:{depth:1}") == "model.lookup=3: expected a dict."
    assert said("size:1,lookup:{},inner:{depth:x}") == "model.inner.depth=x: expected an integer."
    assert said("size:1,lookup:{},inner:{depth:1,zoo:1}") == "model.inner.zoo: unknown key. Available: depth."
    assert said("size:7,lookup:{},inner:{depth:1}") == "model: seven is too many."


@pytest.mark.parametrize("field", [(section, name) for section in (Config, Evaluation) for name in section.model_fields])
def test_what_a_field_allows_can_be_said(field: tuple[type[Section], str]) -> None:
    section, name = field
    info = section.model_fields[name]
    assert allowed(info.annotation, info.metadata)


def test_images_need_a_root(experiment: Callable[..., Config]) -> None:
    with pytest.raises(UsageError, match=r"data=images needs data\.root=FOLDER"):
        experiment("data.source=images")


def test_the_first_levels_of_the_study_of_ingredients_are_the_recipe() -> None:
    """Each ingredient is a factor and has a claim; the recipe alone is tested by +study=fast."""
    with initialize_config_dir(str(conf()), version_base="1.3"):
        study = compose("config", ["+study=ingredients"], return_hydra_config=True)
        fast = compose("config", ["+study=fast"])
        recipe = compose("config", ["experiment=fast"], return_hydra_config=True)
    factors = OmegaConf.to_container(study.hydra.sweeper.params)
    claims = OmegaConf.to_container(study.study.claims)
    # Muon and its weight decay are one factor, since SGD has another
    assert (factors.pop("optimizer"), factors.pop("optimizer.weight_decay")) == ("fast_muon,fast,fast_muon", "0.1,0.001,0.0")
    joint = [claim["contrast"] for claim in claims if claim["contrast"]["factor"] == "optimizer+weight_decay"]
    assert [(change["from"], change["to"]) for change in joint] == [
        ("fast_muon/0", "fast_muon/0.1"),
        ("fast/0.001", "fast_muon/0.1"),
    ]
    for choice, decay in (("fast_muon", 0.1), ("fast", 0.001)):
        with initialize_config_dir(str(conf()), version_base="1.3"):
            assert compose("config", ["experiment=fast", f"optimizer={choice}"]).optimizer.weight_decay == decay
    claims = [claim for claim in claims if claim["contrast"] not in joint]
    assert [claim["contrast"]["factor"] for claim in claims] == list(factors)
    for claim in claims:
        factor = claim["contrast"]["factor"]
        value = OmegaConf.select(recipe, factor)
        level = recipe.hydra.runtime.choices.get(factor, OmegaConf.to_object(value) if OmegaConf.is_config(value) else value)
        assert level == claim["contrast"]["to"]
        assert str(factors[factor]).lower().replace(" ", "").startswith(str(level).lower().replace(" ", "").strip())
    assert study.data.train_size == 10_000
    for section in ("model", "norm", "activation", "augment", "optimizer", "schedule", "averaging"):
        assert fast[section] == study[section] == recipe[section]
