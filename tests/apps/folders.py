"""A program that works with relative paths: it continues from a snapshot in its working folder, and changes folders."""

import os
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

import ablate


@ablate.main("conf", "folders")
def train(cfg, run):
    output = Path(HydraConfig.get().runtime.output_dir)
    assert output == run.directory == Path(cfg.output)
    if HydraConfig.get().job.chdir:
        assert Path.cwd() == output
        snapshot = Path("snapshot")
        found = snapshot.exists()
        snapshot.write_text(str(cfg.x))
    else:
        found = False
    if cfg.elsewhere:
        Path("elsewhere").mkdir(exist_ok=True)
        os.chdir("elsewhere")
    run.log(epoch=1, score=cfg.x)
    return {"found": int(found), "score": cfg.x}


if __name__ == "__main__":
    train()
