"""A program of somebody else: no line of it knows ablate."""

import csv
import json
import logging
import random
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig

log = logging.getLogger(__name__)


@hydra.main(version_base="1.3", config_path="conf", config_name="plain")
def main(cfg):
    assert list(cfg) == ["seed", "optimizer", "returns", "name"], list(cfg)
    random.seed(cfg.seed)
    score = cfg.optimizer.lr + random.random()
    folder = Path(HydraConfig.get().runtime.output_dir)
    log.info("%s in %s", cfg.name, folder.name)
    if cfg.returns == "mapping":
        return {"score": score, "folder": str(folder)}
    if cfg.returns == "number":
        return score
    with (folder / "metrics.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["epoch", "score"], [0, 2 * score], [1, score]])
    (folder / "final.json").write_text(json.dumps({"best": 2 * score}))
    return None


if __name__ == "__main__":
    main()
