"""Open the page of a study in a browser, after writing its report again if runs have ended since.

ablate open STUDY
"""

from __future__ import annotations

import webbrowser
from pathlib import Path

from ablate.commands import studies
from ablate.report.build import build
from ablate.report.folder import write_folder
from ablate.storage.layout import run_directories
from ablate.storage.manifest import MANIFEST
from ablate.storage.records import RECORD


def page_of(study: Path) -> Path:
    """The page of a study, written again if it is older than a run, the removal of a run, or study.yaml."""
    page = study / "report" / "index.html"
    runs = run_directories(study)
    folders = {directory.parent for directory in runs} | {directory.parent.parent for directory in runs}
    inputs = [study / MANIFEST, *folders, *(directory / RECORD for directory in runs)]
    newest = max((path.stat().st_mtime for path in inputs if path.exists()), default=0.0)
    if not page.exists() or page.stat().st_mtime < newest:
        write_folder(build(study))
    return page


def main() -> None:
    """Run the command."""
    parser = studies.parser("open", "Open the page of a study in a browser.")
    studies.add_study(parser)
    arguments = parser.parse_args()

    def command() -> None:
        page = page_of(studies.find(arguments.study)).resolve()
        print(page)
        if not webbrowser.open(page.as_uri()):
            print("No browser could be started: open the file above.")

    studies.run(command)
