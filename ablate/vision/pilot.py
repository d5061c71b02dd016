"""Choose the budget of `+study=qiita_short` by a pilot: the cheapest one at which its claims can be decided.

    python -m ablate.vision.pilot                    print the commands of the pilot, the cheapest budget first
    python -m ablate.vision.pilot outputs/pilot-*    compare the budgets that have been run, and choose one

The rule, which was written down before any of its runs:

1. The candidates are those in CANDIDATES. The author's schedule, ten levels of the learning rate, is compressed to them.
2. Each is run with the seeds 100 to 104. They are no seeds of the study, whose seeds are 0 to 19.
3. A budget counts if the most accurate configuration reaches 80 %.
4. A claim is decidable at a budget if each configuration that it compares reaches 50 %, and if at most 20 seeds decide it with
   a power of 80 % where the difference is as far from the border of the hypothesis as its margin, given the standard deviation
   of the pilot's paired differences (`ablate.stats.power`).
5. Of the budgets that count, take those with the most decidable claims; of these, the one with the fewest hours: seconds of a
   run, times configurations, times the seeds of the claim that needs the most.

Estimates and verdicts of the pilot are not shown.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.report.terminal import console
from ablate.stats.contributing_cells import cells_of_claim
from ablate.stats.judge import judge
from ablate.stats.outcomes import Outcomes
from ablate.storage.dataframe import load_results

CANDIDATES = ((50_000, 5), (25_000, 10), (50_000, 10), (50_000, 20))  # training images, epochs
LEARNED, FLOOR = 0.8, 0.5
ACCURACY = "final_test_accuracy"
MOST = 20  # seeds of the study
CONFIGURATIONS = 11  # of the study; the pilot leaves two out


@dataclass(frozen=True)
class Decidable:
    """A claim at a budget: the seeds that decide it, None if 20 do not, and the range by the 80 % interval of the SD."""

    claim: str
    margin: float
    sd: float
    seeds: int | None
    range: tuple[int | None, int | None]


@dataclass(frozen=True)
class Budget:
    """A budget of the pilot.

    Attributes:
        name: of its study.
        settings: its keys, for conf/budget/short.yaml.
        accuracy: the mean accuracy of the most accurate configuration.
        claims: those with a margin, in the order of the study.
        hours_per_seed: of all configurations of the study; training only.
    """

    name: str
    settings: dict[str, Any]
    accuracy: float
    claims: tuple[Decidable, ...]
    hours_per_seed: float

    @property
    def decidable(self) -> int:
        return sum(claim.seeds is not None for claim in self.claims)

    @property
    def hours(self) -> float:
        """Of a study with the seeds of the claim that needs the most; 20 seeds if there is one that 20 do not decide."""
        return self.hours_per_seed * max((claim.seeds or MOST for claim in self.claims), default=MOST)


def schedule(epochs: int) -> dict[str, float]:
    """The author's schedule, which halves the rate in every tenth of the training.

    >>> schedule(20), schedule(5)
    ({'step_epochs': 2, 'gamma': 0.5}, {'step_epochs': 1, 'gamma': 0.25})
    """
    return {"step_epochs": max(1, epochs // 10), "gamma": 0.5 ** max(1.0, 10 / epochs)}


def commands() -> list[str]:
    """The commands of the pilot without the images, the cheapest budget first."""
    return [
        f"python -m ablate.run +study=pilot budget.epochs={epochs} data.train_size={images} "
        f"schedule.step_epochs={schedule(epochs)['step_epochs']} schedule.gamma={schedule(epochs)['gamma']:g} "
        f"study.name=pilot-{images}x{epochs}"
        for images, epochs in CANDIDATES
    ]


def assess(study: str | Path) -> Budget:
    """Read a study of the pilot.

    Raises:
        UsageError: if it cannot be read, or lacks a run of a seed.
    """
    results = load_results(study)
    unfinished = int((results.runs["status"] != "finished").sum())
    if unfinished:
        raise UsageError(f"{study}: {unfinished} runs of the pilot are not finished; type its command again.")
    accuracy = results.values[ACCURACY].groupby(results.runs["cell"]).mean()
    claims = []
    for each in judge(results.claims(), results):
        if each.precision is None or each.estimate is None:
            continue  # without a margin, or not tested at any short budget
        cells = cells_of_claim(results, Outcomes.of(results, each.claim.metric), each.claim)
        learned = accuracy.reindex(cells).min() >= FLOOR
        found = each.precision
        seeds = found.seeds if learned and (found.seeds or MOST + 1) <= MOST else None
        claims.append(
            Decidable(each.claim.id, float(each.claim.margin or 0), each.estimate.sd, seeds, (found.fewest, found.most_seeds))
        )
    runs = results.runs.drop_duplicates("directory").index
    settings = _settings(results.facts)
    passes = float(settings["budget.epochs"]) * float(settings["data.train_size"])
    seconds_of_run = float((passes / results.values.loc[runs, "images_per_second"]).mean())
    return Budget(
        name=Path(study).name,
        settings=settings,
        accuracy=float(accuracy.max()),
        claims=tuple(claims),
        hours_per_seed=CONFIGURATIONS * seconds_of_run / 3600,
    )


def choose(budgets: Sequence[Budget]) -> Budget | None:
    """The budget of rules 3 and 5; None if no network has learned."""
    counted = [budget for budget in budgets if budget.accuracy >= LEARNED]
    return min(counted, key=lambda budget: (-budget.decidable, budget.hours), default=None)


def table(budgets: Sequence[Budget]) -> Table:
    """A row a budget: its accuracy, the seeds that each claim needs, and the hours of a study."""
    result = Table(title="Pilot", title_justify="left")
    for name in ("budget", "best accuracy", *(claim.claim for claim in budgets[0].claims), "hours"):
        result.add_column(name, justify="left" if name == "budget" else "right")
    for budget in budgets:
        seeds = (_in_words(claim) for claim in budget.claims)
        result.add_row(budget.name, f"{budget.accuracy:.1%}", *seeds, f"{budget.hours:.1f}")
    result.caption = (
        "Seeds that decide a claim, and their range by the 80 % interval of the standard deviation; -: not decidable with "
        f"{MOST} seeds, or a configuration is below {FLOOR:.0%}. Hours: with the seeds of the claim that needs the most."
    )
    return result


def main(studies: Sequence[str]) -> int:
    """Print the commands of the pilot, or its result. The exit status is 1 without a choice, and 2 for unusable studies."""
    if not studies:
        print("\n".join(commands()))
        return 0
    try:
        budgets = [assess(study) for study in studies]
    except UsageError as error:
        print(f"ablate: {error}", file=sys.stderr)
        return 2
    console().print(table(budgets))
    chosen = choose(budgets)
    if chosen is None:
        print(f"No network reaches {LEARNED:.0%}: run a larger budget.")
        return 1
    undecided = [claim.claim for claim in chosen.claims if claim.seeds is None]
    print(
        f"Chosen: {chosen.name}. "
        + (f"Not decidable with {MOST} seeds: {', '.join(undecided)}. " if undecided else "")
        + "Set:"
    )
    print(yaml.safe_dump({"conf/budget/short.yaml": chosen.settings}, sort_keys=False))
    return 0


def _in_words(claim: Decidable) -> str:
    low, high = (f"> {MOST}" if seeds is None or seeds > MOST else str(seeds) for seeds in claim.range)
    return "-" if claim.seeds is None else f"{claim.seeds} ({low} to {high})"


def _settings(facts: Mapping[str, Level]) -> dict[str, Any]:
    keys = ("budget.epochs", "data.train_size", "schedule.step_epochs", "schedule.gamma")
    return {key: facts[key].value for key in keys if key in facts}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
