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
from typing import List, Optional, Sequence

import numpy as np

from benchmarks.classes import scenarios
from benchmarks.classes.measure import LEAST_COVERAGE, LEAST_SHARE, Outcome, run
from benchmarks.occupancy import suite
from benchmarks.occupancy.suite import Complex
from benchmarks.occupancy.tables import markdown
from benchmarks.real_data import real_data

MOST_ERROR = 0.1


def main(argv: Optional[List[str]] = None) -> int:
    """Run the scenarios and print the table; 1 when a bound is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classes", description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, help="atomic models (PDB or mmCIF) instead of the default ones")
    parser.add_argument("--seed", type=int, default=0, help="of the patterns, the conditions and the noise")
    parser.add_argument(
        "--noise",
        type=float,
        nargs="+",
        default=list(scenarios.NOISES),
        help="of the best class, relative to full density (default: %(default)s)",
    )
    parser.add_argument(
        "--identical", type=int, default=scenarios.IDENTICAL_SETS, help="sets of classes that do not differ"
    )
    options = parser.parse_args(argv)
    for path in options.models:
        if not path.exists():
            parser.error(f"{path}: no such file")
    with tempfile.TemporaryDirectory() as folder:
        models = [Complex(path.name, path) for path in options.models]
        models = models or [*suite.known_complexes(real_data() / "models"), suite.bundles(Path(folder))]
        different = [run(item) for item in scenarios.differing(models, options.seed, options.noise)]
        same = [run(item) for item in scenarios.identical(models, options.seed, options.identical)]
    print(table(different))
    print()
    print(summary(different, same))
    broken = bounds_missed(different, same)
    print("\n".join(broken) or "All bounds hold.")
    return 1 if broken else 0


def table(outcomes: Sequence[Outcome]) -> str:
    """A row for each scenario."""
    rows = []
    for item in outcomes:
        best = item.scenario.conditions[0]
        rows.append(
            [
                item.scenario.model.title.split(",")[0],
                str(len(item.scenario.conditions)),
                f"{best.noise:g}",
                f"{best.resolution:g} Å, {item.scenario.kind}",
                f"{sum(match.is_found for match in item.matches)}/{len(item.matches)}",
                f"{min(match.coverage for match in item.matches):.2f}",
                f"{min(match.share for match in item.matches):.2f}",
                f"{_error([item]):.3f}",
                str(item.fragments),
                str(item.false_regions),
            ]
        )
    head = ["model", "classes", "noise", "maps", "found", "coverage", "share on it", "occupancy error"]
    return markdown([*head, "fragments", "false regions"], rows)


def summary(different: Sequence[Outcome], same: Sequence[Outcome]) -> str:
    """One line with what the bounds are about."""
    matches = [match for item in different for match in item.matches]
    false = sum(item.false_regions for item in different)
    return (
        f"Differences above {scenarios.LEAST_MASS:g} kDa found (coverage at least {LEAST_COVERAGE}, share on it at "
        f"least {LEAST_SHARE}): {sum(match.is_found for match in matches)} of {len(matches)}; mean occupancy error "
        f"{_error(different):.3f} (bound {MOST_ERROR}); false regions: {sum(item.regions for item in same)} in "
        f"{len(same)} sets of classes that do not differ (bound 0), {false} beside {len(matches)} differences"
    )


def bounds_missed(different: Sequence[Outcome], same: Sequence[Outcome]) -> List[str]:
    """What must hold and does not, in words."""
    missed = [
        f"{item.scenario.model.title}, noise {item.scenario.conditions[0].noise:g}: "
        f"{'+'.join(match.difference.chains)} ({match.difference.mass:.0f} kDa, "
        f"{', '.join(f'{value:g}' for value in match.difference.pattern)}) is covered {match.coverage:.2f}, "
        f"share {match.share:.2f}"
        for item in different
        for match in item.matches
        if not match.is_found
    ]
    if not _error(different) <= MOST_ERROR:
        missed.append(f"the mean occupancy error is {_error(different):.3f}, expected at most {MOST_ERROR}")
    for item in same:
        if item.regions:
            noises = ", ".join(f"{how.noise:.2f}" for how in item.scenario.conditions)
            missed.append(
                f"{item.scenario.model.title}: {item.regions} regions in classes that do not differ "
                f"(noise {noises}; {item.scenario.kind})"
            )
    return missed


def _error(outcomes: Sequence[Outcome]) -> float:
    """Mean over the differences that have a region."""
    errors = [match.error for item in outcomes for match in item.matches if match.occupancies]
    return float(np.mean(errors)) if errors else float("nan")


if __name__ == "__main__":
    sys.exit(main())
