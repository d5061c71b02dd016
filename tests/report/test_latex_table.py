"""The LaTeX of the ablation table: it compiles in a two-column paper, fits the column, and needs booktabs only."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablate.report.build import build, compose
from ablate.report.latex_table import ROWS, table_environment
from ablate.report.table import Table
from tests.report.studies import grid_results
from tests.report.test_ablation_table import ACCURACY, COMPONENTS, one_change, table, value

STUDIES = sorted(path.parent for path in (Path(__file__).parents[2] / "outputs").glob("*/study.yaml"))
WORST: dict[str, list[Any]] = {
    "model.dropout": [True, False],
    "batch_norm": ["batch", "none"],
    "activation": ["relu", "none"],
    "optimizer": ["sgd", "adamw"],
    "schedule": ["cosine", "constant"],
}
needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


def compiled(folder: Path, texts: list[str], packages: str) -> str:
    """Compile the tables in a two-column article; returns the log."""
    body = "\n".join(["A reference to Table 1.", *texts])
    paper = rf"\documentclass[twocolumn]{{article}}{packages}\begin{{document}}{body}\end{{document}}"
    (folder / "paper.tex").write_text(paper, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert ended.returncode == 0, ended.stdout[-2000:]
    return ended.stdout


@needs_pdflatex
@pytest.mark.parametrize("siunitx", [False, True], ids=["plain", "siunitx"])
def test_tables_of_up_to_five_factors_fit_one_column(tmp_path: Path, siunitx: bool) -> None:
    """Those of the committed studies among them."""
    more = r"\usepackage{pifont,siunitx}" if siunitx else ""
    shown = [table({}, found=one_change(COMPONENTS)), table(COMPONENTS), table(WORST)]
    shown += [found for study in STUDIES if (found := build(study).tables.ablation) is not None]
    texts = [table_environment(replace(each, label=f"tab:{at}"), siunitx) for at, each in enumerate(shown)]
    log = compiled(tmp_path, texts, r"\usepackage{booktabs,graphicx}" + more)
    assert "Overfull" not in log
    assert "Undefined control sequence" not in log
    assert not [text for text in texts if "table*" in text]


def test_one_at_a_time_needs_booktabs_alone_and_no_marks() -> None:
    lines = table_environment(table({}, found=one_change(COMPONENTS))).splitlines()
    assert lines[:3] == [
        r"% Needs \usepackage{booktabs}.",
        r"\begin{table}[t]",
        r"\centering\small\setlength{\tabcolsep}{4pt}\setlength{\belowcaptionskip}{4pt}",
    ]
    rows = [line for line in lines if line.endswith(r"\\")][1:]
    assert rows[0].startswith("Full & ")
    assert re.match(
        r"w/o batch norm & \d\d\.\d \$\\pm\$ \d\.\d & \$-\$\d\d\.\d \[\$-\$[\d.]+, \$-\$[\d.]+\]\\rlap\{\$\^\{\*\*\*\}\$\}",
        rows[2],
    )
    assert not re.search(r"(?<!\$)-(?=\d)", "".join(rows))


def test_blocks_are_separated_by_rules() -> None:
    tasks = {"task": ["a", "b"], "x": [0, 1]}
    study = grid_results(tasks, lambda levels, seed: 0.1 * levels["x"] + 0.01 * seed, blocks="task")
    found = compose(study, name="s", folder=Path("s")).tables.ablation
    assert found is not None
    lines = table_environment(found).splitlines()
    assert [at for at, line in enumerate(lines) if line == r"\midrule"] == [10, 13]
    assert lines[14].startswith("b & ")


def test_siunitx_aligns_means_and_differences_at_the_decimal_point() -> None:
    lines = table_environment(table({}, found=one_change(COMPONENTS)), siunitx=True).splitlines()
    assert lines[0] == r"% Needs \usepackage{booktabs,siunitx}."
    (start,) = (line for line in lines if line.startswith(r"\begin{tabular}"))
    assert re.fullmatch(
        r"\\begin\{tabular\}\{@\{\}lS\[table-format=2\.1,.*=\{ \$\\pm\$ \d\.\d\}\]S\[table-format=\+2\.1,.*\}\]@\{\}\}", start
    )
    rows = [line for line in lines if line.endswith(r"\\")]
    assert rows[0].startswith("Configuration & {")
    assert rows[1].endswith(r"& {baseline} \\")
    assert re.match(
        r"w/o batch norm & \d\d\.\d\{ \$\\pm\$ \d\.\d\} & -\d\d\.\d\{ \[\$-\$[\d.]+, \$-\$[\d.]+\]\$\^\{\*\*\*\}\$\}", rows[3]
    )


def test_components_are_check_marks_that_the_paper_may_define() -> None:
    text = table_environment(table(COMPONENTS))
    assert text.count(r"\providecommand{\cmark}") == text.count(r"\providecommand{\xmark}") == 1
    assert r"\cmark & \xmark & 64 & " in text
    assert r"Levels shown as \cmark{}: batch norm=batch." in text
    assert r"\textbf{" in text


def test_seeds_are_in_the_caption_or_in_a_column() -> None:
    found = one_change(COMPONENTS)
    text = table_environment(table({}, found=found))
    assert r"over $n=5$ seeds" in text
    assert text.count(" & n") == 0
    part = found.where(~((found.runs["seed"] == 4) & (found.levels["width"].map(str) == "128")))
    text = table_environment(table({}, found=part))
    assert r" & n \\" in text
    assert "over n seeds" in text


def test_names_cannot_be_commands(tmp_path: Path) -> None:
    factors: dict[str, list[Any]] = {r"\input{x}": ["a_b", "50%"], "k&": [True, False]}
    found = grid_results(factors, value, "acc", 3, [ACCURACY])
    shown = compose(found, name=r"50% \of_{it}", folder=tmp_path).tables.ablation
    assert shown is not None
    text = table_environment(shown)
    assert r"\input" not in text
    assert r"\textbackslash{}input\{x\}" in text
    assert r"\label{tab:ablation-50-of-it-}" in text
    if shutil.which("pdflatex"):
        compiled(tmp_path, [text], r"\usepackage{booktabs,graphicx}")


def test_a_float_has_at_most_forty_rows() -> None:
    shown = table({"width": list(range(1, 60))}, seeds=1)
    text = table_environment(shown)
    assert text.count(r" \\") == ROWS + 2
    assert rf"\dots{{}} {59 - ROWS} more rows" in text
    assert "more rows" not in table_environment(table({"width": list(range(ROWS + 3))}, seeds=1)), "a few more are shown"


def test_a_float_ends_with_a_whole_block() -> None:
    shown = table({"task": list("abcd"), "width": list(range(15))}, seeds=1, blocks="task")
    lines = table_environment(shown).splitlines()
    assert sum(line.startswith(("a & ", "b & ")) for line in lines) == 30
    assert not [line for line in lines if line.startswith("c & ")]
    assert any(r"\dots{} 30 more rows" in line for line in lines)


def test_a_table_too_wide_for_a_column_spans_both() -> None:
    factors = {f"a_long_name_{at}": [f"a long level {at}", f"another long level {at}"] for at in range(4)}
    shown: Table = table(factors, seeds=1)
    assert r"\begin{table*}[t]" in table_environment(shown)
    assert r"\end{table*}" in table_environment(shown)


@needs_pdflatex
@pytest.mark.parametrize("siunitx", [False, True], ids=["plain", "siunitx"])
def test_a_table_with_long_names_fits_the_page(tmp_path: Path, siunitx: bool) -> None:
    """Its numbers were beyond the edge of the page."""
    names = ["a baseline without augmentation", "with_a_very_long_name_of_an_augmentation_pipeline_v2 & mixup 50%"]
    shown = table({"augmentation_policy/name": names, "optim & lr": ["adam_w & 5% decay", "SGD_{nesterov} #1 with restarts"]})
    text = table_environment(shown, siunitx)
    assert r"\begin{table*}" in text
    assert "rotatebox" not in text  # heads are shorter than the names below them
    more = ",siunitx" if siunitx else ""
    assert "Overfull" not in compiled(tmp_path, [text], rf"\usepackage{{booktabs,graphicx{more}}}")
