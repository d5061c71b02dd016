"""The page as a file: all in itself, every link leads somewhere, and names stay text."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from ablate.core.descriptions import Description, Examples
from ablate.importers.csv import read_table
from ablate.importers.table import Roles
from ablate.importers.tabular import results_of
from ablate.report.build import compose
from ablate.report.folder import write_folder
from ablate.report.values import text_of
from tests.report.conftest import SCRIPT
from tests.report.studies import ACCURACY, CLAIM, grid_results, reported, results


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.links += [found["href"]] if "href" in found else []
        self.ids += [found["id"]] if "id" in found else []
        self.sources += [found["src"]] if "src" in found else []

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def parsed(page: Path) -> Page:
    return Page(page)


def test_every_link_leads_to_a_place_in_the_page_or_to_a_file(parsed: Page, page: Path) -> None:
    inside = {link[1:] for link in parsed.links if link.startswith("#")}
    assert inside <= set(parsed.ids)
    assert len(parsed.ids) == len(set(parsed.ids))
    files = [unquote(link) for link in parsed.links if not link.startswith(("#", "data:"))]
    assert len([link for link in files if link.endswith("run.json")]) == 35  # of 36, one was never started
    assert all((page.parent / link).is_file() for link in files)


def test_the_page_asks_for_nothing_else(parsed: Page, page: Path) -> None:
    assert parsed.sources == []
    assert not [link for link in parsed.links if ":" in link.split("/")[0] and not link.startswith("data:,")]
    assert parsed.tags.count("svg") > 5
    assert not re.search(r"url\((?!#)", page.read_text(encoding="utf-8"))


def test_names_stay_text(parsed: Page, page: Path) -> None:
    assert parsed.tags.count("script") == 1
    assert parsed.text.count(SCRIPT) >= 8  # a level, a claim and its name, a quote, an error, a reason
    for name in ("report.md", "tables/results.tex", "tables/verdicts.tex"):
        assert "<script>" not in (page.parent / name).read_text(encoding="utf-8")


def test_the_answers_stand_in_the_order_in_which_a_reader_asks(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = re.findall("<h2>(.*?)</h2>", text)
    open_ones = re.findall(r"<section id[^>]*>\n<h2>(.*?)</h2>", text)
    folded = [
        "Configurations", "Contrasts", "Variance explained (ANOVA)", "Precision of the paired differences", "Provenance", "Runs",
    ]  # fmt: skip
    assert [each for each in headings if each not in open_ones] == folded
    assert open_ones == [
        "Findings", "Ablation", "Attribution", "Scorecard", "Figures", "Run status",
    ]  # fmt: skip
    contents = re.findall(r'<li[^>]*><a href="#(\w+)">(.*?)</a></li>', text.partition("</nav>")[0])
    assert [title for _, title in contents] == headings


def test_shares_stand_before_a_table_in_which_most_configurations_lack_seeds(tmp_path: Path) -> None:
    """Each seed ran the configurations of one order of five changes and of its reverse."""
    path = {"changes": {name: {"factor": name, "from": 0, "to": 1} for name in "abcde"}, "of": "a"}
    claim = {
        "id": "H", "says": "a helps", "kind": "path", "path": path, "metric": "f1", "expects": "higher", "margin": 0.1,
    }  # fmt: skip
    whole = grid_results(
        {name: [0, 1] for name in "abcde"}, lambda levels, seed: sum(levels.values()) + 0.1 * seed, claims=[claim]
    )
    made = whole.levels.map(lambda level: str(level.value)).agg("".join, axis=1)
    write_folder(compose(whole.where(made.str.fullmatch("0*1*|1*0*")), name="s", folder=tmp_path))
    found = re.findall("<h2>(.*?)</h2>", (tmp_path / "index.html").read_text(encoding="utf-8"))
    assert found[:3] == ["Findings", "Attribution", "Ablation"]
    assert found.count("Attribution") == 1


def test_every_number_links_to_its_runs(page: Path) -> None:
    text = page.read_text(encoding="utf-8").split('<details class="section" id="runs">')[
        0
    ]  # the list of the runs themselves has no links
    numbers = [number for number in re.findall(r'<td class="number"[^>]*>(.*?)</td>', text) if re.search(r"\d", number)]
    assert len(numbers) > 50
    assert [number for number in numbers if not re.fullmatch(r'<a href="#[^"]+">[^<]+</a>', number)] == []


def test_a_cell_has_the_number_that_it_is_sorted_by_with_all_its_digits(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    *_, table = re.findall(r'<table class="sortable">(.*?)</table>', text, re.DOTALL)
    cells = re.findall(r'<td class="number" data-sort="([^"]*)">(?:<a[^>]*>)?([^<]*)', table)
    means = [(float(key), shown) for key, shown in cells if "±" in shown and shown.startswith(("5", "6"))]
    assert len(means) >= 4
    assert all(f"{100 * key:.1f}" == shown.split()[0] for key, shown in means)
    assert ("0.0", "baseline") in cells


def test_a_flag_is_a_mark_of_its_kind(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert '<span class="flag bad">1 failed</span>' in text
    assert '<span class="flag">1 made by other code</span>' in text


def test_without_claims_each_change_has_its_unit_and_its_interval_over_test_examples(tmp_path: Path) -> None:
    description = Description(examples=(Examples(ACCURACY.name, "answers", "right", "test images"),))
    found = results(lambda arm, seed: 0.5 + arm / 4 + seed / 100, ACCURACY.name, specs=[ACCURACY], description=description)
    kept = {
        name: {"right": np.packbits(np.arange(100) < 50 + 25 * name.startswith("arm=1")), "count": np.array(100)}
        for name in found.runs["directory"]
    }
    report = compose(found, name="s", folder=tmp_path, kept={"answers": kept})
    write_folder(report)
    assert report.tables.contrasts is not None
    row = {key: text_of(report.tables.contrasts.rows[0][key]) for key in report.tables.contrasts.keys}
    text = " ".join(Page(tmp_path / "index.html").text.split())
    assert f"Adding arm (1): {row['estimate'].replace(' ', ' points ', 1)}, better at n = {row['n']}." in text
    assert f"over test images: {row['examples']}; all seeds lie within one rounding step of the metric (0.01)" in text


def test_results_of_another_program_have_the_same_page(tmp_path: Path) -> None:
    table = pd.DataFrame(
        [(f"a{SCRIPT}" if arm else "b", seed, 0.1 * arm + seed, "x") for arm in (0, 1) for seed in range(5)],
        columns=["arm <script>", "seed", "f1 <script>", "fact"],
    )
    path = tmp_path / "results <b>.csv"
    table.to_csv(path, index=False)
    found = results_of(read_table(path), Roles(factors=("arm <script>",), seed="seed", metrics=("f1 <script>",)))
    found.manifest.command, found.manifest.further_commands = "python <script>", ["python more"]
    write_folder(compose(found, name=path.name, folder=tmp_path / "report"))
    parsed = Page(tmp_path / "report" / "index.html")
    assert parsed.tags.count("script") == 1
    assert "b" not in parsed.tags
    assert "f1 <script>" in parsed.text
    assert "results <b>.csv, line 2" in parsed.text
    assert not [link for link in parsed.links if link.endswith("run.json")]


def test_of_many_configurations_behind_a_number_the_first_are_listed(tmp_path: Path) -> None:
    factors = {key: list(range(5)) for key in "abc"}
    found = grid_results(factors, lambda levels, seed: sum(levels.values()) + seed / 10, "f1", 2)
    write_folder(compose(found, name="s", folder=tmp_path))
    assert "and 10 more" in " ".join(Page(tmp_path / "index.html").text.split())  # of the 50 with a=0 or a=1


def test_the_level_of_an_interval_stays_on_one_line(tmp_path: Path) -> None:
    """It was broken between the number and the percent sign."""
    report = reported(tmp_path, 0.002, 0.012, claims=[CLAIM], looks=[5, 8, 12, 20])
    write_folder(report, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert '<span class="unbroken">(99.7 %).</span>' in page
