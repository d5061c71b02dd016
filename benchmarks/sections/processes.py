"""One process with two threads against two processes of one thread each, alone and beside another busy process."""

from __future__ import annotations

from benchmarks.loops.case import Case
from benchmarks.options import Options
from benchmarks.results import Section, Table, Target, ratio
from benchmarks.sections.training import PRECISIONS, batch_size, measured, networks, overrides

CORES = 2
TARGETS = {"quiet": Target(1.1, needs_amx=True), "busy": Target(1.3, needs_amx=True)}


def run(options: Options) -> Section:
    """Measure the product on both networks in both precisions."""
    section = Section("processes", "One process or two")
    for network in networks(options):
        for precision in PRECISIONS:
            left_out: dict[str, str] = {}
            table = compare(options, network, precision, left_out)
            section.skipped |= {f"{network}: {name}": reason for name, reason in left_out.items()}
            if table.series:
                section.tables.append(table)
    return section


def compare(options: Options, network: str, precision: str, skipped: dict[str, str]) -> Table:
    """One table: both ways, without and with a third process that keeps a core busy."""
    chosen = overrides(options, network)
    one, two = (Case("product", chosen, precision, CORES, processes, batch=batch_size(options)) for processes in (1, 2))

    def names(state: str) -> tuple[str, str]:
        beside = ", beside a busy process" if state == "busy" else ""
        return f"1 process x 2 threads, {precision}{beside}", f"2 processes x 1 thread, {precision}{beside}"

    quiet, busy = (dict(zip(names(state), (one, two), strict=True)) for state in TARGETS)
    series = measured(quiet, options, skipped, busy)
    table = Table(f"{network}, {precision}, {CORES} cores", list(series.values()))
    for state, target in TARGETS.items():
        single, double = names(state)
        if single in series and double in series:
            applies = target if precision == "bfloat16" else None
            table.series.append(ratio(f"2 processes / 1 process, {state}", series[double], series[single], applies))
    return table
