"""Measure two mechanisms behind the article's claims, without training: a linear stem (C5), and two ways of padding (C6).

    python -m benchmarks.mechanisms                 stage 89, batches of 128
    python -m benchmarks.mechanisms model=narrow    with overrides

The third mechanism, variance shift (C3), is `python -m ablate.run +study=shift`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console

from ablate.vision.mechanisms import compare_paddings, compare_stems, table
from benchmarks.product import make_config


def main(overrides: Sequence[str], batch: int = 128) -> None:
    """Print both comparisons for stage 89, changed by `overrides`."""
    modules, convolutions = (
        make_config(["experiment=stage89", "data=builtin", *overrides, f"model.padding={padding}"])
        for padding in ("module", "conv")
    )
    console = Console()
    console.print(table(compare_stems(convolutions, batch)))
    console.print(table(compare_paddings(modules, convolutions, batch)))


if __name__ == "__main__":
    main(sys.argv[1:])
