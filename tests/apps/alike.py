"""A program in which the activation does nothing behind the direct stem: two cells, one experiment."""

import ablate


class Stems(ablate.Experiment):
    def fingerprint(self, settings):
        return [settings.stem] if settings.stem == "direct" else [settings.stem, settings.activation]


@ablate.main("conf", "alike", experiment=Stems())
def train(cfg, run):
    score = len(str(Stems().fingerprint(cfg))) + run.stream("noise").normal()
    run.log(epoch=1, score=score)
    return {"score": score}


if __name__ == "__main__":
    train()
