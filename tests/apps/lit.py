"""A Lightning program with `trainer.devices=2`: its strategy `ddp` executes the command again for rank 1."""

import os
import sys

import lightning as L
import torch

import ablate


class Net(L.LightningModule):
    def __init__(self, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.layer = torch.nn.Linear(3, 1)

    def training_step(self, batch):
        loss = self.layer(batch[0]).square().mean()
        self.log("loss", loss, sync_dist=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.lr)


def fit(lr: float, seed: int, devices: int, folder: str) -> tuple[float, int, int]:
    """The loss, the number of processes, and the steps of each: 32 samples in batches of 4 are 8 steps of one process."""
    L.seed_everything(seed)
    images = torch.utils.data.TensorDataset(torch.randn(32, 3))
    trainer = L.Trainer(
        accelerator="cpu",
        devices=devices,
        strategy="ddp",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    trainer.fit(Net(lr), torch.utils.data.DataLoader(images, batch_size=4))
    return trainer.callback_metrics["loss"].item(), trainer.world_size, trainer.global_step


@ablate.main("conf", "lit")
def train(cfg, run):
    loss, processes, steps = fit(cfg.lr, run.seed, cfg.trainer.devices, str(run.directory))
    run.log(processes=processes, steps=steps)
    return {"loss": loss}


if __name__ == "__main__":
    if "--plain" in sys.argv:
        loss, *_ = fit(float(sys.argv[2]), int(sys.argv[3]), 2, ".")
        if os.environ.get("LOCAL_RANK", "0") == "0":
            print("loss", repr(loss), flush=True)
        os._exit(0)  # torch 2.14 keeps gloo's threads after DDP; a usual end of the interpreter sometimes aborts in them
    else:
        train()
