"""A study in which everything happens that can happen, with its report."""

from pathlib import Path
from typing import Any

import pytest

from ablate.report.build import build
from ablate.report.folder import write_folder
from ablate.report.model import Report
from tests.report.studies import PROVENANCE, Levels, grid, write_runs

SCRIPT = "<script>document.title = 'broken'</script>"
STEMS = ["pyramid", f"direct {SCRIPT}"]
DROPOUT = {"factor": "dropout", "from": True, "to": False}
STEM = {"factor": "stem", "from": STEMS[0], "to": STEMS[1]}
CLAIMS: list[dict[str, Any]] = [
    {"id": "C1", "says": "Without dropout it is better", "quote": "速いのに精度の最大値は変わらない", "kind": "contrast",
     "contrast": DROPOUT, "expects": "higher", "margin": 0.01, "published": 0.02, "protocol": "one seed; 100 epochs"},
    {"id": f"C2 {SCRIPT}", "says": SCRIPT, "quote": SCRIPT, "kind": "contrast", "contrast": STEM, "expects": "equivalent",
     "margin": 0.001},
    {"id": "C3", "says": "Both gain two points", "kind": "path",
     "path": {"changes": {"dropout": DROPOUT, f"stem {SCRIPT}": STEM}, "of": "all"}, "expects": "higher", "margin": 0.01,
     "published": 0.5, "protocol": "one seed"},
    {"id": "C4", "says": "90 % is reached", "kind": "threshold", "value": 0.9, "where": {"dropout": False}, "expects": "higher",
     "needs": {"budget": "article"}, "published": 0.8907},
    {"id": "C5", "says": "Its size is known", "kind": "exact", "value": 1234567, "metric": "parameters",
     "where": {"dropout": False}},
]  # fmt: skip


def ended(levels: Levels, seed: int) -> tuple[str, str | None]:
    where = (levels["dropout"], levels["stem"] == "pyramid", seed)
    return {
        (True, False, 6): ("diverged", "not finite in epoch 2"),
        (False, True, 7): ("failed", f"RuntimeError: {SCRIPT}"),
        (True, True, 8): ("missing", None),
        (True, False, 8): ("interrupted", None),
    }.get(where, ("finished", None))


def made(levels: Levels, seed: int) -> dict[str, Any]:
    return {**PROVENANCE, "code": "01dc0de" if levels["dropout"] and seed == 1 else "c0de"}


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of the study, written."""
    study = tmp_path_factory.mktemp("reports") / "every trouble"
    cells = grid({"dropout": [True, False], "stem": STEMS})
    leave_out = [{"dropout": False, "seed": 8, "reason": f"the disk failed {SCRIPT}"}]
    write_runs(study, cells, 9, status=ended, provenance=made, claims=CLAIMS, leave_out=leave_out,
               fixed={"data.digest": "1234"})  # fmt: skip
    built = build(study)
    write_folder(built)
    return built


@pytest.fixture(scope="session")
def page(report: Report) -> Path:
    """Its page."""
    return report.folder / "index.html"
