"""Two interleaved spirals, and a small network that separates them."""

import lightning as L
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MaxMetric, MeanMetric
from torchmetrics.classification import MulticlassAccuracy


def spirals(samples, seed):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(samples) % 2
    angle = 3 * torch.pi * torch.rand(samples, generator=generator).sqrt()
    points = torch.stack([angle.cos(), angle.sin()], dim=1) * (angle / 10 * (1 - 2 * labels))[:, None]
    return TensorDataset(points + 0.05 * torch.randn(samples, 2, generator=generator), labels)


class SpiralsDataModule(L.LightningDataModule):
    def __init__(self, samples, batch_size):  # noqa: ARG002
        super().__init__()
        self.save_hyperparameters(logger=False)

    def _loader(self, seed, shuffle=False):
        return DataLoader(spirals(self.hparams.samples, seed), self.hparams.batch_size, shuffle=shuffle)

    def train_dataloader(self):
        return self._loader(1, shuffle=True)

    def val_dataloader(self):
        return self._loader(2)

    def test_dataloader(self):
        return self._loader(3)


class SpiralsModule(L.LightningModule):
    def __init__(self, width, dropout, optimizer, scheduler):  # noqa: ARG002
        super().__init__()
        self.save_hyperparameters(logger=False)
        self.net = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 2))
        self.train_loss = MeanMetric()
        self.val_acc = MulticlassAccuracy(2, average="micro")
        self.test_acc = MulticlassAccuracy(2, average="micro")
        self.val_acc_best = MaxMetric()

    def on_train_start(self):
        self.val_acc_best.reset()  # without what the sanity check has seen

    def training_step(self, batch):
        loss = F.cross_entropy(self.net(batch[0]), batch[1])
        self.train_loss(loss)
        self.log("train/loss", self.train_loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch):
        self.val_acc(self.net(batch[0]).argmax(1), batch[1])
        self.log("val/acc", self.val_acc, on_step=False, on_epoch=True)

    def on_validation_epoch_end(self):
        self.val_acc_best(self.val_acc.compute())
        self.log("val/acc_best", self.val_acc_best.compute())

    def test_step(self, batch):
        self.test_acc(self.net(batch[0]).argmax(1), batch[1])
        self.log("test/acc", self.test_acc, on_step=False, on_epoch=True)

    def configure_optimizers(self):
        optimizer = self.hparams.optimizer(params=self.parameters())
        scheduler = self.hparams.scheduler(optimizer=optimizer)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val/acc"}}
