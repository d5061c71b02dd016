"""A Lightning project in the shape of lightning-hydra-template: callbacks, paths, extras, and `seed: null`.

python examples/lightning/train.py -m hydra/sweeper=ablate model.optimizer.lr=0.01,0.05 hydra.sweeper.seeds=5

The only line that knows ablate is in configs/callbacks/default.yaml.
"""

import logging

import hydra
import lightning as L
from omegaconf import OmegaConf

log = logging.getLogger(__name__)


def extras(cfg):
    """Optional utilities that run before the task."""
    if cfg.extras.print_config:
        print(OmegaConf.to_yaml(cfg, resolve=True))


def train(cfg):
    if cfg.get("seed"):
        L.seed_everything(cfg.seed, workers=True, verbose=False)
    datamodule = hydra.utils.instantiate(cfg.data)
    model = hydra.utils.instantiate(cfg.model)
    callbacks = [hydra.utils.instantiate(each) for each in (cfg.get("callbacks") or {}).values() if each is not None]
    trainer = hydra.utils.instantiate(cfg.trainer, callbacks=callbacks)
    log.info("training in %s", cfg.paths.output_dir)
    trainer.fit(model=model, datamodule=datamodule, ckpt_path=cfg.get("ckpt_path"))
    metrics = dict(trainer.callback_metrics)
    if cfg.test:
        trainer.test(model=model, datamodule=datamodule, ckpt_path="best", weights_only=False, verbose=False)
        metrics |= trainer.callback_metrics
    return metrics


@hydra.main(version_base="1.3", config_path="configs", config_name="train.yaml")
def main(cfg):
    extras(cfg)
    return train(cfg)[cfg.optimized_metric].item()


if __name__ == "__main__":
    main()
