"""The notebooks run from the committed studies, and are kept with their outputs."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def texts(notebook: "nbformat.NotebookNode") -> list[str]:
    """What the code cells printed or displayed as text or Markdown, in order; pictures and addresses in memory left out."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {"text/plain": output.get("text", "")})
            found.append(
                data["text/markdown"] if "text/markdown" in data else "a picture" if "image/png" in data else data["text/plain"]
            )
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the kernel's own machinery
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_again_what_it_says(path: Path) -> None:
    kept = nbformat.read(path, as_version=4)
    assert all(cell.execution_count for cell in kept.cells if cell.cell_type == "code")
    run = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(run, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    assert texts(run) == texts(kept), "what the notebook shows has changed: make notebooks"
    assert len(texts(kept)) > 5


def test_there_is_a_notebook() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["qiita"]
