"""report.md as a parser of Markdown reads it: names are text, wherever they stand."""

import shutil
from dataclasses import replace
from pathlib import Path

from markdown_it import MarkdownIt

from ablate.report import markdown
from ablate.report.build import build
from ablate.report.figures import draw
from tests.report.studies import PROVENANCE, write_runs

NAMES = ["*gone*", "*a*", "![i](http://x)", "`c` [d](http://x)"]


def test_names_stay_text_in_the_whole_report(tmp_path: Path) -> None:
    study = write_runs(
        tmp_path / "*study*",
        [{"stem": name} for name in NAMES],
        3,
        status=lambda levels, seed: ("failed", f"# {levels['stem']}") if seed == 2 else ("finished", None),
        provenance=lambda levels, seed: {**PROVENANCE, "packages": {"*one*": "_two_"}},
    )
    for folder in study.glob("runs/stem=*gone*"):
        shutil.rmtree(folder)
    report = build(study)
    report = replace(report, problems=[*report.problems, "# no heading"])
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    blocks = parser.parse(markdown.render(report, draw(report)))
    inside = [token for block in blocks if block.type == "inline" for token in block.children or []]
    kinds = {token.type for token in inside}
    assert kinds <= {"text", "text_special", "softbreak", "hardbreak", "strong_open", "strong_close", "image"}
    assert all(str(token.attrs["src"]).startswith("figures/") for token in inside if token.type == "image")
    text = "".join(token.content for token in inside)
    assert all(text.count(name) >= 2 for name in NAMES[1:])
    assert "*study*" in text
    assert "# no heading" in text
    assert "stem=*gone* has no runs; the baseline is stem=*a*." in text
    assert "*one*: _two_" in text
    assert "failed: # *a*" in text
