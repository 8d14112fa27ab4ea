# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the comparison of classes finds what differs in simulated classifications: `make classes`.

Classes are simulated from atomic models, with chains present, partly present or absent, unequal noise and resolution.
Without models the default ones are taken: those in the folder that OCCUPY_SHARED_DATA names, and a complex of helix
bundles that is made up. Exit status 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import List, Optional

from benchmarks.classes import document, scenarios, tables
from benchmarks.classes.measure import run
from benchmarks.occupancy import suite
from benchmarks.occupancy.suite import Complex
from benchmarks.real_data import real_data


def main(argv: Optional[List[str]] = None) -> int:
    """Run the scenarios and print the tables; 1 when a bound is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classes", description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, help="atomic models (PDB or mmCIF) instead of the default ones")
    parser.add_argument("--seed", type=int, default=0, help="of the patterns, the conditions and the noise")
    parser.add_argument(
        "--noise",
        type=float,
        nargs="+",
        default=list(scenarios.NOISES),
        help=f"of the best class, relative to full density (default: %(default)s; above {tables.MOST_NOISE:g} no bound "
        "counts)",
    )
    parser.add_argument(
        "--identical", type=int, default=scenarios.IDENTICAL_SETS, help="sets of classes that do not differ"
    )
    parser.add_argument("--write", action="store_true", help="write docs/classes.md")
    options = parser.parse_args(argv)
    for path in options.models:
        if not path.exists():
            parser.error(f"{path}: no such file")
    if options.write and (options.models or options.noise != list(scenarios.NOISES)):
        parser.error("--write is for the default models and noises")
    with tempfile.TemporaryDirectory() as folder:
        models = [Complex(path.name, path) for path in options.models]
        models = models or [*suite.known_complexes(real_data() / "models"), suite.bundles(Path(folder))]
        counting = [noise for noise in options.noise if noise <= tables.MOST_NOISE]
        drawn = {
            "present or absent": scenarios.differing(models, options.seed, counting, partial=False),
            "present or absent, unseen": [
                item
                for unseen in scenarios.UNSEEN
                for item in scenarios.differing(models, options.seed + unseen, counting, partial=False)
            ],
            "at any occupancy": scenarios.differing(models, options.seed, options.noise, partial=True),
        }
        suites = {title: [run(item) for item in chosen] for title, chosen in drawn.items()}
        same = [run(item) for item in scenarios.identical(models, options.seed, options.identical)]
    for title, outcomes in suites.items():
        print(f"Chains {title}", tables.by_classification(outcomes), tables.by_noise(outcomes), sep="\n\n", end="\n\n")
        for line in tables.not_found(tables.beyond(outcomes)):
            print(f"Not found, beyond the bounds: {line}")
    missed = document.missed(suites, same)
    print("\n".join(f"MISSED: {line}" for line in missed) or "All bounds hold.")
    if options.write:
        document.write(suites, same, options.seed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
