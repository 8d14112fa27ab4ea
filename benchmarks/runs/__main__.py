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
from benchmarks.real_data import real_data
from benchmarks.runs import document, scenarios, tables
from benchmarks.runs.classify import Run, classify
from benchmarks.runs.measure import Outcome, measure
from benchmarks.runs.truth import read_truth

SEED = 100  # not used to choose the constants of the method
IDENTICAL, DIFFERING = 20, 24
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
        identical = _do(scenarios.identical(models, options.seed, options.identical), folder)
        differing = _do(scenarios.differing(models, options.seed, options.differing), folder)
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
        "--identical", type=int, default=IDENTICAL, help="number of runs on identical particles (default: %(default)s)"
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
    if options.write and (options.identical, options.differing) != (IDENTICAL, DIFFERING):
        parser.error("--write needs the default numbers of runs")
    return options


def _do(runs: Sequence[Run], folder: Path) -> List[Outcome]:
    """Do the runs that are not in the folder yet, and compare the classes of all."""
    outcomes = []
    for run in runs:
        data_star = classify(run, folder / run.name)
        outcomes.append(measure(run, data_star, read_truth(folder / run.name, data_star)))
        last = outcomes[-1]
        sure = sum(part.sure is not None for part in last.parts)
        print(f"{run.name}: {sure} of {len(last.parts)} parts have a sure region, {last.false_sure} false", flush=True)
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
