"""The provenance of a run depends on its code, not on where the code is."""

import sys
import time
from pathlib import Path

import pytest

from ablate.core.errors import UsageError
from ablate.engine import provenance
from ablate.storage import code_files


@pytest.fixture(autouse=True)
def earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of these tests count as older than this process."""
    monkeypatch.setattr(code_files, "_started", lambda: time.time() + 60)


def test_a_file_that_was_saved_since_the_process_started_has_no_digest(tmp_path: Path, monkeypatch, caplog) -> None:
    source = tmp_path / "script.py"
    source.write_text("a = 1")
    first = provenance.code_digest(source, ())
    monkeypatch.setattr(code_files, "_started", lambda: source.stat().st_ctime - 1)
    found = []
    for _ in range(2):
        provenance.code_digest.cache_clear()
        found.append(provenance.code_digest(source, ()))
    assert len({first, *found}) == 3
    assert f"{source} was saved while it was being imported" in caplog.text
    provenance.code_digest.cache_clear()


def test_the_code_digest_follows_the_code(tmp_path: Path) -> None:
    source = tmp_path / "script.py"
    source.write_text("a = 1")
    first = provenance.code_digest(source, ())
    provenance.code_digest.cache_clear()
    assert provenance.code_digest(source, ()) == first
    provenance.code_digest.cache_clear()
    source.write_text("a = 2")
    assert provenance.code_digest(source, ()) != first
    assert provenance.code_digest(source, ("ablate.stats",)) != provenance.code_digest(source, ())
    for name in ("ablate.nothing", "nosuch.module"):
        with pytest.raises(UsageError, match=f"Experiment.code: no module {name} with a source file"):
            provenance.code_digest(source, (name,))


def test_no_commit_outside_of_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("")
    assert provenance.commit(tmp_path / "script.py") is None


def test_a_file_of_a_checkout_has_its_commit() -> None:
    """Where the tests lie in a checkout; elsewhere there is none to find."""
    found = provenance.commit(Path(__file__))
    assert found is None or len(found.rstrip("+")) == 40


def test_packages_are_named_with_their_versions_and_holes(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("")
    facts = provenance.of(tmp_path / "script.py", (), ("torch", "no-such-package"))
    import torch

    assert facts["packages"]["torch"] == torch.__version__.split("+")[0]
    assert facts["packages"]["no-such-package"] is None
    assert facts["packages"]["ablate"]


def test_well_known_packages_count_once_they_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    assert provenance.loaded_packages()["torch"] == torch.__version__.split("+")[0]
    for name in ("torch", "sklearn"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert not {"torch", "scikit-learn"} & provenance.loaded_packages().keys()
