"""The cache of decoded images: cold, all images are decoded and written; warm, a new process finds them there."""

from __future__ import annotations

import shutil

from benchmarks import commands
from benchmarks.options import Options
from benchmarks.results import Section, Series, Table
from benchmarks.rounds import interleave

PROGRAM = """
import sys, time
from benchmarks import product
began = time.perf_counter()
getattr(product, sys.argv[1])(sys.argv[2:])
print(time.perf_counter() - began)
"""


def run(options: Options) -> Section:
    """Time decoding and loading inside a new process, imports left out."""
    folder = options.work / "cold"
    sizes = ("data.train_size=500", "data.test_size=100") if options.quick else ("data.train_size=null", "data.test_size=null")
    source = [each for each in options.image_overrides() if not each.startswith("data.cache=")]
    arguments = [*source, *sizes, f"data.cache={folder}"]

    def cold() -> float:
        shutil.rmtree(folder, ignore_errors=True)
        return _seconds("decode_images", arguments, options)

    def warm() -> float:
        if not folder.exists():
            cold()
        return _seconds("load_images", arguments, options)

    values = interleave({"cold: decode and write": cold, "warm: load": warm}, options.rounds)
    shutil.rmtree(folder, ignore_errors=True)
    title = "decoded images" if options.quick else "decoded images (all of the source; of drawn ones 60,000)"
    return Section("cache", "Image cache", [Table(title, [Series(name, "s", each) for name, each in values.items()])])


def _seconds(function: str, arguments: list[str], options: Options) -> float:
    answer = commands.python(["-c", PROGRAM, function, *arguments], options.work)
    return float(answer.stdout.strip().splitlines()[-1])
