"""Print all tables, see `benchmarks.verdicts`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import pandas as pd

from benchmarks.verdicts.claims import (
    below_the_margin,
    collapses,
    exceeding,
    false_verdicts,
    lost_runs,
    power,
    power_of_others,
    rounded,
    skewed_equivalence,
    spending,
    strata,
    times,
)
from benchmarks.verdicts.intervals import (
    apart,
    checks,
    controls,
    coverage,
    heterogeneous,
    many_to_one,
    published,
    seeds_ranges,
    unpaired,
)
from benchmarks.verdicts.over_blocks import block_verdicts, blocks, bootstraps

TABLES: dict[str, tuple[str, Callable[[int], pd.DataFrame]]] = {
    "Coverage of 95 % intervals": ("", coverage),
    "Rule 1: a real gain below the margin": (f"{below_the_margin.__doc__}", below_the_margin),
    "Rule 1: false verdicts": (
        "Studies with anything false shown at any look, in %; the worst of three noise levels. `one arm long-tailed` breaks "
        "the bound of 5 %: there, the t test does not hold.",
        false_verdicts,
    ),
    "Rule 1: false verdicts of an equivalence, one arm skewed": (f"{skewed_equivalence.__doc__}", skewed_equivalence),
    "Rule 2: power": (
        "One claim, looks at 5, 8, 12 and 20 seeds: how often d > 0 is shown, in % (d = 0: falsely). Finished results were "
        "judged at the last of these looks before, and are judged in one look now.",
        power,
    ),
    "Rule 2: power of other claims, and of six": (f"{power_of_others.__doc__}", power_of_others),
    "Rule 2: spending of an equivalence": (f"{spending.__doc__}", spending),
    "Rule 3: equivalence over strata": (f"{strata.__doc__}", strata),
    "Rule 3: heterogeneity": (f"{heterogeneous.__doc__}", heterogeneous),
    "Rule 4: rare collapses": (f"{collapses.__doc__}", collapses),
    "Rule 5: lost runs": (f"{lost_runs.__doc__}", lost_runs),
    "Rule 6: times to a target": (f"{times.__doc__}", times),
    "Rule 7: coverage over blocks": (f"{blocks.__doc__}", blocks),
    "Rule 7: verdicts over blocks": (f"{block_verdicts.__doc__}", block_verdicts),
    "Rule 7: bootstrap over blocks": (f"{bootstraps.__doc__}", bootstraps),
    "Rule 8: a share of the whole": (f"{exceeding.__doc__}", exceeding),
    "Rule 9: unpaired results": (f"{unpaired.__doc__}", unpaired),
    "Rule 9: strata without common seeds": (f"{apart.__doc__}", apart),
    "Rule 10: published figures": (f"{published.__doc__}", published),
    "Rule 11: seeds that are needed": (f"{seeds_ranges.__doc__}", seeds_ranges),
    "Rule 11: rounded metrics": (f"{rounded.__doc__}", rounded),
    "Rule 12: many changes, one baseline": (f"{many_to_one.__doc__}", many_to_one),
    "Rule 12: robustness": (f"{checks.__doc__}", checks),
    "Rule 13: controls": (f"{controls.__doc__}", controls),
}


def markdown(table: pd.DataFrame) -> str:
    lines = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of intervals and rates of false verdicts, by simulation.")
    parser.add_argument("--quick", action="store_true", help="1,000 studies a figure instead of 5,000")
    studies = 1_000 if parser.parse_args().quick else 5_000
    error = 1.96 * math.sqrt(0.05 * 0.95 / studies) * 100
    print("# Simulated verdicts\n")
    print(f"By `python -m benchmarks.verdicts`: {studies:,} studies an entry (± {error:.1f} at 5 %),")
    print("fewer where each needs a simulation of its own, with number and error. *Before*: the rules of the first versions.")
    for title, (about, table) in TABLES.items():
        print(f"\n## {title}\n")
        if about:
            print(" ".join(about.split()) + "\n")
        print(markdown(table(studies)), flush=True)


if __name__ == "__main__":
    main()
