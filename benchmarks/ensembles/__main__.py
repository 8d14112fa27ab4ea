# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what the comparison of many volumes finds in simulated ensembles: `make ensembles`.

The ensembles are simulated from atomic models in which chains come and go, move, both, or neither. Without the models
in the data folder (OCCUPY_SHARED_DATA), an artificial complex of helix bundles is simulated. The exit status is 1 when
a bound is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import List, Optional

from benchmarks.ensembles import cost, document, tables
from benchmarks.ensembles.measure import Outcome
from benchmarks.ensembles.simulate import COUNTS, KINDS, NOISES
from benchmarks.ensembles.suite import UNSEEN, run_all, suite
from benchmarks.occupancy.suite import bundles, known_complexes
from benchmarks.real_data import real_data


def main(argv: Optional[List[str]] = None) -> int:
    """Run the ensembles and print the tables; return 1 when a bound is missed, else 0."""
    options = _parse(argv)
    outcomes: List[Outcome] = []
    # First: the peak memory of a process includes that of the one that starts it, which the models fill.
    measured = [(size, cost.measure(size)) for size in cost.SIZES] if options.cost else []
    with tempfile.TemporaryDirectory() as folder:
        models = [*known_complexes(real_data() / "models"), bundles(Path(folder))]
        drawn = [
            item
            for seed in options.seeds
            for item in suite(models, seed, kinds=options.kinds, counts=options.counts, noises=options.noises)
        ]
        for outcome in run_all(drawn):
            outcomes.append(outcome)
            print(tables.by_ensemble([outcome]).splitlines()[-1], flush=True)
    print("", tables.by_kind(outcomes), tables.by_noise(outcomes), tables.by_count(outcomes), sep="\n\n")
    print("", tables.costs(measured), "", sep="\n")
    missed = tables.bounds_missed(outcomes, measured)
    print("\n".join(f"MISSED: {line}" for line in missed) or "All bounds hold.")
    if options.write:
        document.write(outcomes, measured, options.seeds)
    return 1 if missed else 0


def _parse(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ensembles", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(UNSEEN), help="seeds (default: %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--counts", type=int, nargs="+", default=list(COUNTS), help="volumes (default: %(default)s)")
    parser.add_argument("--noises", type=float, nargs="+", default=list(NOISES), help="noise (default: %(default)s)")
    parser.add_argument("--no-cost", dest="cost", action="store_false", help="do not measure time and memory")
    parser.add_argument("--write", action="store_true", help="write the section of docs/ensembles.md")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
