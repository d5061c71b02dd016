"""An application in which the activation does nothing behind the direct stem: two cells, one experiment."""

import ablate


def experiment(cfg):
    return [cfg.stem] if cfg.stem == "direct" else [cfg.stem, cfg.activation]


@ablate.main("conf", "alike", experiment=experiment)
def train(cfg, run):
    score = len(str(experiment(cfg))) + run.stream("noise").normal()
    run.log(epoch=1, score=score)
    return {"score": score}


if __name__ == "__main__":
    train()
