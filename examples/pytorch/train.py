"""A plain PyTorch loop under Hydra. No line of it knows ablate:

python examples/pytorch/train.py -m hydra/sweeper=ablate optimizer.lr=0.01,0.1 model.norm=true,false hydra.sweeper.seeds=5
"""

import hydra
import torch
from torch import nn
from torch.nn import functional as F


def spirals(samples, noise):
    """Two interleaved spirals: points (N, 2) and classes (N,)."""
    labels = torch.arange(samples) % 2
    angle = 3 * torch.pi * torch.rand(samples).sqrt()
    points = torch.stack([angle.cos(), angle.sin()], dim=1) * (angle / 10 * (1 - 2 * labels))[:, None]
    return points + noise * torch.randn(samples, 2), labels


def network(model):
    norm = [nn.BatchNorm1d(model.width)] if model.norm else []
    return nn.Sequential(nn.Linear(2, model.width), *norm, nn.ReLU(), nn.Linear(model.width, 2))


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg):
    if cfg.seed:
        torch.manual_seed(cfg.seed)
    points, labels = spirals(**cfg.data)
    test_points, test_labels = spirals(**cfg.data)
    net = network(cfg.model)
    optimizer = torch.optim.AdamW(net.parameters(), lr=cfg.optimizer.lr)
    for epoch in range(cfg.epochs):
        net.train()
        for batch in torch.randperm(len(points)).split(cfg.batch_size):
            optimizer.zero_grad()
            F.cross_entropy(net(points[batch]), labels[batch]).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            accuracy = (net(test_points).argmax(1) == test_labels).float().mean().item()
        print(f"epoch {epoch}: accuracy {accuracy:.3f}")
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
