"""Devices: chosen by what is there; and what a GPU would do, tried without one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode

from ablate.core.errors import UsageError
from ablate.engine.run import Run
from ablate.storage.records import RunRecord
from ablate.vision import data as images
from ablate.vision.config import Config
from ablate.vision.data import Images, Normalizer
from ablate.vision.devices import choose_device, default_threads, device_of, set_numerics
from ablate.vision.evaluation import evaluate
from ablate.vision.models.article import Network
from ablate.vision.networks import build
from ablate.vision.training import Trainer

Experiment = Callable[..., Config]


def test_auto_takes_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert choose_device("auto") == torch.device("cuda", 0)
    assert choose_device("cpu").type == "cpu"


def test_of_several_gpus_a_process_takes_the_one_of_its_number(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    run = Run(
        tmp_path / "runs" / "cell" / "seed=0",
        RunRecord(identity="i", cell="c", seed=0, label="base", choices={}, overridden=[]),
        {},
    )
    for number, gpu in enumerate((0, 1, 0)):
        monkeypatch.setattr(Run, "slot", number)
        assert device_of(experiment("device=cuda"), run) == torch.device("cuda", gpu)
    assert [device.index for device in taken] == [0, 1, 0]


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="device=cuda: torch finds no such device on this machine; use device=auto"):
        choose_device("cuda")


def test_cublas_is_told_to_be_deterministic_before_the_first_product_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads the variable once: a run that is not deterministic may come first."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    choose_device("cpu")
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    choose_device("cuda")
    assert os.environ.pop("CUBLAS_WORKSPACE_CONFIG") == ":4096:8"


@pytest.mark.parametrize("deterministic", ["true", "false"])
def test_tf32_is_on_and_recorded_on_cuda_whether_deterministic_or_not(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, deterministic: str
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    flags = (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark)
    try:
        facts = set_numerics(experiment(f"deterministic={deterministic}", "precision=float32"), torch.device("cuda"))
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = flags
    assert facts["numerics"]["tf32"]


def test_numerics_are_noted(experiment: Experiment) -> None:
    threads = torch.get_num_threads()
    try:
        facts = set_numerics(experiment("threads=1", "precision=bfloat16"), torch.device("cpu"))
    finally:
        torch.set_num_threads(threads)
    assert facts["numerics"]["threads"] == 1
    assert facts["numerics"]["precision"] == "bfloat16"
    assert "tf32" not in facts["numerics"]  # the runs that were made before it was recorded have the same numerics
    assert facts["hardware"]["cores"] >= 1


def test_threads_of_one_run_are_not_those_of_the_next(experiment: Experiment) -> None:
    before = default_threads()
    try:
        set_numerics(experiment(f"threads={before + 1}"), torch.device("cpu"))
        assert torch.get_num_threads() == before + 1
        facts = set_numerics(experiment("threads=null"), torch.device("cpu"))
    finally:
        torch.set_num_threads(before)
    assert facts["numerics"]["threads"] == before


def test_forward_loss_augmentation_and_evaluation_stay_on_a_gpu(experiment: Experiment) -> None:
    """Fake CUDA tensors have shapes, types and a device, and no numbers: a transfer to the host would raise."""
    config = experiment("model.dropout=true", "augment=crop")
    with FakeTensorMode(allow_non_fake_inputs=True):
        cuda = torch.device("cuda")
        with cuda:
            network = Network(config)
        batch = torch.zeros(16, 32, 32, 3, dtype=torch.uint8, device=cuda)
        labels = torch.zeros(16, dtype=torch.int64, device=cuda)
        batch = images.flip(batch, torch.zeros(16, dtype=torch.bool, device=cuda))
        batch = images.crop(batch, torch.zeros(16, 2, dtype=torch.int64, device=cuda), 4)
        seen = Normalizer(config.augment, cuda)(batch)
        assert seen.device.type == "cuda"
        assert seen.is_contiguous(memory_format=torch.channels_last)
        for training in (True, False):
            network.train(training)
            logits = network(seen)
            loss = F.cross_entropy(logits.float(), labels, label_smoothing=0.1)
            assert (loss.device.type, loss.dtype, loss.shape) == ("cuda", torch.float32, ())
            assert (logits.argmax(1) == labels).device.type == "cuda"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype feature")  # of torch, when the mode is set
def test_a_step_waits_for_nothing(experiment: Experiment, tmp_path: Path) -> None:
    config = experiment("model.dropout=true", "augment=crop", "schedule=cosine", "averaging=ema", "averaging.every=1")
    cuda = choose_device("cuda")
    data = images.load(config.data, cuda).train
    trainer = Trainer(
        config,
        Run(tmp_path, RunRecord(identity="i", cell="c", seed=0, label="", choices={}, overridden=[]), {}),
        build(config).to(cuda),
        data,
        cuda,
    )
    trainer.epoch(1)
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer._step(trainer.normalize(data.images[:32]), data.labels[:32], skipped=False)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    _, right = evaluate("standard", config, trainer.run, trainer.network, Images(data.images, data.labels), 1)
    assert len(right) == len(data)
