"""`python -m ablate.run`: a run of the included experiment, or with -m a sweep.

python -m ablate.run
python -m ablate.run -m model.dropout=true,false stem=pyramid,direct
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig

import ablate
from ablate.vision.experiment import VisionExperiment


def conf() -> Path:
    """The configuration folder: inside the package if installed, otherwise at the top of the checkout."""
    packaged = Path(__file__).resolve().parent / "conf"
    return packaged if packaged.is_dir() else packaged.parent.parent / "conf"


@ablate.main(conf(), experiment=VisionExperiment())
def train(cfg: DictConfig, run: ablate.Run) -> Mapping[str, float | None]:
    """Train a network; see `ablate.vision.training.train` for the metrics."""
    from ablate.vision.config import from_hydra
    from ablate.vision.training import train

    return train(from_hydra(cfg), run)


if __name__ == "__main__":
    train()
