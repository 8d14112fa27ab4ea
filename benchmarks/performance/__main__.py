# SPDX-License-Identifier: GPL-3.0-or-later
"""Time and memory beside the published program's, whole processes in turns: `make bench MAPS=...`.

Exit status 1 when a bound is missed. Boxes of 512 voxels take some minutes and 6 GB of memory.
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
    """Measure and print; 1 when a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("maps", nargs="*", type=Path, help="cubic maps with an even box, beside the simulated ones")
    parser.add_argument("--rounds", type=int, default=5, help="of which the medians are taken")
    parser.add_argument("--boxes", default="64,128,256,384,512", help="of the simulated maps, by commas")
    parser.add_argument("--work", type=Path, help="where maps and outputs go for the time being")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    options = parser.parse_args(argv)
    if hasattr(os, "sched_setaffinity"):  # whatever starts more threads than two gets no more processors for them
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:THREADS]))
    version = published.install()
    for package in ("occupy_core", "relion_external"):  # as pip does it when it installs them
        compile_dir(REPOSITORY / package, quiet=1)
    boxes = [int(box) for box in options.boxes.split(",") if box]
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        found = measure(Path(folder), boxes, [path.resolve() for path in options.maps], options.rounds)
    page = text(found, version, options.rounds)
    print(page)
    if options.write:
        DOCUMENT.write_text(page, encoding="utf-8")
    return 0 if all(bound.holds for bound in found.bounds) else 1


if __name__ == "__main__":
    sys.exit(main())
