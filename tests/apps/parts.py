"""A program whose components can be turned off: a section, a list, a config group, two groups of one name."""

import ablate


@ablate.main("conf", "parts", metrics=["score"])
def train(cfg, run):
    ema = cfg.callbacks.ema.decay if cfg.callbacks.get("ema") else 0
    nets = [cfg[name].size if name in cfg else 0 for name in ("net", "encoder", "decoder")]
    score = ema + 10 * sum(nets) + len(cfg.widths or []) + bool(cfg.get("attention")) + run.stream("noise").normal()
    return {"score": score}


if __name__ == "__main__":
    train()
