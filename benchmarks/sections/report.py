"""The report of studies of 10, 100, 1,000 and 10,000 runs, from run folders that this module writes."""

from __future__ import annotations

import shutil

from benchmarks import commands
from benchmarks.options import Options
from benchmarks.results import Section, Series, Table
from benchmarks.rounds import interleave
from benchmarks.sections.synthetic import Shape, write_study

# Levels of each factor, and seeds
SHAPES = {
    10: Shape((2,), 5),
    100: Shape((2, 5), 10),
    1_000: Shape((2, 5, 5), 20),
    10_000: Shape((2, 5, 5, 10), 20),
}
QUICK = {10: SHAPES[10]}


def run(options: Options) -> Section:
    """Time `python -m ablate.report` on each study in interleaved rounds."""
    shapes = QUICK if options.quick else SHAPES
    studies = {f"{count:,} runs ({shape.describe()})": shape for count, shape in shapes.items()}
    folders = {name: options.work / f"report-{number}" for number, name in enumerate(studies)}
    for name, shape in studies.items():
        write_study(folders[name], shape)

    def report(name: str) -> float:
        shutil.rmtree(folders[name] / "report", ignore_errors=True)
        return commands.seconds(["-m", "ablate.report", str(folders[name])], options.work)

    values = interleave({name: lambda name=name: report(name) for name in studies}, options.rounds)  # type: ignore[misc]
    for folder in folders.values():
        shutil.rmtree(folder)
    return Section("report", "Report", [Table("a report", [Series(name, "s", each) for name, each in values.items()])])
