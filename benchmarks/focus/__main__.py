# SPDX-License-Identifier: GPL-3.0-or-later
"""Classify particles with known truth in RELION, with and without our regions: `make focus`.

Needs RELION and the models of the data folder (OCCUPY_SHARED_DATA).
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from benchmarks.focus.chain import FIRST, FOCUSED, LONG, Outcome, run_chain
from benchmarks.occupancy import suite
from benchmarks.page_sections import write_section
from benchmarks.real_data import real_data
from benchmarks.runs.particles import Part, ParticleSet

PROGRAMS = ("relion_refine", "relion_project", "relion_particle_subtract")
SEED, REPEATS = 700, 3  # not used to choose anything
_PAGE = Path(__file__).resolve().parents[2] / "docs" / "classification.md"
_POSE_ERROR = (2.0, 1.5)  # degrees, Å
# Chains of RNA polymerase II that half of the particles lack; number of particles; noise in the images, relative to the
# noise-free images.
CASES: Tuple[Tuple[Tuple[str, ...], int, float], ...] = (
    (("D", "G"), 1500, 3.5),
    (("E",), 1500, 2.5),
    (("I",), 3000, 2.0),
)
_WAYS = (
    ("plain", f"Class3D, {LONG} iterations"),
    ("masked", f"the same with a solvent mask made of the truth, {LONG} iterations"),
    ("first", f"Class3D, {FIRST} iterations: what the regions are found in"),
    ("chain", f"then everything outside of region 1 subtracted, Class3D within its mask, {FOCUSED} iterations"),
    ("without", f"the same without the subtraction, {FOCUSED} iterations"),
)


def main(argv: Optional[List[str]] = None) -> int:
    """Run all cases, print the table, and write it to docs/classification.md if asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.focus", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--write", action="store_true", help="write the table to docs/classification.md")
    options = parser.parse_args(argv)
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    models = suite.known_complexes(real_data() / "models")
    if missing or not models:
        sys.exit(f"not found: {', '.join(missing) or 'the models of the data folder'}")
    outcomes: Dict[int, List[Outcome]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(options.repeats):
            for case, (chains, number, noise) in enumerate(CASES):
                seed = options.seed + 10 * case + repeat
                particles = ParticleSet(models[0], (Part(chains, 0.5),), number, noise, _POSE_ERROR, seed)
                outcomes.setdefault(case, []).append(run_chain(particles, Path(folder, f"{case}_{repeat}")))
                shutil.rmtree(Path(folder, f"{case}_{repeat}"))
                print(outcomes[case][-1], flush=True)
    text = table(list(outcomes.values()))
    print(text)
    if options.write:
        write_section(_PAGE, "focused chain", text)
    return 0


def table(cases: List[List[Outcome]]) -> str:
    """Return the table: a row for each way of classifying, a column for each case with the values of all repeats."""
    heads = []
    for case in cases:
        particles = case[0].particles
        chains = "+".join(particles.parts[0].chains)
        heads.append(f"{case[0].mass:.0f} kDa ({chains}), {particles.number} particles, noise {particles.noise:g}")
    lines = [f"| | {' | '.join(heads)} |", f"| --- |{' --- |' * len(heads)}"]
    for way, title in _WAYS:
        lines.append(f"| {title} | {' | '.join(_values(case, way) for case in cases)} |")
    lines.append(f"| sure regions | {' | '.join(', '.join(str(item.regions) for item in case) for case in cases)} |")
    inside = [", ".join("-" if item.inside is None else f"{item.inside:.2f}" for item in case) for case in cases]
    lines.append(f"| share of region 1 that lies in the part | {' | '.join(inside)} |")
    return "\n".join(lines)


def _values(case: List[Outcome], way: str) -> str:
    """Return the accuracies of one way in all repeats, and their median; a dash where no region was found."""
    values = [item.accuracies.get(way) for item in case]
    known = [value for value in values if value is not None]
    shown = ", ".join("-" if value is None else f"{value:.2f}" for value in values)
    return f"{shown} (median {statistics.median(known):.2f})" if len(known) == len(values) else shown


if __name__ == "__main__":
    sys.exit(main())
