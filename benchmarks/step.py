"""How much of the bare training step's speed an epoch keeps.

    python benchmarks/step.py experiment=stage89 data=images data.root=IMAGES.zip data.train_size=10000

The bare step is the same network, batch size and threads on one fixed batch that already lies on the device: forward,
loss, backward, optimizer. The epoch adds what training needs: the order of the images, their augmentation, the losses.
Both are timed side by side, an epoch between two stretches of bare steps; the ratio is that of images a second.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir

from ablate.engine.run import Run
from ablate.run import conf
from ablate.storage.records import RunRecord
from ablate.vision import data as images
from ablate.vision.config import Config, from_hydra
from ablate.vision.devices import choose_device, set_numerics
from ablate.vision.networks import build
from ablate.vision.optimizers import make_optimizer
from ablate.vision.precision import autocast
from ablate.vision.training import Trainer

STEPS = 30
ROUNDS = 3


def bare_images_per_second(config: Config, device: torch.device) -> float:
    """STEPS steps on one batch, after three that do not count."""
    size = config.optimizer.batch_size
    network = build(config).to(device)
    optimizer = make_optimizer(config.optimizer.model_copy(update={"learning_rate": 0.0}), network)
    batch = torch.randn(size, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(size, dtype=torch.int64, device=device)
    for step in range(-3, STEPS):
        if step == 0:
            started = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with autocast(device, config.precision):
            loss = F.cross_entropy(network(batch).float(), labels)
        loss.backward()
        optimizer.step()
    loss.item()  # waits for the device
    return STEPS * size / (time.perf_counter() - started)


def main() -> None:
    with initialize_config_dir(str(conf()), version_base="1.3"):
        config = from_hydra(compose("config", sys.argv[1:]))
    device = choose_device(config.device)
    facts = set_numerics(config, device)
    data = images.load(config.data, device)
    ratios = []
    for number in range(1, ROUNDS + 1):
        with tempfile.TemporaryDirectory() as folder:
            run = Run(Path(folder), RunRecord(identity="", cell="", seed=config.seed, label="", choices={}, overridden=[]), {})
            trainer = Trainer(config, run, build(config, len(data.classes)).to(device), data.train, device)
            before = bare_images_per_second(config, device)
            row = trainer.epoch(1)
            after = bare_images_per_second(config, device)
        epoch = len(data.train) / row["train_seconds"]
        ratios.append(epoch / ((before + after) / 2))
        print(
            f"round {number}: bare step {before:.1f} and {after:.1f} images/s, epoch {epoch:.1f} images/s, "
            f"ratio {ratios[-1]:.3f}",
            flush=True,
        )
    print(f"median ratio {statistics.median(ratios):.3f} ({facts['hardware']['processor']}, {facts['numerics']})")


if __name__ == "__main__":
    main()
