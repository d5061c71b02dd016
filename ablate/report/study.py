"""A study in Python, as `ablate.load` returns it, with its runs, statistics, tables and figures.

>>> import ablate
>>> study = ablate.load("outputs/protocols")
>>> study
Study('protocols', 24 runs, 3 configurations, metric 'final_test_accuracy')
>>> study.table("ablation").to_frame()[["cell", "n", "difference_estimate", "p_adjusted"]].shape
(3, 4)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import escape

from ablate.core.cells import Condition
from ablate.core.claims import Change
from ablate.core.errors import UsageError
from ablate.core.levels import Factor
from ablate.core.metrics import Metrics
from ablate.core.wording import counted
from ablate.report import build
from ablate.report.model import Comparison, Report
from ablate.report.table import Table, named
from ablate.report.table_formats import SHOWN, to_csv, to_html, to_latex, to_markdown
from ablate.stats.attribution import attribution
from ablate.stats.outcomes import Outcomes
from ablate.storage.dataframe import load_history
from ablate.storage.results import StudyResults

if TYPE_CHECKING:
    from ablate.report.study_plots import StudyPlots

MAIN_TABLES = ("ablation", "verdicts", "results")


class StudyTable:
    """A table of a study: `to_frame`, `to_latex`, `to_markdown`, `to_html`, `to_csv`; shown as HTML in a notebook."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def to_frame(self) -> pd.DataFrame:
        """The unrounded numbers."""
        return self.table.data.copy()

    def to_latex(self, siunitx: bool = False) -> str:
        r"""LaTeX with booktabs. The table `ablation` is a `table` environment with caption and label, others a `tabular`.

        Args:
            siunitx: whether the ablation table has `S` columns of siunitx, which align numbers at the decimal point.
        """
        return to_latex(self.table, siunitx)

    def to_markdown(self) -> str:
        """Markdown with heading and notes."""
        return to_markdown(self.table)

    def to_html(self) -> str:
        """An HTML table with its notes, without scripts or styles."""
        return to_html(self.table)

    def to_csv(self) -> str:
        """The unrounded numbers as CSV."""
        return to_csv(self.table)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        return to_markdown(self.table, SHOWN)


class Study:
    """A study, or results of another program, loaded by `ablate.load`.

    Attributes:
        name: the name of the study.
        results: the runs as `StudyResults`, the input of the functions in `ablate.stats`.
        metric: the main metric, which tables, figures and contrasts are about unless another one is named.

    Example:
        >>> import ablate
        >>> study = ablate.load("outputs/qiita")
        >>> list(study.factors)
        ['model.dropout', 'stem', 'stem.activation', 'norm', 'model.padding']
        >>> study.runs[["model.dropout", "stem", "seed", "final_test_accuracy"]].shape
        (55, 4)
        >>> print(study.table("ablation").to_latex().splitlines()[1])
        \\begin{table}[t]
    """

    def __init__(self, results: StudyResults, name: str, metric: str | None = None) -> None:
        self.results = results
        self.name = name
        self.metric = metric or results.main_metric

    @cached_property
    def report(self) -> Report:
        """All statistics and tables, see `ablate.report.model.Report`."""
        return self._composed(self.metric)

    def _composed(self, metric: str) -> Report:
        folder = (self.results.folder or Path()) / "report"
        return build.compose(self.results, name=self.name, folder=folder, metric=metric, history=self.history, kept=self._kept)

    @cached_property
    def _kept(self) -> dict[str, build.Arrays]:
        """The arrays that runs saved, by the name given to `Run.keep`."""
        return build.kept_arrays(self.results)

    @property
    def runs(self) -> pd.DataFrame:
        """One row for each run: `cell`, `seed`, `status`, the levels of the factors, and the metrics."""
        return self.results.to_frame()

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row for each epoch of each run: `directory` (the run), `label`, `seed`, and the columns of history.csv."""
        history = load_history(self.results)
        runs = self.results.runs.drop_duplicates("directory").set_index("directory")
        for at, name in enumerate(("label", "seed"), 1):
            if name not in history:
                history.insert(at, name, history["directory"].map(runs[name]))
        return history

    @property
    def factors(self) -> Mapping[str, Factor]:
        """The factors, each with its baseline level first."""
        return self.results.factors

    @property
    def metrics(self) -> Metrics:
        """The descriptions of the metrics."""
        return self.report.metrics

    def contrasts(self, metric: str | None = None) -> pd.DataFrame:
        """Each level against the baseline of its factor, and the interactions of two factors.

        Args:
            metric: another metric than the main one.

        Returns:
            One row for each contrast, unrounded, as in the report: what changed, `n` (seeds, or blocks), `estimate`, `low`,
            `high`, …, see `ablate.stats.estimates.table`; `simultaneous_low` and `simultaneous_high` if there are several
            contrasts, and `examples_low` and `examples_high` if the runs saved which test examples they had right.

        Raises:
            UsageError: if no run has the metric.
        """
        return self.comparison(metric).contrasts_frame.copy()

    def verdicts(self) -> pd.DataFrame:
        """One row for each claim: `id`, `verdict`, `estimate`, `low`, `high`, `p`, `reason`, …, as in verdicts.json."""
        return self.report.claims.verdicts.copy()

    def attribution(
        self,
        changes: Mapping[str, tuple[object, object]] | None = None,
        where: Mapping[str, object] | None = None,
        metric: str | None = None,
    ) -> pd.DataFrame:
        """Attribute the difference between two configurations to the changes between them (Shapley).

        Args:
            changes: by factor, the levels `(from, to)`; by default, each factor of two levels from its baseline to the other.
            where: the levels of the factors that do not change; by default their baseline.
            metric: another metric than the main one.

        Returns:
            One row for each change and the whole difference (`all`): `change`, `n`, `estimate`, `low`, `high`, …, see
            `ablate.stats.attribution.attribution`. NaN where configurations between the two have not been run.

        Raises:
            UsageError: for an unknown factor, level or metric, or if nothing changes: no factor has two levels.

        Example:
            >>> import ablate
            >>> study = ablate.load("outputs/qiita")
            >>> shares = study.attribution({"model.dropout": (True, False), "stem": ("direct", "pyramid")})
            >>> shares["change"].tolist()
            ['model.dropout', 'stem', 'all']
        """
        outcomes = self.outcomes(metric)
        if not changes:
            changes = {key: (each.levels[0], each.levels[1]) for key, each in self.factors.items() if len(each) == 2}
        if not changes:
            raise UsageError(self._nothing_changes())
        path = {}
        for key, (start, end) in changes.items():
            factor = outcomes.factor(key)
            path[key] = [Change.of(key, factor.level(start), factor.level(end))]
        fixed: dict[str, Any] = {key: factor.baseline for key, factor in self.factors.items() if key not in changes}
        fixed |= {key: outcomes.factor(key).level(level) for key, level in (where or {}).items()}
        return attribution(outcomes, path, Condition.of(fixed, self.factors))

    def _nothing_changes(self) -> str:
        """Why there is nothing to attribute, and what to do."""
        if not self.factors:
            return f"{self.name} has no factors, so no change accounts for a difference."
        first = next(iter(self.factors.values()))
        example = {first.key: tuple(level.value for level in first.levels[:2])}
        sizes = ", ".join(f"{key} has {len(factor)}" for key, factor in self.factors.items())
        return f"{self.name} has no factor of two levels ({sizes}): name what changes, such as changes={example}."

    @property
    def tables(self) -> list[str]:
        """The names of the tables."""
        return [table.name for table in self.report.tables]

    def table(self, name: str = "ablation", metric: str | None = None) -> StudyTable:
        """A table of the report by its name, see `tables`.

        Args:
            name: such as `ablation`, `results`, `contrasts`, `verdicts`.
            metric: another metric than the main one.

        Raises:
            UsageError: if the study has no such table, or no run has the metric.
        """
        return StudyTable(named(self.report_of(metric).tables, name, self.name))

    @property
    def plot(self) -> StudyPlots:
        """The figures: `forest`, `curves`, `interaction`, `attribution`. Needs matplotlib, which is imported here."""
        from ablate.report.study_plots import StudyPlots

        return StudyPlots(self)

    def report_of(self, metric: str | None) -> Report:
        """The report with another main metric.

        Raises:
            UsageError: if no run has the metric.
        """
        if metric is None or metric == self.metric:
            return self.report
        self.outcomes(metric)
        return self._composed(metric)

    def comparison(self, metric: str | None = None) -> Comparison:
        """What the report compares by a metric, see `ablate.report.model.Comparison`.

        Raises:
            UsageError: if no run has the metric, or any.
        """
        self.outcomes(metric)  # raises the reason why a report has no contrasts
        comparison = self.report_of(metric).comparison
        assert comparison is not None
        return comparison

    def outcomes(self, metric: str | None = None) -> Outcomes:
        """The values of a metric by seed and configuration, the input of the functions in `ablate.stats`.

        Raises:
            UsageError: if no run has the metric, or any.
        """
        if not self.metric and metric is None:
            raise UsageError(f"{self.name} has nothing to compare: no run has a metric.")
        return Outcomes.of(self.results.counted, metric or self.metric)

    def _repr_html_(self) -> str:
        shown = next((table for name in MAIN_TABLES for table in self.report.tables if table.name == name), None)
        return f"<p>{escape(repr(self))}</p>{to_html(shown) if shown else ''}"

    def __repr__(self) -> str:
        runs = self.results.runs
        cells = counted(runs["cell"].nunique(), "configuration")
        metric = f"metric {self.metric!r}" if self.metric else "no metric"
        return f"Study({self.name!r}, {counted(runs['directory'].nunique(), 'run')}, {cells}, {metric})"

    def __dir__(self) -> list[str]:
        return sorted(name for name in {*vars(self), *vars(type(self))} if not name.startswith("_"))
