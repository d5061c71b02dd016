"""The top of a report: the caveats, and the run states."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ablate.core.claims import FEWEST_SEEDS, parse_all
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.wording import counted, shortened
from ablate.report.effect_tables import preliminary
from ablate.report.formatting import capitalized
from ablate.report.model import Report
from ablate.stats.block_scales import different_scales
from ablate.stats.controls import repetitions
from ablate.stats.flags import at_chance
from ablate.stats.judge import design_of
from ablate.stats.outcomes import Outcomes
from ablate.stats.rounding import COPIES


def caveats(report: Report) -> list[str]:
    """What limits the conclusions: caveats of the program, late claims, missing runs, and mixed provenance."""
    manifest = report.results.manifest
    found = [*_repeatability(report), *report.results.description.caveats]
    found += [
        f"{key}={decision.asked} was resolved to {decision.took}."
        for key, decision in manifest.decisions.items()
        if decision.asked is not None
    ]
    if manifest.claims_after:
        verb = "was" if manifest.claims_after == 1 else "were"
        found.append(f"The claims were added after {counted(manifest.claims_after, 'run')} {verb} finished.")
    if any(each.orders == 1 and each.shares["n"].max() > 1 for each in report.attributions):
        found.append("All seeds made the changes of the path in one order and its reverse: other orders may give other shares.")
    found += _missing_levels(report)
    found += _missing_configurations(report)
    if report.audit.mixed:
        found.append(f"Not the same in all runs: {', '.join(report.audit.mixed)}.")
    if report.audit.differing:
        names = [f"{name} in {counted(number, 'run')}" for name, number in report.audit.differing.items()]
        found.append(f"Not as on the machine that planned the runs: {', '.join(names)}.")
    if report.audit.drifted:
        found.append(f"Changed since the study began: {', '.join(report.audit.drifted)}.")
    block = report.results.factors.get(manifest.blocks or "")
    chance = at_chance(report.results.counted, report.metric) if report.metric is not None else set()
    if chance and len(chance) < len(report.configurations.labels):
        named = shortened([label for cell, label in report.configurations.labels.items() if cell in chance])
        found.append(
            f"Learned nothing, with the value of chance in every run: {named}. Averages over configurations include them."
        )
    looked = (each.latest_look.seeds for each in report.claims.judgements)
    judged = max(looked, default=0)
    if design_of(report.results).looks and 0 < judged < _replicates(report):
        found.append(
            f"Verdicts rest on the first {judged} seeds, those of the last complete look; tables and figures have up to "
            f"{_replicates(report)}."
        )
    if report.comparison is not None and any(COPIES in each.note for each in report.comparison.contrasts):
        found.append(f"{capitalized(COPIES)}: they count as one.")
    found += _scales(report)
    if block is not None and len(block) < FEWEST_SEEDS:
        found.append(preliminary(f"blocks ({block.key})", " over blocks"))
    if block is None and _replicates(report) < FEWEST_SEEDS:
        found.append(preliminary("seeds" if report.results.paired else "runs of a configuration"))
    return found


def _repeatability(report: Report) -> list[str]:
    """Whether a run and its second run with the same seed have equal numbers (study.check_repeatable), and how they differ."""
    sentences = []
    for each in repetitions(report.results):
        run = f"{each.label} with seed {each.seed} ran twice"
        if each.lost is not None:
            sentences.append(f"Not known whether equal seeds give equal numbers: {run}, and one run is {each.lost}.")
        elif not each.differing:
            sentences.append(f"Equal seeds give equal numbers: {run}, with the same {', '.join(each.values)}.")
        else:
            pairs = [f"{name} {a:.6g} and {b:.6g} ({b - a:+.3g})" for name, (a, b) in each.differing.items()]
            others = counted(len(each.values) - len(pairs), "other metric")
            equal = f"; {others} did not differ" if len(pairs) < len(each.values) else ""
            sentences.append(
                f"Equal seeds give different numbers: {run}, with {', '.join(pairs)}{equal}. The seed does not reach every "
                "source of randomness, so that paired runs differ in more than their factors."
            )
    return sentences


def _scales(report: Report) -> Iterator[str]:
    """The metrics of which a mean over blocks, as they are averaged here, is about the blocks with the largest values."""
    results, manifest = report.results, report.results.manifest
    block = manifest.blocks
    if block is None or block not in results.factors or report.metric is None:
        return
    raw = manifest.block_scale == "difference" and not manifest.block_bounds
    claims = parse_all(manifest.claims, results.main_metric)
    claimed = [claim.metric for claim in claims if claim.scale == "difference" and claim.kind != "exact"]
    for metric in dict.fromkeys([*([report.metric] if raw else []), *claimed]):
        spec = report.metrics[metric]
        try:
            found = None if spec.in_percent else different_scales(Outcomes.of(results.counted, metric), block)
        except UsageError:  # no values
            continue
        if found is not None:
            verdicts = " and verdicts" if metric in claimed else ""
            yield (
                f"{capitalized(spec.title)} is on different scales: {block}={found.largest} has values {found.times:.0f} times "
                f"as large as {block}={found.smallest}, so that means{verdicts} over {block} are about the blocks with large "
                f"values. Compare values that are normalized for each {block}, such as (value − minimum) / (maximum − minimum)."
            )


def _replicates(report: Report) -> int:
    """The number of seeds; without seeds, the number of runs of the configuration that has most."""
    runs = report.results.runs
    return int(runs["seed"].nunique() if report.results.paired else runs["cell"].value_counts().max())


def runs_by_state(report: Report) -> str:
    """The number of runs by state, in one sentence."""
    states = report.audit.states
    counts = [f"{number:,} {state}" for state, number in states.items() if number]
    return f"{counted(sum(states.values()), 'run')}: {', '.join(counts)}."


def _missing_levels(report: Report) -> Iterator[str]:
    """Report the planned levels and configurations without any run that counts."""
    results, counting = report.results, report.results.counted
    for key, planned in results.manifest.typed_factors().items():
        if key in results.factors:
            present = set(counting.levels[key])
        elif key in results.facts:
            present = {results.facts[key]}
        else:
            continue
        missing = [level for level in planned if level not in present]
        if missing and present:
            levels = set(results.levels[key]) if key in results.factors else present
            yield _missing_sentence(planned, missing, present, levels)


def _missing_sentence(planned: Factor, missing: list[Level], present: Collection[Level], run_levels: Collection[Level]) -> str:
    left_out = " except those left out" if missing[0] in run_levels else ""
    names = shortened([f"{planned.key}={level}" for level in missing])
    sentence = f"{names} {'has' if len(missing) == 1 else 'have'} no runs{left_out}"
    if planned.baseline in present:
        return f"{sentence}."
    baseline = next((level for level in planned if level in present), next(iter(present)))
    return f"{sentence}; the baseline is {planned.key}={baseline}."


def _missing_configurations(report: Report) -> Iterator[str]:
    present = set(report.results.runs["cell"])
    labels = {run.cell: run.label for run in report.audit.missing if run.cell not in present}
    if labels and report.summary.cells:
        verb = "has" if len(labels) == 1 else "have"
        baseline = report.configurations.labels[report.summary.baseline]
        names = shortened(list(labels.values()))
        yield f"{counted(len(labels), 'planned configuration')} {verb} no runs: {names}. The baseline here is {baseline}."
