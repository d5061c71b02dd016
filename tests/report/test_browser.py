"""The page in a browser: it fits, it sorts, its links open what they lead to, and it asks nobody for anything."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ablate.report.build import build
from ablate.report.folder import write_folder
from tests.report.studies import grid, write_runs

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")

TELEPHONE, DESK = 390, 1280
SIZES = {
    "one run": ([{}], 1),
    "one cell": ([{}], 5),
    "eight factors": (grid({f"model.factor{at}": ["one level", "another"] for at in range(8)})[:130], 1),
    "two hundred cells": (grid({"width": list(range(20)), "depth": list(range(10))}), 1),
    "long names": ([{"name": "x" * 200}, {"name": "a_very.long,name=" * 12}], 5),
}

COMPONENTS = dict.fromkeys((f"component{at}" for at in range(10)), True)
KINDS: dict[str, tuple[list[dict[str, Any]], int, dict[str, Any]]] = {
    "one run": ([{}], 1, {}),
    "four cells": (grid({"model.dropout": [True, False], "stem": ["pyramid", "direct"]}), 1, {}),
    "ten components": ([COMPONENTS, *({**COMPONENTS, key: False} for key in COMPONENTS)], 5, {}),
    "three data sets": (grid({"data": list("abc"), "x": [0, 1], "y": [0, 1], "z": [0, 1]}), 5, {"blocks": "data"}),
    "two thousand runs": (grid({"a": list(range(20)), "b": list(range(20))}), 5, {}),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of playwright's own event loop
        with playwright.sync_playwright() as started:
            chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            yield chromium
            chromium.close()


def opened(browser: Any, path: Path, width: int) -> tuple[Any, list[str]]:
    """A page of this width, and what it complained of or asked for."""
    trouble: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: trouble.append(request.url) if not request.url.startswith(("file:", "data:")) else None)
    page.goto(path.as_uri())
    return page, trouble


@pytest.mark.parametrize("width", [TELEPHONE, DESK])
def test_nothing_is_wider_than_the_screen_and_nothing_is_asked_for(browser: Any, page: Path, width: int) -> None:
    shown, trouble = opened(browser, page, width)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.title() == "every trouble: report"  # no script of a name has run
    assert trouble == []


@pytest.mark.parametrize("width", [TELEPHONE, DESK])
def test_the_first_screen_tells_the_result(browser: Any, page: Path, width: int) -> None:
    shown, _ = opened(browser, page, width)
    for text in ("5 claims: 1 contradicted", "Runs differ in", "1 diverged", "1 failed", "1 missing", "C1"):
        box = shown.get_by_text(text, exact=text == "C1").first.bounding_box()
        assert box["y"] + box["height"] < 844, text


def test_columns_are_sorted_by_their_numbers(browser: Any, page: Path) -> None:
    shown, _ = opened(browser, page, DESK)
    table = shown.locator("#ablation table.sortable")
    column = table.locator("th").all_text_contents().index("final accuracy (%)")
    read = f"rows => rows.map(row => row.cells[{column}].textContent.trim().split(/\\s/)[0])"

    def values() -> list[float]:
        return [float(text) for text in table.locator("tbody tr").evaluate_all(read)]

    before = values()
    head = table.locator("th button", has_text="final accuracy").first
    head.click()
    assert values() == sorted(before)
    head.press("Enter")
    assert values() == sorted(before, reverse=True)
    head.press("Space")
    assert values() == sorted(before)
    assert table.locator("th", has_text="final accuracy").first.get_attribute("aria-sort") == "ascending"


def test_a_number_leads_to_its_runs(browser: Any, page: Path) -> None:
    shown, trouble = opened(browser, page, DESK)
    assert not shown.locator("#all").evaluate("part => part.open")
    assert not shown.locator("#runs").evaluate("part => part.open")
    shown.locator("table.sortable tbody tr").first.locator("a").first.click()
    assert shown.locator("#all").evaluate("part => part.open")
    assert shown.locator(":target").locator("h3").inner_text() == "dropout=true,stem=pyramid"
    with shown.expect_navigation():
        shown.locator(":target a", has_text="run.json").first.click()
    assert '"seed": 0' in shown.locator("body").inner_text()
    assert trouble == []


def test_without_scripts_everything_can_still_be_read(browser: Any, page: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    shown = context.new_page()
    shown.goto(page.as_uri())
    shown.locator("#runs > summary").click()
    shown.locator("summary", has_text="and their files").click()
    assert shown.locator("#ablation table.sortable tbody tr").count() == 4
    assert shown.get_by_role("link", name="run.json").count() == 35
    context.close()


def violations(browser: Any, path: Path, width: int, scheme: str) -> list[tuple[str, list[str]]]:
    """What the rules of axe-core find on a page with everything unfolded."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install -e '.[dev]'")
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
    shown = context.new_page()
    shown.goto(path.as_uri())
    shown.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    found = axe.Axe().run(shown)
    context.close()
    assert len(found.response["passes"]) > 15
    return [(each["id"], [node["html"][:100] for node in each["nodes"][:3]]) for each in found.response["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [TELEPHONE, DESK])
def test_it_is_accessible(browser: Any, page: Path, width: int, scheme: str) -> None:
    assert violations(browser, page, width, scheme) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_pages_of_all_kinds_are_accessible(browser: Any, tmp_path: Path, kind: str) -> None:
    cells, seeds, manifest = KINDS[kind]
    study = write_runs(tmp_path / "s", cells, seeds, **manifest)
    write_folder(build(study))
    for scheme in ("light", "dark"):
        assert violations(browser, study / "report" / "index.html", TELEPHONE, scheme) == []


def test_a_configuration_that_is_clicked_is_marked_everywhere(browser: Any, page: Path) -> None:
    shown, _ = opened(browser, page, DESK)
    row = shown.locator("table.sortable tbody tr").nth(1)
    name = row.get_attribute("data-cell")
    row.locator("td").nth(1).click()
    parts = shown.locator(f"[data-cell='{name}']")
    assert parts.count() >= 3  # in the comparison, the status and the list of runs
    assert parts.evaluate_all("parts => parts.every(part => part.classList.contains('marked'))")
    assert shown.locator(".marked").count() == parts.count()
    row.locator("td").nth(1).click()
    assert shown.locator(".marked").count() == 0


@pytest.mark.parametrize(("label", "suffix"), [("Copy LaTeX", "tex"), ("Copy Markdown", "md")])
def test_the_ablation_table_is_copied_as_its_file_has_it(browser: Any, page: Path, label: str, suffix: str) -> None:
    shown, trouble = opened(browser, page, DESK)
    shown.evaluate("navigator.clipboard.writeText = async text => { window.copied = text }")
    shown.get_by_role("button", name=label).click()
    shown.get_by_role("button", name="Copied").wait_for()
    assert shown.evaluate("window.copied") == (page.parent / "tables" / f"ablation.{suffix}").read_text(encoding="utf-8")
    assert trouble == []


def test_a_dot_says_which_seed_it_is(browser: Any, page: Path) -> None:
    shown, _ = opened(browser, page, DESK)
    assert shown.locator(".strip .dot title").first.text_content().startswith("seed 0: ")


def test_a_link_to_a_folded_part_opens_it(browser: Any, page: Path) -> None:
    shown, _ = opened(browser, page, DESK)
    shown.locator("nav a", has_text="Contrasts").click()
    assert shown.locator("#contrasts").evaluate("part => part.open")


def test_dark_mode_has_a_dark_background(browser: Any, page: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    shown = context.new_page()
    shown.goto(page.as_uri())
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
    context.close()


def test_it_can_be_printed(browser: Any, page: Path, tmp_path: Path) -> None:
    shown, _ = opened(browser, page, DESK)
    shown.emulate_media(media="print")
    shown.set_viewport_size({"width": 700, "height": 1000})  # about A4 less its margins
    assert shown.evaluate("document.documentElement.scrollWidth") <= 700
    shown.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_on_paper_a_heading_has_no_buttons_so_that_it_is_repeated_and_long_tables_are_cut(browser: Any, tmp_path: Path) -> None:
    cells, seeds = SIZES["two hundred cells"]
    study = write_runs(tmp_path / "s", cells, seeds)
    write_folder(build(study))
    shown, trouble = opened(browser, study / "report" / "index.html", DESK)
    heads, rows = shown.locator("#ablation th"), shown.locator("#ablation tbody tr")
    titles = heads.all_inner_texts()
    assert shown.get_by_text("The first 60 of 200 rows").first.is_hidden()
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    shown.emulate_media(media="print")
    assert shown.locator("th button").count() == 0
    assert heads.all_inner_texts() == titles
    assert rows.evaluate_all("rows => rows.filter(row => row.getClientRects().length).length") == 60
    assert shown.get_by_text("The first 60 of 200 rows; tables/ablation.csv has all.").is_visible()
    shown.emulate_media(media="screen")
    shown.evaluate("dispatchEvent(new Event('afterprint'))")
    shown.locator("#ablation th button").nth(2).click()
    assert heads.nth(2).get_attribute("aria-sort") == "ascending"
    assert (heads.all_inner_texts()[:2], trouble) == (titles[:2], [])


@pytest.mark.parametrize("size", SIZES)
def test_small_and_large_studies_fit(browser: Any, tmp_path: Path, size: str) -> None:
    cells, seeds = SIZES[size]
    study = write_runs(tmp_path / "s", cells, seeds)
    write_folder(build(study))
    for width in (TELEPHONE, DESK):
        shown, trouble = opened(browser, study / "report" / "index.html", width)
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert shown.evaluate("document.documentElement.scrollHeight") < 16_000
        assert trouble == []
