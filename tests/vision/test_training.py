"""Training, against a loop written out by hand; and what makes two runs a pair."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ablate.core.errors import Diverged
from ablate.engine.run import Run
from ablate.storage.records import RunRecord
from ablate.vision import data as images
from ablate.vision import training
from ablate.vision.config import Config
from ablate.vision.models.fast import patch_covariance
from ablate.vision.networks import build
from ablate.vision.training import Trainer, make_schedule, train

Experiment = Callable[..., Config]
CPU = torch.device("cpu")
SMALL = ["model.widths=[8,12,16]", "data.train_size=80", "data.test_size=40", "threads=1"]


def make_run(config: Config, folder: Path) -> Run:
    folder.mkdir(parents=True, exist_ok=True)
    return Run(folder, RunRecord(identity="i", cell="c", seed=config.seed, label="base", choices={}, overridden=[]), {})


def trained(config: Config, folder: Path) -> tuple[dict[str, float | None], str]:
    run = make_run(config, folder)
    metrics = train(config, run)
    return metrics, (folder / "history.csv").read_text()


def without_times(history: str) -> list[list[str]]:
    header, *rows = [line.split(",") for line in history.splitlines()]
    return [[cell for name, cell in zip(header, row, strict=True) if "seconds" not in name] for row in [header, *rows]]


def trainer(config: Config, folder: Path) -> Trainer:
    data = images.load(config.data, CPU)
    return Trainer(config, make_run(config, folder), build(config), data.train, CPU)


def test_equal_seeds_give_equal_numbers_and_others_do_not(experiment: Experiment, tmp_path: Path) -> None:
    config = experiment(*SMALL, "model.dropout=true")
    metrics, history = trained(config, tmp_path / "a")
    again, history_again = trained(config, tmp_path / "b")
    assert without_times(history) == without_times(history_again)
    timed = ("images_per_second", "seconds_to_target", "article_seconds_to_target")
    assert {k: v for k, v in metrics.items() if k not in timed} == {k: v for k, v in again.items() if k not in timed}
    _, other = trained(experiment(*SMALL, "model.dropout=true", "seed=1"), tmp_path / "c")
    assert without_times(other)[1:] != without_times(history)[1:]


def test_the_second_protocol_changes_nothing_in_the_training(experiment: Experiment, tmp_path: Path) -> None:
    both = experiment(*SMALL, "model.dropout=true")
    alone = experiment(*SMALL, "model.dropout=true", "evaluation.protocols=[standard]")
    metrics_of_both, _ = trained(both, tmp_path / "a")
    metrics_alone, _ = trained(alone, tmp_path / "b")
    assert "article_final_test_accuracy" in metrics_of_both
    assert "article_final_test_accuracy" not in metrics_alone
    for name in ("final_train_loss", "final_test_loss", "final_test_accuracy"):
        assert metrics_of_both[name] == metrics_alone[name]


def seen_by(config: Config, folder: Path) -> list[torch.Tensor]:
    """The batches of the first epoch, as the network is shown them."""
    subject = trainer(config, folder)
    seen: list[torch.Tensor] = []
    subject.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    subject.epoch(1)
    return seen


@pytest.mark.parametrize("change", ["model.dropout=true", "stem=direct", "norm=every", "activation=gelu", "schedule=cosine"])
def test_another_factor_sees_the_same_images_in_the_same_order(change: str, experiment: Experiment, tmp_path: Path) -> None:
    base, other = seen_by(experiment(*SMALL), tmp_path / "a"), seen_by(experiment(*SMALL, change), tmp_path / "b")
    assert len(base) == 3
    assert all(torch.equal(one, two) for one, two in zip(base, other, strict=True))
    seeded = seen_by(experiment(*SMALL, "seed=1"), tmp_path / "c")
    assert not any(torch.equal(one, two) for one, two in zip(base, seeded, strict=True))


def test_the_batch_size_changes_neither_order_nor_flips(experiment: Experiment, tmp_path: Path) -> None:
    base = torch.cat(seen_by(experiment(*SMALL), tmp_path / "a"))
    halved = torch.cat(seen_by(experiment(*SMALL, "optimizer.batch_size=16"), tmp_path / "b"))
    assert torch.equal(base, halved)


def test_an_epoch_is_the_loop_anybody_would_write(experiment: Experiment, tmp_path: Path) -> None:
    """Plain torch, one image at a time into the batch, no fused optimizer: the same weights in the end.

    Without BN, which divides by the spread of channels that hardly vary yet, and so enlarges the last bits in which two
    ways to normalise pixels differ.
    """
    plain = [*SMALL, "stem=direct", "norm=none"]
    config = experiment(*plain, "optimizer.weight_decay=0.01", "optimizer.nesterov=true", "optimizer.label_smoothing=0.1")
    subject = trainer(config, tmp_path)
    row = subject.epoch(1)

    network = build(config)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.01, fused=False)
    run, data = make_run(config, tmp_path / "b"), images.load(config.data, CPU).train
    order, flipped = run.stream("order", 1).permutation(80), run.stream("flip", 1).random(80) < 0.5
    losses, right = [], 0
    for start in range(0, 80, 32):
        chosen = order[start : start + 32]
        batch = [data.images[index].permute(2, 0, 1).float() / 255 for index in chosen]
        batch = [image.flip(2) if flipped[index] else image for index, image in zip(chosen, batch, strict=True)]
        labels = data.labels[torch.from_numpy(chosen)]
        logits = network((torch.stack(batch) - 0.5) / 0.5)
        loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item() * len(chosen))
        right += int((logits.argmax(1) == labels).sum())
    for name, value in network.state_dict().items():
        assert torch.allclose(subject.network.state_dict()[name], value, atol=1e-6), name
    assert row["train_loss"] == pytest.approx(sum(losses) / 80, rel=1e-5)
    assert row["train_accuracy"] == right / 80


def test_a_skipped_first_batch_moves_the_schedule_and_not_the_weights(experiment: Experiment, tmp_path: Path) -> None:
    subject = trainer(
        experiment(*SMALL, "optimizer.batch_size=80", "optimizer.skip_first_batch=true", "schedule.step_epochs=1"), tmp_path
    )
    before = {name: value.clone() for name, value in subject.network.state_dict().items()}
    subject.epoch(1)
    after = subject.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name, _ in subject.network.named_parameters())
    assert not torch.equal(before["block1.norm1.running_mean"], after["block1.norm1.running_mean"])
    assert subject.optimizer.param_groups[0]["lr"] == pytest.approx(0.005)
    assert subject.epoch(2)["learning_rate"] == pytest.approx(0.0025)  # the one that the weights saw


def test_a_schedule_that_is_not_early_begins_at_the_learning_rate_also_if_batches_are_skipped(
    experiment: Experiment, tmp_path: Path
) -> None:
    """With a step after every epoch, the author's way would never train at the learning rate that is asked for."""
    skipping = ("optimizer.batch_size=40", "optimizer.skip_first_batch=true", "schedule.step_epochs=1")
    for early, expected in (("false", [0.01, 0.005, 0.0025]), ("true", [0.005, 0.0025, 0.00125])):
        subject = trainer(experiment(*SMALL, *skipping, f"schedule.early={early}"), tmp_path / early)
        assert [subject.epoch(epoch)["learning_rate"] for epoch in (1, 2, 3)] == pytest.approx(expected)


def rates(config: Config, batches: int = 4) -> list[float]:
    """The learning rate of every batch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=config.optimizer.learning_rate)
    schedule, by_batch = make_schedule(config, optimizer, batches)
    found = []
    for _ in range(config.budget.epochs):
        for _ in range(batches):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if by_batch:
                schedule.step()
        if not by_batch:
            schedule.step()
    return found


def test_schedules_follow_their_formulas(experiment: Experiment) -> None:
    epochs = "budget.epochs=3"
    assert rates(experiment("schedule=constant", epochs)) == [0.01] * 12
    assert rates(experiment("schedule=step", epochs, "schedule.step_epochs=2")) == [0.01] * 8 + [0.005] * 4
    cosine = [0.01 * (1 + np.cos(np.pi * step / 12)) / 2 for step in range(12)]
    assert rates(experiment("schedule=cosine", epochs)) == pytest.approx(cosine)
    onecycle = rates(experiment("schedule=onecycle", epochs))
    assert onecycle[0] == pytest.approx(0.01 / 25)
    assert max(onecycle) == pytest.approx(0.01, rel=0.05)
    assert onecycle[-1] < 0.001
    assert (
        len(rates(experiment("schedule=onecycle", "budget.epochs=10", "schedule.warmup=0.1"), batches=1)) == 10
    )  # one step of it
    peak = onecycle.index(max(onecycle))
    assert onecycle[: peak + 1] == sorted(onecycle[: peak + 1])
    assert onecycle[peak:] == sorted(onecycle[peak:], reverse=True)


def test_a_loss_that_is_not_finite_ends_the_run_with_its_epoch(experiment: Experiment, tmp_path: Path) -> None:
    config = experiment(*SMALL, "optimizer.learning_rate=1e30", "norm=none")
    with pytest.raises(Diverged, match="the loss is not finite in epoch 1"):
        trained(config, tmp_path)


def test_a_blow_up_in_the_very_last_step_is_a_divergence_too(experiment: Experiment, tmp_path: Path) -> None:
    """The training loss was summed before the step; the test images tell."""
    config = experiment(*SMALL, "optimizer.learning_rate=1e30", "norm=none", "optimizer.batch_size=80", "budget.epochs=1")
    with pytest.raises(Diverged, match="in epoch 1"):
        trained(config, tmp_path)
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 2


def test_metrics_and_history_agree(experiment: Experiment, tmp_path: Path) -> None:
    metrics, history = trained(experiment(*SMALL, "evaluation.target_accuracy=0.0"), tmp_path)
    header, *rows = [line.split(",") for line in history.splitlines()]
    table = {name: [float(row[index]) for row in rows] for index, name in enumerate(header)}
    assert table["epoch"] == [1, 2]
    assert metrics["final_test_accuracy"] == table["test_accuracy"][-1]
    assert metrics["article_peak_test_accuracy"] == max(table["article_test_accuracy"])
    assert metrics["epochs_to_target"] == 1
    assert metrics["seconds_to_target"] == pytest.approx(table["train_seconds"][0])
    assert metrics["images_per_second"] == pytest.approx(160 / sum(table["train_seconds"]))
    kept = np.load(tmp_path / "standard_right.npz")
    right = np.unpackbits(kept["last"], count=int(kept["count"]))
    assert right.mean() == metrics["final_test_accuracy"]


def test_a_target_that_is_not_reached_has_no_time(experiment: Experiment, tmp_path: Path) -> None:
    metrics, _ = trained(experiment(*SMALL, "evaluation.target_accuracy=1.0"), tmp_path)
    assert metrics["epochs_to_target"] is None
    assert metrics["seconds_to_target"] is None


def test_images_set_apart_are_judged(experiment: Experiment, tmp_path: Path) -> None:
    without, _ = trained(experiment(*SMALL), tmp_path / "a")
    apart, history = trained(experiment(*SMALL, "data.validation_size=40"), tmp_path / "b")
    assert apart["final_validation_accuracy"] == float(history.splitlines()[-1].split(",")[-1])
    assert apart["final_validation_accuracy"] in [count / 40 for count in range(41)]
    assert "final_validation_accuracy" not in without


def test_alternating_flips_are_each_images_two_versions_in_turn(experiment: Experiment, tmp_path: Path) -> None:
    subject = trainer(experiment(*SMALL, "augment.flipping=alternating"), tmp_path / "a")
    first, second, third = (subject._flips(epoch) for epoch in (1, 2, 3))
    assert torch.equal(first, ~second)
    assert torch.equal(first, third)
    drawn = trainer(experiment(*SMALL), tmp_path / "b")
    assert torch.equal(drawn._flips(1), first)
    assert not torch.equal(drawn._flips(2), second)


def test_reflected_crops_reach_the_network(experiment: Experiment, tmp_path: Path) -> None:
    """A border is black if all its pixels are -1."""

    def black_borders(*changes: str) -> int:
        batches = torch.cat(seen_by(experiment(*SMALL, *changes), tmp_path / changes[-1]))
        borders = batches[..., 0], batches[..., -1], batches[..., 0, :], batches[..., -1, :]
        return sum(int((border == -1).flatten(1).all(1).sum()) for border in borders)

    assert (
        black_borders("augment=crop", "augment.crop_padding=zeros") > 80
    )  # 8 of 9 crops start elsewhere, by row and by column
    assert black_borders("augment=crop", "augment.crop_padding=reflect") == black_borders("augment=flip")


def test_each_image_loses_another_square_in_each_epoch(experiment: Experiment, tmp_path: Path) -> None:
    whole = torch.cat(seen_by(experiment(*SMALL), tmp_path / "a"))
    cut = torch.cat(seen_by(experiment(*SMALL, "augment.cutout=8"), tmp_path / "b"))
    lost = (cut == 0) & (whole != 0)
    assert torch.equal(torch.where(lost, whole, cut), whole)
    sizes = lost.any(1).flatten(1).sum(1)
    assert int(sizes.max()) <= 64
    # Near a border the square is smaller: its mean side is 8 - (4 + 3 + 2 + 1 + 1 + 2 + 3) / 32 = 7.5
    assert 51 < float(sizes.float().mean()) < 61
    subject = trainer(experiment(*SMALL, "augment.cutout=8"), tmp_path / "c")
    assert not torch.equal(subject._centers(1), subject._centers(2))


def test_the_first_layer_is_fitted_to_the_training_images(experiment: Experiment, tmp_path: Path) -> None:
    config = experiment("experiment=fast", "model.widths=[8]", "model.depth=1", "data.train_size=80", "data.test_size=40")
    subject = trainer(config, tmp_path)
    training.fit(subject.network, subject.data, subject.normalize)
    layer = subject.network.get_submodule("layers.first")
    with torch.no_grad():
        out = layer(subject.normalize(subject.data.images)).transpose(0, 1).flatten(1)[:12].double()
    eigenvalues = torch.linalg.eigvalsh(patch_covariance(subject.normalize(subject.data.images)))
    assert torch.allclose(out.var(1), eigenvalues / (eigenvalues + 0.0005), atol=1e-3)


def test_the_average_of_the_weights_is_what_is_evaluated(experiment: Experiment, tmp_path: Path) -> None:
    """With a decay of 0, updated in every step, the average is the network; with a large one it lags behind."""
    plain, _ = trained(experiment(*SMALL), tmp_path / "a")
    equal, _ = trained(experiment(*SMALL, "averaging=ema", "averaging.every=1", "averaging.decay=0.0"), tmp_path / "b")
    lagging, _ = trained(experiment(*SMALL, "averaging=ema", "averaging.every=1", "averaging.decay=0.99"), tmp_path / "c")
    assert equal["final_test_loss"] == plain["final_test_loss"]
    assert lagging["final_test_loss"] != plain["final_test_loss"]
    assert lagging["final_train_loss"] == plain["final_train_loss"]


class Killed(BaseException):
    """Stands for the death of the process: nothing below catches it."""


def test_a_run_that_died_goes_on_to_the_same_numbers(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dropout, whose stream is the global one, and a schedule that steps with each batch."""
    config = experiment(*SMALL, "model.dropout=true", "schedule=onecycle", "budget.epochs=4", "optimizer.batch_size=30")
    expected, history = trained(config, tmp_path / "whole")
    epochs = Trainer.epoch

    def dies(self: Trainer, epoch: int) -> dict[str, float]:
        if epoch == 3:
            raise Killed
        return epochs(self, epoch)

    monkeypatch.setattr(Trainer, "epoch", dies)
    with pytest.raises(Killed):
        trained(config, tmp_path / "died")
    torch.manual_seed(99)  # whatever else the next process drew before
    seen: list[int] = []
    monkeypatch.setattr(Trainer, "epoch", lambda self, epoch: (seen.append(epoch), epochs(self, epoch))[1])
    resumed, history_of_both = trained(config, tmp_path / "died")
    assert seen == [3, 4]
    assert without_times(history_of_both) == without_times(history)
    timed = ("images_per_second", "seconds_to_target", "article_seconds_to_target")
    assert {k: v for k, v in resumed.items() if k not in timed} == {k: v for k, v in expected.items() if k not in timed}
    for name in ("standard_right.npz", "article_right.npz"):
        kept, again = np.load(tmp_path / "whole" / name), np.load(tmp_path / "died" / name)
        assert all(np.array_equal(kept[key], again[key]) for key in ("last", "best"))


def test_a_run_in_bfloat16_goes_on_to_the_same_numbers_and_keeps_its_state_in_float32(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = experiment(
        "model.widths=[4,6]", "model.depth=1", "model.head_width=4", "stem=direct", "model.dropout=true",
        "model.dropout_places=[block1.conv1]", "data.train_size=16", "data.test_size=8", "optimizer.batch_size=8", "threads=1",
        "precision=bfloat16",
    )  # fmt: skip
    expected, history = trained(config, tmp_path / "whole")
    epochs = Trainer.epoch

    def dies(self: Trainer, epoch: int) -> dict[str, float]:
        if epoch == 2:
            raise Killed
        return epochs(self, epoch)

    monkeypatch.setattr(Trainer, "epoch", dies)
    with pytest.raises(Killed):
        trained(config, tmp_path / "died")
    trainers: list[Trainer] = []
    monkeypatch.setattr(Trainer, "epoch", lambda self, epoch: (trainers.append(self), epochs(self, epoch))[1])
    resumed, history_of_both = trained(config, tmp_path / "died")
    assert len(trainers) == 1
    assert without_times(history_of_both) == without_times(history)
    assert resumed["final_test_loss"] == expected["final_test_loss"]
    tensors = [*trainers[0].network.state_dict().values(), *(p.grad for p in trainers[0].network.parameters())]
    assert {tensor.dtype for tensor in tensors if tensor.is_floating_point()} == {torch.float32}
    monkeypatch.setattr(Trainer, "epoch", epochs)
    single, _ = trained(config.model_copy(update={"precision": "float32"}), tmp_path / "single")
    assert single["final_train_loss"] != expected["final_train_loss"]


@pytest.mark.parametrize(
    "overrides",
    [
        ["optimizer=adamw"],
        ["optimizer=muon", "schedule=onecycle"],
        ["model=resnet18", "model.widths=[4,6]"],
        ["experiment=fast", "averaging=swa", "schedule=constant", "augment=none", "optimizer.learning_rate=0.25"],
        ["averaging=lookahead"],
    ],
)
def test_every_optimizer_and_model_family_trains_and_resumes(
    overrides: list[str], experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = [] if "model=resnet18" in overrides else ["model.widths=[4,6,8]", "model.depth=1"]
    config = experiment(*overrides, *base, "optimizer.batch_size=32", "data.train_size=64", "data.test_size=20", "threads=1")
    expected, history = trained(config, tmp_path / "whole")
    epochs = Trainer.epoch

    def dies(self: Trainer, epoch: int) -> dict[str, float]:
        if epoch == 2:
            raise Killed
        return epochs(self, epoch)

    monkeypatch.setattr(Trainer, "epoch", dies)
    with pytest.raises(Killed):
        trained(config, tmp_path / "died")
    monkeypatch.setattr(Trainer, "epoch", epochs)
    resumed, history_of_both = trained(config, tmp_path / "died")
    assert without_times(history_of_both) == without_times(history)
    assert resumed["final_test_loss"] == expected["final_test_loss"]
    rows = [line.split(",") for line in history.splitlines()]
    losses = [float(row[rows[0].index("train_loss")]) for row in rows[1:]]
    assert losses[1] < losses[0]


def test_the_protocols_apart_come_with_what_bn_meets(experiment: Experiment, tmp_path: Path) -> None:
    metrics, _ = trained(experiment(*SMALL, "evaluation=apart", "experiment=stage89"), tmp_path / "a")
    with np.load(tmp_path / "a" / "norm_statistics.npz") as kept:
        assert kept["place"].tolist()[-2:] == ["block3.norm1", "block3.pool_norm"]
        ratios = kept["variance_ratio"]
    assert metrics["variance_shift"] == pytest.approx(np.exp(np.abs(np.log(ratios)).max()))
    assert metrics["variance_ratio"] == ratios[-1]
    assert {"flipped_final_test_accuracy", "batch_final_test_accuracy"} <= metrics.keys()
    without, _ = trained(experiment(*SMALL), tmp_path / "b")
    assert "variance_shift" not in without


@pytest.mark.parametrize("changes", [[], ["evaluation=apart", "data.validation_size=10"], ["evaluation=standard"]])
def test_the_metrics_are_known_by_name_before_a_run(changes: list[str], experiment: Experiment, tmp_path: Path) -> None:
    config = experiment(*SMALL, *changes)
    assert training.metrics(config) == list(trained(config, tmp_path)[0])


def test_the_average_begins_after_its_share_of_the_steps_that_are_taken(
    experiment: Callable[..., Config], tmp_path: Path
) -> None:
    """Of four batches an epoch, one is skipped: three quarters of 2 x 3 steps."""
    swa = ("averaging=swa", "optimizer.batch_size=20", "budget.epochs=2", "averaging.start=0.75")
    for skipped, start in (("true", round(0.75 * 6)), ("false", 6)):
        assert (
            trainer(experiment(*SMALL, *swa, f"optimizer.skip_first_batch={skipped}"), tmp_path / skipped).average.start
            == start
        )
