"""Tables with a row for each configuration: results, further results, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ablate.core.levels import short_names
from ablate.core.metrics import Metrics, MetricSpec, Role
from ablate.report.ablation import SAME
from ablate.report.configurations import CHANGES, Configurations
from ablate.report.formatting import capitalized, heading, rounded_to
from ablate.report.replicates import unit_of
from ablate.report.table import Column, Row, Table
from ablate.report.values import SHOWN_FROM, Baseline, Count, Interval, Mean, Value
from ablate.stats.comparisons import AgainstBaseline, comparisons_frame
from ablate.stats.flags import Flag
from ablate.stats.summary import Summary

METRICS = 4  # with more outcomes, only the main one is in the table of results
DIFFERENCE = "Δ vs baseline"


def results(
    summary: Summary,
    against: Sequence[AgainstBaseline],
    metric: str,
    metrics: Metrics,
    configurations: Configurations,
    flags: Mapping[str, Sequence[Flag]],
    notes: Sequence[str] = (),
    main: bool = True,
    specs: Mapping[str, MetricSpec] | None = None,
) -> Table:
    """The results of each configuration, and its difference from the baseline.

    Args:
        summary: the means of all metrics.
        against: the comparisons with the baseline; empty if they are not available.
        metric: the main metric.
        metrics: all metrics; with more than `METRICS` outcomes, only the main one is shown, see `further_results`.
        configurations: the names of the configurations.
        flags: the flags of each configuration.
        notes: additional notes below the table.
        main: whether the table is also printed to the terminal.
        specs: by configuration, the main metric with the digits of its difference.
    """
    first, others = [metric], [name for name in _with_role("outcome", metrics, summary) if name != metric]
    others = others if len(others) < METRICS else []
    columns = [*_naming(configurations), Column("n", "n", "number"), *_metric_columns(first, metrics)]
    if against:
        columns.append(Column("difference", DIFFERENCE, "number"))
    if any(flags.values()):
        columns.append(Column("flags", "flags", "flags"))
    columns += _metric_columns(others, metrics)
    by_cell, counts = {each.cell: each for each in against}, summary.counts.to_dict("index")
    means = _means([*first, *others], summary, metrics)
    rows = []
    for digest in summary.cells:
        found = by_cell.get(digest)
        difference: Value = Baseline()
        if found is not None:  # the same experiment has no difference, and no interval
            spec = (specs or {}).get(digest, metrics[metric])
            difference = SAME if found.same_runs else Interval.of(found.estimate, spec)
        values = {
            "n": Count(int(counts[digest]["n"]), int(counts[digest]["runs"])),
            "difference": difference,
            "flags": tuple(flags.get(digest, ())),
        }
        rows.append(_row(digest, configurations, values | means[digest]))
    said = [f"Mean ± standard deviation over n {unit_of(against)}."] if (summary.counts["n"] > 1).any() else []
    if against:
        said.append(f"{DIFFERENCE}: {_what_difference(against)}.")
    said += [*_metric_notes([*first, *others], metrics, rows), *notes]
    return Table("results", "Results", columns, rows, _with_differences(summary, against, configurations), said, main)


def further_results(summary: Summary, metric: str, metrics: Metrics, configurations: Configurations) -> Table | None:
    """The outcomes that are not in the table of `results`; None if all are."""
    names = [name for name in _with_role("outcome", metrics, summary) if name != metric]
    if len(names) < METRICS:
        return None
    return _means_table("further_results", "Further results", names, summary, metrics, configurations)


def costs(summary: Summary, metrics: Metrics, configurations: Configurations) -> Table | None:
    """The costs of each configuration, such as time and size; None without such metrics."""
    names = _with_role("cost", metrics, summary)
    return _means_table("costs", "Costs", names, summary, metrics, configurations) if names else None


def summary_frame(summary: Summary, configurations: Configurations) -> pd.DataFrame:
    """A row for each configuration, unrounded: levels, `runs`, `n`, and for each metric the mean, `_sd` and `_n`."""
    parts: dict[str, list[object]] = {
        "cell": list(summary.cells),
        "label": [configurations.labels[digest] for digest in summary.cells],
    }
    numbers: dict[str, list[object]] = {name: summary.counts[name].tolist() for name in ("runs", "n")}
    for name in summary.mean:
        for suffix, frame in (("", summary.mean), ("_sd", summary.sd), ("_n", summary.n)):
            numbers[f"{name}{suffix}"] = frame[name].tolist()
    for key in configurations.factors:
        column = f"factor.{key}" if key in numbers or key in parts else key
        parts[column] = [configurations.level(digest, key).value for digest in summary.cells]
    return pd.DataFrame(parts | numbers)


def _what_difference(against: Sequence[AgainstBaseline]) -> str:
    where = "the first row" if len({each.baseline for each in against}) < 2 else "the baseline of the same block"
    unpaired = [each.estimate.unpaired is not None for each in against]
    if all(unpaired):
        shown = any(each.estimate.n >= SHOWN_FROM for each in against)
        interval = ", with its 95 % interval (Welch's t: no seeds are paired)" if shown else ""
        return f"difference of means from {where}{interval}"
    test = "paired t; Welch's t of the means where no seeds are in common" if any(unpaired) else "paired t"
    return f"mean difference from {where} over common seeds; with three or more seeds, its 95 % interval ({test})"


def _with_differences(summary: Summary, against: Sequence[AgainstBaseline], configurations: Configurations) -> pd.DataFrame:
    frame = summary_frame(summary, configurations)
    if not against:
        return frame
    differences = comparisons_frame(against)[["cell", "n", "estimate", "sd", "low", "high"]]
    frame = frame.merge(differences.add_prefix("difference_"), "left", left_on="cell", right_on="difference_cell")
    return frame.drop(columns="difference_cell")


def _means_table(
    name: str, title: str, names: Sequence[str], summary: Summary, metrics: Metrics, configurations: Configurations
) -> Table:
    columns = [*_naming(configurations), *_metric_columns(names, metrics)]
    rows = [_row(digest, configurations, means) for digest, means in _means(names, summary, metrics).items()]
    data = summary_frame(summary, configurations)[["cell", "label", *names]]
    return Table(name, title, columns, rows, data, _metric_notes(names, metrics, rows), main=False)


def _with_role(role: Role, metrics: Metrics, summary: Summary) -> list[str]:
    return [name for name in metrics if metrics[name].role == role and name in summary.mean]


def _naming(configurations: Configurations) -> list[Column]:
    """The leading columns: one for each factor, or the name of the configuration."""
    if configurations.column_each:
        short = short_names(list(configurations.factors))
        return [Column(f"level {key}", short[key], "level") for key in configurations.factors]
    return [Column("configuration", CHANGES if configurations.factors else "Configuration")]


def _row(digest: str, configurations: Configurations, values: Mapping[str, Value]) -> Row:
    levels = {f"level {key}": configurations.level(digest, key) for key in configurations.factors}
    return Row({"configuration": configurations.names[digest], **levels, **values}, source=f"cell-{digest}")


def _metric_columns(names: Sequence[str], metrics: Metrics) -> list[Column]:
    return [Column(f"metric {name}", heading(metrics[name]), "number") for name in names]


def _means(names: Sequence[str], summary: Summary, metrics: Metrics) -> dict[str, dict[str, Value]]:
    """By configuration, the means of some metrics, with the digits that the runs of each leave significant."""
    runs = summary.counts["n"].to_dict()
    specs = {name: _rounded(metrics[name], summary.sd[name].tolist()) for name in names}
    columns = {name: [frame[name].to_dict() for frame in (summary.mean, summary.sd, summary.n)] for name in names}
    return {
        digest: {
            f"metric {name}": Mean(mean[digest], sd[digest], int(n[digest]), int(runs[digest]), specs[name])
            for name, (mean, sd, n) in columns.items()
        }
        for digest in summary.cells
    }


def _rounded(spec: MetricSpec, sds: Sequence[float]) -> MetricSpec:
    """The metric with the digits of the ablation table; without digits in its description, each mean has those of its own."""
    return spec if spec.digits is None else rounded_to(spec, sds)


def _metric_notes(names: Sequence[str], metrics: Metrics, rows: Sequence[Row]) -> list[str]:
    """Notes on how the metrics were measured, and on means over some of the runs."""
    titles: dict[str, list[str]] = {}
    for name in names:
        if note := metrics[name].note:
            titles.setdefault(note, []).append(metrics[name].title)
    notes = [capitalized(f"{'; '.join(found)}: {note.removesuffix('.')}.") for note, found in titles.items()]
    if any(isinstance(value, Mean) and value.partial for row in rows for value in row.values.values()):
        notes.append("In parentheses: the number of runs that have a value, over which the mean is taken.")
    return notes
