"""A study of a script of one's own: which change helps a small network read scikit-learn's digits?

python examples/digits/digits.py -m norm=false,true dropout=0,0.3 study.seeds=5
"""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

import ablate
from ablate.integrations.torch import initialize


@ablate.main(
    config_path="conf",
    config_name="config",
    metrics=["accuracy"],
    packages=["torch", "scikit-learn"],
)
def train(cfg, run):
    images, labels = map(torch.as_tensor, load_digits(return_X_y=True))
    images = (images / 16).float()
    test = torch.arange(len(labels)) % 5 == 0
    network = nn.Sequential(
        nn.Linear(64, cfg.width),
        nn.BatchNorm1d(cfg.width) if cfg.norm else nn.Identity(),
        nn.ReLU(),
        nn.Dropout(cfg.dropout),
        nn.Linear(cfg.width, 10),
    )
    initialize(network, run)  # equal seeds start with equal weights, in every configuration
    torch.manual_seed(run.derive("dropout"))
    optimizer = torch.optim.SGD(network.parameters(), lr=cfg.learning_rate, momentum=0.9)
    for epoch in range(1, cfg.epochs + 1):
        network.train()
        order = torch.from_numpy(run.stream("order", epoch).permutation(int((~test).sum())))
        for batch in order.split(32):
            loss = F.cross_entropy(network(images[~test][batch]), labels[~test][batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.eval()
        accuracy = (network(images[test]).argmax(1) == labels[test]).float().mean().item()
        run.log(epoch=epoch, loss=loss.item(), test_accuracy=accuracy)
    return {"accuracy": accuracy}


if __name__ == "__main__":
    train()
