"""Names have their letters in figures if an installed font has them; otherwise the report says so."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from matplotlib import font_manager

from ablate.report import fonts
from ablate.report.build import compose
from ablate.report.folder import write_folder
from tests.report.studies import grid_results


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three further fonts: one with both letters in question, and two with less."""
    there = {"less.ttf": "ab線", "more.ttf": "線形", "other.ttf": "xyz", "new.ttf": "龍"}
    entries = [SimpleNamespace(name=name.removesuffix(".ttf"), fname=name, style="normal", weight=400) for name in there]
    manager = SimpleNamespace(ttflist=entries[:3], addfont=lambda path: manager.ttflist.append(entries[3]))
    monkeypatch.setattr(font_manager, "fontManager", manager)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["new.ttf"])
    monkeypatch.setattr(font_manager, "findfont", lambda _: "default.ttf")
    monkeypatch.setattr(fonts, "_characters", lambda path: set(there.get(path, "abcdefghijk =")))
    fonts.families.cache_clear()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("text", "names", "missing"),
    [
        ("abc", ("DejaVu Sans",), ""),
        ("a線形", ("DejaVu Sans", "more"), ""),
        ("龍形", ("DejaVu Sans", "more", "new"), ""),
        ("線β", ("DejaVu Sans", "less"), "β"),
    ],
)
def test_a_font_that_has_the_letters_is_found(text: str, names: tuple[str, ...], missing: str) -> None:
    found, boxes = fonts.families(text)
    assert (set(found), boxes) == (set(names), missing)
    assert found[0] == "DejaVu Sans"
    fonts.families.cache_clear()


def test_letters_that_no_font_has_are_reported_once(tmp_path: Path) -> None:
    study = grid_results({"method": ["base", "\U000e1234\U0001f9ff\ue123"]}, lambda levels, seed: len(str(levels)) + seed / 9)
    folder = write_folder(compose(study, name="s", folder=tmp_path / "report")).parent
    for name in ("report.md", "index.html"):
        assert (folder / name).read_text().count("figures show boxes in place of these characters.") == 1
