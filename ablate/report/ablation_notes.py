"""What stands below the ablation table, and in its caption: n, interval, test, correction, and what these do not say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ablate.core.claims import FEWEST_SEEDS
from ablate.core.metrics import MetricSpec
from ablate.core.wording import counted
from ablate.report.effect_tables import preliminary
from ablate.report.formatting import capitalized
from ablate.report.latex_table import DIFFERENCE, MEAN, SHARED
from ablate.report.replicates import common_seeds, unit_of
from ablate.report.table import Row
from ablate.report.values import SHOWN_FROM, STARS, Mean, PValue, is_best
from ablate.stats.comparisons import AgainstBaseline

if TYPE_CHECKING:
    from ablate.report.ablation_table import Ablation

SAME = "same runs"
P, N = "p", "n"  # keys of columns


def notes_of(found: Ablation, rows: Sequence[Row], spec: MetricSpec, tested: bool) -> list[str]:
    """The notes below the table in all formats but LaTeX."""
    said = [f"{_what_mean(rows, f'n {unit_of(found.against)}')}{_bold(found, rows)}."]
    if found.spec.better is None:
        said.append(
            f"No best in bold: whether a higher or a lower {found.spec.title} is better is not known; "
            f"ablate report … --metric '{found.metric}: better=lower' (or higher) says it."
        )
    if found.is_sorted:
        said.append(f"Sorted by {found.spec.title}, the best first, below the baseline.")
    said += [f"Δ: {_what_difference(found, spec)}."] if found.against else []
    said += _limits(found)
    said += [f"p: two-sided {_correction(found)}."] if tested else []
    return said + _too_few(found, tested)


def _too_few(found: Ablation, tested: bool) -> list[str]:
    """Which differences have no p value, since they are over too few seeds."""
    known = [each for each in found.against if each.estimate.n and not each.same_runs]
    if tested:
        over = "seeds in common" if unit_of(found.against) == "seeds" else "runs"
        return [] if all(map(is_tested, known)) else [f"No p value below {FEWEST_SEEDS} {over}."]
    if not known:
        return []
    if found.blocks:
        return [f"Fewer than {FEWEST_SEEDS} seeds of each configuration: no p values here; verdicts are over the blocks."]
    enough = found.summary.n[found.metric].min() >= FEWEST_SEEDS
    return [preliminary("seeds in common with the baseline" if enough else unit_of(found.against))]


def _pairs(found: Ablation) -> list[str]:
    if found.blocks:
        return []
    return common_seeds(found.against, found.summary.n[found.metric], found.configurations.names, found.summary.baseline)


def _limits(found: Ablation) -> list[str]:
    """What the intervals and p values do not say: of runs that were lost, and of a rounded metric."""
    said = _pairs(found)
    if any(each.lost for each in found.against):
        said.append("Lost runs leave their pairs out of Δ and p, which may have selected the runs that remain.")
    if any(each.estimate.least_se and each.estimate.n >= SHOWN_FROM for each in found.against):
        said.append("Where all differences lie within one rounding step of the metric, the step is their uncertainty.")
    return said


def caption_of(found: Ablation, rows: Sequence[Row], spec: MetricSpec, tested: bool) -> list[str]:
    """The sentences of the LaTeX caption: n, interval, test, correction."""
    numbers = {str(row[N]) for row in rows}
    over = f"n{f' = {max(numbers)}' if len(numbers) == 1 else ''} {unit_of(found.against)}"
    said = [f"{_what_mean(rows, over)}{_bold(found, rows)}."]
    if found.against:
        said += [f"Δ: {_what_difference(found, spec)}.", *_limits(found)]
    if any(row[DIFFERENCE] == SAME for row in rows):
        said.append(f"{capitalized(SAME)}: the same experiment as the baseline.")
    if any(row[SHARED] for row in rows):
        said.append("Rows with the same letter are one experiment, run once.")
    if tested:
        most = max(len(value.stars) for row in rows if isinstance(value := row[P], PValue))
        stars = [f"{'*' * at}p < {bound:g}" for at, bound in enumerate(STARS[:most], 1)]
        said.append(f"{', '.join(stars) or f'No difference has p < {STARS[0]:g}'} (two-sided {_correction(found)}).")
    return said + _too_few(found, tested)


def _what_mean(rows: Sequence[Row], over: str) -> str:
    several = any(isinstance(value := row[MEAN], Mean) and value.n > 1 for row in rows)
    return f"Mean ± standard deviation over {over}" if several else "Results of single runs"


def _bold(found: Ablation, rows: Sequence[Row]) -> str:
    if not any(is_best(row[MEAN]) for row in rows):
        return ""
    values, enough = found.summary.n[found.metric], found.enough
    of = f" of those over at least {enough} seeds" if (values < enough).any() else ""
    return f"; in bold the best{of} ({found.spec.better} is better)"


def _what_difference(found: Ablation, spec: MetricSpec) -> str:
    unpaired = [each.estimate.unpaired is not None for each in found.against if each.estimate.n]
    how = "difference of means" if any(unpaired) else "mean paired difference"
    unit = " in percentage points" if spec.in_percent else ""
    where = f" at the same {found.blocks.rsplit('.', 1)[-1].replace('_', ' ')}" if found.blocks else ""
    interval = ""
    if any(each.estimate.n >= SHOWN_FROM for each in found.against):
        test = "Welch's t where no seeds are paired, else paired t" if any(unpaired) else "paired t"
        test = "Welch's t: no seeds are paired" if all(unpaired) else test
        interval = f", with its 95 % interval ({test})"
    return f"{how}{unit} from the baseline{where}{interval}"


def _correction(found: Ablation) -> str:
    tested = [each for each in found.against if is_tested(each)]
    tests = sorted({"Welch's t" if each.estimate.unpaired else "paired t" for each in tested})
    family = family_of(found)
    corrected = f", Holm-corrected for {counted(family, 'comparison')}" if family > 1 else ""
    return f"{' or '.join(tests)}{corrected}"


def family_of(found: Ablation) -> int:
    """The number of comparisons for which p values are corrected."""
    return max((each.family for each in found.against if is_tested(each)), default=0)


def is_tested(comparison: AgainstBaseline) -> bool:
    """Whether a difference has a p value."""
    return not math.isnan(comparison.p_adjusted)
