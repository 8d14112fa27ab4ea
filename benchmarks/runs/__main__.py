# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what the comparison of classes finds in classifications that RELION did of simulated particles: `make runs`.

Particles are simulated from atomic models; in some runs all particles are identical, in others parts are missing in
some particles. RELION classifies them. Without the models in the data folder (OCCUPY_SHARED_DATA), only an artificial
complex of helix bundles is simulated. The exit status is 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import List, Optional, Sequence

from benchmarks.occupancy import suite
from benchmarks.occupancy.suite import Complex
from benchmarks.real_data import real_data
from benchmarks.runs import document, scenarios, tables
from benchmarks.runs.classify import Run, classify
from benchmarks.runs.measure import Outcome, measure
from benchmarks.runs.truth import read_truth

SEED = 500  # not used to choose the constants of the method
IDENTICAL, DIFFERING = 20, 24
_MOST_DRAWS = 4  # classifications of identical particles for each one that keeps two classes
PROGRAMS = ("relion_refine", "relion_project")


def main(argv: Optional[List[str]] = None) -> int:
    """Do the runs and print the tables; return 1 when a bound is missed, else 0."""
    options = _parse(argv)
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        sys.exit(
            f"{' and '.join(missing)} not found: the runs need RELION 3.1 or later on the path; on Debian or Ubuntu: "
            "apt-get install relion"
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        models = [*suite.known_complexes(real_data() / "models"), suite.bundles(folder)]
        identical = _do_identical(models, options, folder)
        differing = [_do(run, folder) for run in scenarios.differing(models, options.seed, options.differing)]
    for table in (tables.false_regions(identical), tables.found(differing), tables.accuracy(differing)):
        print(table, end="\n\n")
    print(tables.against_peer(identical, differing), end="\n\n")
    missed = tables.bounds_missed(identical, differing)
    print("\n".join(f"MISSED: {line}" for line in missed) or "All bounds hold.")
    if options.write:
        document.write(identical, differing, options.seed)
    return 1 if missed else 0


def _parse(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runs", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=SEED, help="seed of the particles and of RELION (default: %(default)s)"
    )
    parser.add_argument(
        "--identical",
        type=int,
        default=IDENTICAL,
        help="number of runs on identical particles that keep two classes; half of them have a mask (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--differing", type=int, default=DIFFERING, help="number of runs with known differences (default: %(default)s)"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="keep the runs in this folder and take those that are there; by default a temporary folder",
    )
    parser.add_argument("--write", action="store_true", help="write the section of docs/classes.md and its figure")
    options = parser.parse_args(argv)
    if options.write and (options.identical, options.differing, options.seed) != (IDENTICAL, DIFFERING, SEED):
        parser.error("--write needs the default numbers of runs and the default seed")
    return options


def _do_identical(models: Sequence[Complex], options: argparse.Namespace, folder: Path) -> List[Outcome]:
    """Do runs on identical particles until enough with a mask, and enough without one, have kept two classes."""
    wanted = {True: options.identical // 2, False: options.identical - options.identical // 2}
    outcomes: List[Outcome] = []
    for run in scenarios.identical(models, options.seed, _MOST_DRAWS * options.identical):
        if wanted[run.masked] > 0:
            outcomes.append(_do(run, folder))
            wanted[run.masked] -= tables.is_compared(outcomes[-1])
    if any(wanted.values()):
        few = f"only {options.identical - sum(wanted.values())} of {len(outcomes)} runs on identical particles"
        sys.exit(f"{few} keep two classes, and {options.identical} were asked for; take another seed")
    return outcomes


def _do(run: Run, folder: Path) -> Outcome:
    """Do a run, unless it is in the folder already, and compare its classes."""
    data_star = classify(run, folder / run.name)
    outcome = measure(run, data_star, read_truth(folder / run.name, data_star))
    sure = sum(part.sure is not None for part in outcome.parts)
    found = f"{sure} of {len(outcome.parts)} parts have a sure region"
    print(f"{run.name}: {found}, {outcome.false_sure} false", flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
