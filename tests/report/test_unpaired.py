"""The report of results that nothing pairs, from the CSV file to the tables and the figure."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from scipy import stats

from ablate.importers.csv import read_table
from ablate.importers.guess import completed
from ablate.importers.table import Roles
from ablate.importers.tabular import results_of
from ablate.report import figures
from ablate.report.build import compose
from ablate.report.caveats import caveats
from ablate.report.headline import headline, size
from ablate.report.model import Report
from ablate.report.values import text_of

BASE, OURS = [0.7021, 0.6899, 0.6878, 0.6982, 0.6946, 0.7010], [0.7435, 0.7250, 0.7263, 0.7312, 0.7330, 0.7289]


def report(folder: Path, seeds: bool, base: Sequence[float] = BASE, ours: Sequence[float] = OURS) -> Report:
    rows = [("base", at, y) for at, y in enumerate(base)] + [("ours", 100 + at, y) for at, y in enumerate(ours)]
    lines = ["method,seed,accuracy", *(f"{m},{s},{y}" for m, s, y in rows)]
    path = folder / "results.csv"
    path.write_text("\n".join(lines if seeds else [f"{m},{y}" for m, _, y in (line.split(",") for line in lines)]))
    table, roles, _ = completed(read_table(path), Roles())
    return compose(results_of(table, roles), name="results.csv", folder=folder)


@pytest.mark.parametrize("seeds", [True, False])
def test_all_tables_and_the_figure_show_the_interval_of_welch(tmp_path: Path, seeds: bool) -> None:
    found = report(tmp_path, seeds)
    low, high = (100 * end for end in stats.ttest_ind(OURS, BASE, equal_var=False).confidence_interval())
    expected = f"+3.6 [+{low:.1f}, +{high:.1f}]"
    tables = found.tables
    assert tables.results is not None
    assert tables.ablation is not None
    assert tables.contrasts is not None
    assert text_of(tables.results.rows[1]["difference"]) == expected
    assert text_of(tables.ablation.rows[1]["difference"]) == expected
    assert text_of(tables.contrasts.rows[0]["estimate"]) == expected
    assert "with its 95 % interval (Welch's t: no seeds are paired)." in tables.results.notes[1]
    assert (
        "difference of means of unpaired runs (n of the smallest configuration) with its 95 % interval (Welch's t"
        in tables.contrasts.notes[0]
    )
    (drawn,) = (figure for figure in figures.draw(found) if figure.name == "paired_differences")
    assert drawn.title == "Differences from the baseline"
    assert "no seeds are paired (Welch's t). Bar: 95 % interval. An interval" in drawn.caption
    assert expected in drawn.alt


def test_the_report_says_that_nothing_is_paired(tmp_path: Path) -> None:
    found = report(tmp_path, seeds=True)
    assert size(found) == "2 configurations, 12 seeds"
    assert caveats(found)[0].startswith("No two configurations have a seed in common: nothing is paired")
    found = report(tmp_path, seeds=False)
    assert size(found) == "2 configurations, 12 runs"
    assert caveats(found)[0].startswith("No column of seeds: every run counts by itself and nothing is paired")


def test_fewer_than_five_runs_of_a_configuration_are_few(tmp_path: Path) -> None:
    found = report(tmp_path, seeds=False, base=BASE[:4], ours=OURS[:4])
    assert caveats(found)[1].startswith("Fewer than 5 runs of a configuration: no verdicts")


def test_single_runs_are_compared_without_an_interval(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("method,accuracy\nours,0.9\nw/o BN,0.85\nw/o both,0.8\n")
    table, roles, said = completed(read_table(path), Roles())
    assert said == "factors method; no column of seeds; metric accuracy"
    found = compose(results_of(table, roles), name="results.csv", folder=tmp_path)
    assert found.tables.ablation is not None
    assert [text_of(row["difference"]) for row in found.tables.ablation.rows] == ["baseline", "−5.0", "−10.0"]
    assert found.tables.contrasts is not None
    assert text_of(found.tables.contrasts.rows[0]["note"]) == "unpaired: no seeds in common, single runs"
    assert headline(found) == "Preliminary: the largest of 2 effects is changing method from ours to w/o both, −10.0 points."


def test_of_blocks_with_single_runs_no_bootstrap_interval_is_shown(tmp_path: Path) -> None:
    lines = ["method,dataset,accuracy"]
    lines += [f"{m},d{at},{0.5 + at / 10 + (m == 'ours') / 50}" for at in range(6) for m in ("base", "ours")]
    path = tmp_path / "results.csv"
    path.write_text("\n".join(lines))
    table, roles, _ = completed(read_table(path), Roles(blocks="dataset"))
    found = compose(results_of(table, roles), name="results.csv", folder=tmp_path)
    (said,) = (note for each in found.tables for note in each.notes if "probability of improvement" in note)
    assert "probability of improvement: 1.00 (Agarwal et al. 2021)" in said
    assert "[" not in said
