# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how well the comparison of classes finds the differences in simulated classifications: `make classes`.

Classes are simulated from atomic models in which chains are present, partly present or absent; noise and resolution
are unequal. Without models, the models in the data folder (OCCUPY_SHARED_DATA) and an artificial complex of helix
bundles are simulated. The exit status is 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from benchmarks.classes import document, scenarios, tables
from benchmarks.classes.measure import run
from benchmarks.occupancy import suite
from benchmarks.occupancy.suite import Complex
from benchmarks.real_data import real_data


def main(argv: Optional[List[str]] = None) -> int:
    """Run the scenarios and print the tables; return 1 when a bound is missed, else 0."""
    options = _parse(argv)
    with tempfile.TemporaryDirectory() as folder:
        models = [Complex(path.name, path) for path in options.models]
        models = models or [*suite.known_complexes(real_data() / "models"), suite.bundles(Path(folder))]
        drawn = _draw_suites(models, options.seed, options.noise)
        suites = {title: [run(item) for item in chosen] for title, chosen in drawn.items()}
        identical_sets = [
            run(item)
            for as_reconstructed in (False, True)
            for item in scenarios.identical(models, options.seed, options.identical, as_reconstructed=as_reconstructed)
        ]
    for title, outcomes in suites.items():
        print(f"Chains {title}", tables.by_classification(outcomes), tables.by_noise(outcomes), sep="\n\n", end="\n\n")
        for line in tables.not_found(tables.above_max_noise(outcomes)):
            print(f"Not found, above the noise to which bounds apply: {line}")
    missed = document.missed_bounds(suites, identical_sets)
    print("\n".join(f"MISSED: {line}" for line in missed) or "All bounds hold.")
    if options.write:
        document.write(suites, identical_sets, options.seed)
    return 1 if missed else 0


def _parse(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classes", description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, help="atomic models (PDB or mmCIF) instead of the default ones")
    parser.add_argument("--seed", type=int, default=0, help="seed of the patterns, the conditions and the noise")
    parser.add_argument(
        "--noise",
        type=float,
        nargs="+",
        default=list(scenarios.NOISES),
        help="noise of the best class, relative to full density; the bounds do not apply above "
        f"{tables.MAX_NOISE:g} (default: %(default)s)",
    )
    parser.add_argument(
        "--identical",
        type=int,
        default=scenarios.IDENTICAL_SETS,
        help="number of sets of classes that do not differ, computed from atoms and again like reconstructions "
        "(default: %(default)s)",
    )
    parser.add_argument("--write", action="store_true", help="write the second section of docs/classes.md")
    options = parser.parse_args(argv)
    for path in options.models:
        if not path.exists():
            parser.error(f"{path}: no such file")
    if options.write and (options.models or options.noise != list(scenarios.NOISES)):
        parser.error("--write needs the default models and noises")
    return options


def _draw_suites(models: Sequence[Complex], seed: int, noises: Sequence[float]) -> Dict[str, List[scenarios.Scenario]]:
    """Draw the classifications with differences, by the title of the suite."""
    bounded = [noise for noise in noises if noise <= tables.MAX_NOISE]
    return {
        "present or absent": scenarios.differing(models, seed, bounded, partial=False),
        "present or absent, unseen": [
            item
            for unseen in scenarios.UNSEEN
            for item in scenarios.differing(models, seed + unseen, bounded, partial=False)
        ],
        "at any occupancy": scenarios.differing(models, seed, noises, partial=True),
        "present or absent, maps like reconstructions": scenarios.differing(
            models, seed, bounded, partial=False, as_reconstructed=True
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
