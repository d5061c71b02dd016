"""Comparisons of training loops: the cases of a table are started, measured in interleaved rounds, and ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from benchmarks import machine
from benchmarks.loops.case import Case
from benchmarks.loops.lightning import missing
from benchmarks.options import Options
from benchmarks.product import precision_of
from benchmarks.results import Series
from benchmarks.rounds import interleave
from benchmarks.team import Team

NETWORKS = {
    "stage89": ("experiment=stage89",),
    "stage89, padding=conv": ("experiment=stage89", "model.padding=conv"),
}
BATCH, QUICK_BATCH = 128, 8  # images
BATCHES = 8  # of an epoch of the product
PRECISIONS = ("float32", "bfloat16")


def batch_size(options: Options) -> int:
    """Images of a batch."""
    return QUICK_BATCH if options.quick else BATCH


def networks(options: Options) -> tuple[str, ...]:
    """The networks that are compared."""
    return tuple(NETWORKS)[:1] if options.quick else tuple(NETWORKS)


def overrides(options: Options, network: str) -> tuple[str, ...]:
    """The product's configuration in a comparison.

    The images are cropped and flipped, as in the common loop, and the first batch of an epoch is trained on: the author's
    recipe takes no step on it, which would count for the product in an epoch of few batches. With `options.quick`, the
    network is narrow.
    """
    batch = batch_size(options)
    sizes = (f"data.train_size={BATCHES * batch}", "data.test_size=100", f"optimizer.batch_size={batch}")
    narrow = ("model.widths=[4,4,8]", "model.head_width=4") if options.quick else ()
    return (*options.image_overrides(), *NETWORKS[network], "augment=crop", "optimizer.skip_first_batch=false", *sizes, *narrow)


def reason_to_skip(case: Case) -> str | None:
    """Why a case cannot be measured here; None if it can."""
    if case.device == "cpu" and case.cores > (there := len(machine.available())):
        return f"{case.cores} cores are needed; this process may use {there}"
    if case.loop == "lightning" and (reason := missing()) is not None:
        return reason
    if case.precision == "bfloat16" and precision_of(case.device) != "bfloat16":
        return f"bfloat16 is not faster than float32 on this {case.device}, so precision=auto takes float32"
    return None


def measured(
    cases: Mapping[str, Case], options: Options, skipped: dict[str, str], busy: Mapping[str, Case] | None = None
) -> dict[str, Series]:
    """Images a second of each case, in interleaved rounds; those of `busy` beside another busy process.

    What cannot be measured here is added to `skipped`, with the reason.
    """
    with ExitStack() as stack:
        teams = {}
        for name, case in {**cases, **(busy or {})}.items():
            if (reason := reason_to_skip(case)) is not None:
                skipped[name] = reason
                continue
            teams[name] = stack.enter_context(Team(case, busy=name in (busy or {})))
            teams[name].build()
        rounds = interleave({name: _measurement(team, options.seconds) for name, team in teams.items()}, options.rounds)
    return {name: Series(name, "images/s", values) for name, values in rounds.items()}


def _measurement(team: Team, seconds: float) -> Callable[[], float]:
    return lambda: team.measure(seconds)
