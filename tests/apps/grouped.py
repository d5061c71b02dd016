"""A training with torch's DistributedDataParallel over gloo; `python grouped.py --plain LR SEED` trains it without ablate."""

import os
import sys

import torch
import torch.distributed as dist

import ablate


def fit(lr: float, seed: int) -> float:
    dist.init_process_group("gloo")
    torch.manual_seed(seed)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr)
    data = torch.Generator().manual_seed(100 * seed + dist.get_rank())
    for _ in range(3):
        loss = model(torch.randn(8, 3, generator=data)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    total = loss.detach().clone()
    dist.all_reduce(total)
    dist.destroy_process_group()
    return total.item()


@ablate.main("conf", "grouped")
def train(cfg, run):
    if cfg.fails:
        raise RuntimeError("it was asked to fail")
    run.log(epoch=1, rank=run.rank)
    return {"loss": fit(cfg.lr, run.seed)}


if __name__ == "__main__":
    if "--plain" in sys.argv:
        sys.stdout.write(f"loss {fit(float(sys.argv[2]), int(sys.argv[3]))!r}\n")  # in one piece: the other rank prints too
        sys.stdout.flush()
        os._exit(0)  # torch 2.14 keeps gloo's threads after DDP and destroy_process_group; a usual end sometimes aborts in them
    else:
        train()
