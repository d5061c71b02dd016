"""The examples, typed as their first lines say."""

import re
from pathlib import Path

import pytest

from ablate.core.levels import Factor
from ablate.storage.dataframe import load_results
from tests.conftest import Command

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.slow
def test_a_script_of_ones_own_is_studied(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    script = EXAMPLES / "digits" / "digits.py"
    typed = re.search(r"python examples/digits/digits.py (.*)", script.read_text())
    assert typed is not None
    answer = command(str(script), *typed[1].replace("seeds=5", "seeds=2").split(), "epochs=3")
    assert "8 finished" in answer.stdout
    results = load_results(tmp_path / "outputs" / "norm+dropout+epochs=3")
    assert list(results.factors.values()) == [Factor.of("norm", [False, True]), Factor.of("dropout", [0, 0.3])]
    assert (results.values["accuracy"] > 0.8).all()
    assert (tmp_path / "outputs" / "norm+dropout+epochs=3" / "report" / "report.md").exists()
