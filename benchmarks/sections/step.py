"""Training loops compared: (a) the author's, (b) the common one, (c) Lightning, (d) the bare step, (e) the limit.

A factor between two loops is that of their images a second in the same round. The loops (a), (b) and (c) train in
float32, as people run them; (b) and (c) are measured in bfloat16 as well, to show what of a factor is the precision's.
"""

from __future__ import annotations

from benchmarks.loops.case import Case
from benchmarks.options import Options
from benchmarks.results import Section, Series, Table, Target, ratio
from benchmarks.sections.training import PRECISIONS, batch_size, measured, networks, overrides

# At least so many times as fast, on two cores with AMX, in bfloat16
FACTORS = {"(a) author's loop, float32": 7.0, "(b) common loop, float32": 6.0, "(c) Lightning, float32": 5.0}
OF_BARE_STEP, OF_LIMIT = 0.95, 0.5
ONE_CORE = 380.0  # images a second of stage89 with padding=conv on one core with AMX


def run(options: Options) -> Section:
    """Measure every loop on every network, on one core and on two."""
    section = Section("step", "Training loops compared")
    for cores in (1,) if options.quick else (1, 2):
        for network in networks(options):
            table = compare(options, network, cores, section.skipped)
            section.tables.append(table)
    return section


def compare(options: Options, network: str, cores: int, skipped: dict[str, str]) -> Table:
    """One table: all loops on one network."""
    where = f"{network}, {cores} core{'s' if cores > 1 else ''}"
    cases = _cases(overrides(options, network), cores, batch_size(options))
    if options.quick:
        cases = {name: case for name, case in cases.items() if case.precision == "float32" or case.loop in ("bare", "product")}
    left_out: dict[str, str] = {}
    series = measured(cases, options, left_out)
    skipped |= {f"{where}: {name}": reason for name, reason in left_out.items()}
    table = Table(f"{where}, batch {batch_size(options)}", list(series.values()))
    for name in [name for name in series if name.startswith("product")]:
        table.series += _ratios(series, name)
    if network.endswith("padding=conv") and cores == 1 and (fast := series.get("product, bfloat16")):
        fast.target = Target(ONE_CORE, needs_amx=True)
    if network == "stage89" and cores == 2:
        _set_targets(table)
    return table


def _cases(chosen: tuple[str, ...], cores: int, batch: int) -> dict[str, Case]:
    def case(loop: str, precision: str, processes: int = 1) -> Case:
        return Case(loop, chosen, precision, cores, processes, batch=batch)

    cases = {"(a) author's loop, float32": case("author", "float32")}
    for precision in PRECISIONS:
        cases[f"(b) common loop, {precision}"] = case("common", precision)
        cases[f"(c) Lightning, {precision}"] = case("lightning", precision)
        cases[f"(d) bare step, {precision}"] = case("bare", precision)
        cases[f"(e) limit, {precision}"] = case("matrix", precision)
        cases[f"product, {precision}"] = case("product", precision)
        if cores > 1:
            cases[f"product in {cores} processes, {precision}"] = case("product", precision, cores)
    return cases


def _ratios(series: dict[str, Series], name: str) -> list[Series]:
    """The product against the other loops; against the bare step and the limit in the same precision."""
    precision = name.rpartition(", ")[2]
    others = [*FACTORS, f"(b) common loop, {precision}", f"(c) Lightning, {precision}"]
    others += [f"(d) bare step, {precision}", f"(e) limit, {precision}"]
    return [ratio(f"{name} / {other}", series[name], series[other]) for other in dict.fromkeys(others) if other in series]


def _set_targets(table: Table) -> None:
    """The targets of two cores. Those in bfloat16 need AMX; the share of the bare step applies everywhere."""
    targets = {
        **{f"product, bfloat16 / {other}": Target(factor, needs_amx=True) for other, factor in FACTORS.items()},
        "product, bfloat16 / (d) bare step, bfloat16": Target(OF_BARE_STEP, needs_amx=True),
        "product, bfloat16 / (e) limit, bfloat16": Target(OF_LIMIT, needs_amx=True),
        "product, float32 / (d) bare step, float32": Target(OF_BARE_STEP),
    }
    for series in table.series:
        series.target = targets.get(series.name)
