# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure time and memory of this package and of the published program: `make bench MAPS=...`.

The programs run alternately as complete processes. The exit status is 1 when a bound is missed. Boxes of 512 voxels
need several minutes and 6 GB of memory.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from compileall import compile_dir
from pathlib import Path
from typing import List, Optional

from benchmarks import published
from benchmarks.performance.document import DOCUMENT, text
from benchmarks.performance.measure import measure
from benchmarks.performance.processes import THREADS
from benchmarks.real_data import REPOSITORY


def main(argv: Optional[List[str]] = None) -> int:
    """Measure and print the document; return 1 when a bound is missed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("maps", nargs="*", type=Path, help="further maps to measure: cubic, with an even box")
    parser.add_argument(
        "--rounds", type=int, default=5, help="number of runs of each case; medians are reported (default: %(default)s)"
    )
    parser.add_argument(
        "--boxes",
        default="64,128,256,384,512",
        help="boxes of the simulated maps, voxels, separated by commas (default: %(default)s)",
    )
    parser.add_argument("--work", type=Path, help="folder for temporary maps and outputs")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    options = parser.parse_args(argv)
    if hasattr(os, "sched_setaffinity"):  # a program that starts more threads gets no more processors
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:THREADS]))
    version = published.install()
    for package in ("occupy_core", "relion_external"):  # pip compiles installed packages too
        compile_dir(REPOSITORY / package, quiet=1)
    boxes = [int(box) for box in options.boxes.split(",") if box]
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        results = measure(Path(folder), boxes, [path.resolve() for path in options.maps], options.rounds)
    page = text(results, version, options.rounds)
    print(page)
    if options.write:
        DOCUMENT.write_text(page, encoding="utf-8")
    return 0 if all(bound.holds for bound in results.bounds) else 1


if __name__ == "__main__":
    sys.exit(main())
