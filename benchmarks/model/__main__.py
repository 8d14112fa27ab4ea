# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how far the occupancies of a fitted model are from known ones, beside the local scale: `make accuracy`.

The exit status is 1 when the maps that the method has not seen break a bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import List, Optional

from benchmarks import published
from benchmarks.model import document, suite
from benchmarks.occupancy.suite import bundles, known_complexes
from benchmarks.real_data import real_data


def main(argv: Optional[List[str]] = None) -> int:
    """Run the cases and print the tables; return 1 when a bound is broken, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", help="seeds instead of the page's")
    parser.add_argument("--no-published", action="store_true", help="do not run the published program")
    parser.add_argument("--write", action="store_true", help="write the section of docs/model.md and its figure")
    options = parser.parse_args(argv)
    if options.write and (options.seed or options.no_published):
        parser.error("--write needs the page's seeds and the published program")
    if not options.no_published:
        published.install()
    seeds = options.seed or suite.UNSEEN
    with tempfile.TemporaryDirectory() as folder:
        models = [*known_complexes(real_data() / "models"), bundles(Path(folder))]
        cases = suite.cases(
            models, Path(folder), real_data() / "models", seeds, with_published=not options.no_published
        )
        outcomes = list(zip(cases, suite.run(cases)))
    print(f"{document.table(outcomes)}\n")
    broken = document.broken_bounds(outcomes)
    print("\n".join(broken) or "All bounds hold.")
    if options.write:
        document.write(outcomes)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
