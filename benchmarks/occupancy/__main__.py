# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how far the local scale is from known occupancies, with the published program for comparison.

`make accuracy` runs it. Maps are simulated from atomic models in which each chain has an occupancy. Without models, the
default suite is simulated: the models in the data folder (OCCUPY_SHARED_DATA) and an artificial complex of helix
bundles. The exit status is 1 when the default suite breaks a bound; the bounds do not apply to other models.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, TypeVar

from benchmarks import published
from benchmarks.occupancy import document, interval_suite, suite, tables
from benchmarks.occupancy.measure import absolute_error, rank_correlation, relative_error
from benchmarks.occupancy.suite import CALIBRATED, PROTOTYPE, PUBLISHED, Complex, Outcome
from benchmarks.real_data import real_data

# Bounds of the default suite: largest absolute and relative error, smallest rank correlation, and largest ratio of the
# error to the published program's (at each noise, for both modes of that program and both errors).
MAX_ABSOLUTE, MAX_RELATIVE, MIN_RANK, MAX_RATIO_TO_PUBLISHED = 0.06, 0.05, 0.93, 0.5
COVERAGE = (0.80, 0.97)  # smallest and largest coverage of the 90 % interval
_Key = TypeVar("_Key")


def main(argv: Optional[List[str]] = None) -> int:
    """Run the suite and print its tables; return 1 when a bound is broken, else 0."""
    options = _parse(argv)
    version = None if options.no_published else published.install()
    with tempfile.TemporaryDirectory() as folder:
        models = [Complex(path.name, path) for path in options.models]
        models = models or [*suite.known_complexes(real_data() / "models"), suite.bundles(Path(folder))]
        cases = suite.default_suite(models, options.seed, with_published=version is not None)
        print(f"{len(cases)} maps, models: {'; '.join(model.title for model in models)}", flush=True)
        outcomes = suite.run(cases)
        harder = _run_groups(suite.harder_cases(models, options.seed))
        flexible = _run_groups(suite.flexible_cases(models, options.seed))
        nucleic = _run_groups(suite.nucleic_cases(models, options.seed))
        intervals = _run_intervals(models, Path(folder), is_default=not options.models)
    report = document.Report(outcomes, harder, flexible, nucleic, intervals, version)
    print("Errors: of the scale / of the scale divided by the median scale of a fully occupied chain\n")
    print(report.tables())
    if options.models:
        return 0
    broken = broken_bounds(outcomes)
    print("\n".join(broken) or "All bounds hold.")
    if version is None:
        print("The bound relative to the published program was not checked, because that program did not run.")
    if options.write:
        report.write()
    return 1 if broken else 0


def broken_bounds(outcomes: Sequence[Outcome]) -> List[str]:
    """Return a sentence for each bound that the default suite breaks."""
    absolute = tables.mean_measure(outcomes, CALIBRATED, absolute_error)
    relative = tables.mean_measure(outcomes, CALIBRATED, relative_error)
    rank = tables.mean_measure(outcomes, CALIBRATED, rank_correlation)
    covered = tables.coverage(outcomes)
    broken = []
    if absolute > MAX_ABSOLUTE:
        broken.append(f"the error is {absolute:.3f}, expected at most {MAX_ABSOLUTE}")
    if relative > MAX_RELATIVE:
        broken.append(f"the error after division is {relative:.3f}, expected at most {MAX_RELATIVE}")
    if rank < MIN_RANK:
        broken.append(f"the rank correlation is {rank:.3f}, expected at least {MIN_RANK}")
    if not COVERAGE[0] <= covered <= COVERAGE[1]:
        broken.append(f"the interval holds in {covered:.0%}, expected {COVERAGE[0]:.0%} to {COVERAGE[1]:.0%}")
    prototype = tables.mean_measure(outcomes, PROTOTYPE, absolute_error)
    if absolute > prototype:
        broken.append(f"the error is {absolute:.3f}, expected at most the prototype's {prototype:.3f}")
    return broken + (_broken_published_bounds(outcomes) if PUBLISHED["occupancy"] in outcomes[0].chains else [])


def _parse(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.occupancy", description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, help="atomic models (PDB or mmCIF) instead of the default ones")
    parser.add_argument("--seed", type=int, default=0, help="seed of the occupancies and the noise")
    parser.add_argument("--no-published", action="store_true", help="do not run the published program")
    parser.add_argument("--write", action="store_true", help="write docs/accuracy.md and its figures")
    options = parser.parse_args(argv)
    for path in options.models:
        if not path.exists():
            parser.error(f"{path}: no such file")
    if options.write and (options.models or options.no_published):
        parser.error("--write needs the default models and the published program")
    return options


def _broken_published_bounds(outcomes: Sequence[Outcome]) -> List[str]:
    broken = []
    errors = {"error": absolute_error, "error after division": relative_error}
    for noise, mode, (name, measure) in itertools.product(suite.NOISES, PUBLISHED, errors.items()):
        group = [item for item in outcomes if item.case.conditions.noise == noise]
        ratio = tables.error_ratio(group, mode, measure)
        if ratio > MAX_RATIO_TO_PUBLISHED:
            broken.append(
                f"at noise {noise:g} the {name} is {ratio:.2f} of that of the published program in {mode} mode, "
                f"expected at most {MAX_RATIO_TO_PUBLISHED}"
            )
    return broken


def _run_intervals(
    models: Sequence[Complex], folder: Path, *, is_default: bool
) -> Tuple[Dict[str, List[Outcome]], Dict[str, List[Outcome]]]:
    """Run the cases of intervals on the maps on which constants were chosen and on others; return both outcomes."""
    results = []
    for seeds in (interval_suite.LOOKED_AT, interval_suite.UNSEEN):
        packed = interval_suite.artificial_complexes(folder, real_data() / "models", seeds[0]) if is_default else []
        results.append(_run_groups(interval_suite.interval_cases([*models, *packed], seeds)))
    return results[0], results[1]


def _run_groups(groups: Dict[_Key, List[suite.Case]]) -> Dict[_Key, List[Outcome]]:
    """Run the cases of all groups at once, and return their outcomes by group."""
    cases = [case for group in groups.values() for case in group]
    outcomes = iter(suite.run(cases))
    return {title: [next(outcomes) for _ in group] for title, group in groups.items()}


if __name__ == "__main__":
    sys.exit(main())
