"""A script with argparse, without Hydra. No line of it knows ablate:

ablate sweep lr=0.1,0.5 bias=true,false seeds=5 -- python examples/argparse/train.py --lr {lr} {bias:--bias} --seed {seed}
"""

import argparse
import json

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--bias", action="store_true")
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

rng = np.random.default_rng(args.seed)
points = rng.normal(size=(400, 5))
labels = points @ rng.normal(size=5) + 0.8 + rng.normal(size=400) > 0  # a logistic regression with an intercept
if args.bias:
    points = np.hstack([points, np.ones((400, 1))])
train, test = slice(0, 200), slice(200, 400)
weights = np.zeros(points.shape[1])
for step in range(args.steps):
    probability = 1 / (1 + np.exp(-points[train] @ weights))
    weights -= args.lr * points[train].T @ (probability - labels[train]) / 200
    if step % 20 == 0:
        print(f"step {step}: loss {-np.log(np.where(labels[train], probability, 1 - probability)).mean():.4f}")
print(json.dumps({"accuracy": float(((points[test] @ weights > 0) == labels[test]).mean())}))
