# SPDX-License-Identifier: GPL-3.0-or-later
"""Classify particles with known truth in RELION, with class maps weighted in the loop: `make loop`.

Needs RELION and the models of the data folder (OCCUPY_SHARED_DATA). Takes hours; with --folder, classifications that
are there already are not repeated, and several processes can share the work.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import List, Optional

from benchmarks.loop import cost, tables
from benchmarks.loop.measure import Scores
from benchmarks.loop.problems import IDENTICAL, PROBLEMS, Problem
from benchmarks.loop.ways import CONFIDENCE, CONSENSUS, EXTERNAL, MASK, PASSED, PLAIN, TITLES, Classifier, Outcome
from benchmarks.page_sections import write_section
from benchmarks.real_data import real_data

PROGRAMS = (
    *("relion_refine", "relion_project", "relion_external_reconstruct", "relion_mask_create"),
    *("relion_image_handler", "relion_particle_subtract"),
)
SEED, SEEDS = 905, 7  # not used to choose anything
_PAGE = Path(__file__).resolve().parents[2] / "docs" / "loop.md"
_ALIGNMENT = {"without": (False,), "with": (True,), "both": (False, True)}
_OF_IDENTICAL = (PLAIN, MASK, CONFIDENCE, CONSENSUS)


def main(argv: Optional[List[str]] = None) -> int:
    """Run all classifications, print the tables, and write docs/loop.md if asked for; return 1 for a missed bound."""
    options = _parse(argv)
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing or not (real_data() / "models").is_dir():
        sys.exit(f"not found: {', '.join(missing) or 'the models of the data folder'}")
    outcomes: List[Outcome] = []
    with tempfile.TemporaryDirectory() as temporary:
        for seed in range(options.seed, options.seed + options.seeds):
            for aligned in _ALIGNMENT[options.alignment]:
                for number in options.problems:
                    problem = (*PROBLEMS, IDENTICAL)[number]
                    outcomes += _classify(problem, seed, aligned, Path(temporary), options)
    text = report(outcomes)
    print(text)
    missed = tables.bounds_missed([item for item in outcomes if item.problem != IDENTICAL])
    print("\n".join(f"MISSED: {line}" for line in missed) or "All bounds hold.")
    if options.write:
        write_section(_PAGE, "loop", text)
        write_section(_PAGE, "loop cost", cost.table(cost.measure()))
    return 1 if missed else 0


def report(outcomes: List[Outcome]) -> str:
    """Return the section of docs/loop.md: tables without and with alignment, identical particles, plain maps."""
    parts = []
    for aligned, title in ((False, "Without alignment"), (True, "With a search near the known poses")):
        chosen = [item for item in outcomes if item.aligned == aligned and item.problem != IDENTICAL]
        if chosen:
            seeds = len({item.seed for item in chosen})
            parts.append(f"{title}, {seeds} seed{'s' * (seeds > 1)}:\n\n{tables.scores_table(chosen)}")
            parts.append(f"Means, and in brackets the difference from RELION's mask:\n\n{tables.means_table(chosen)}")
    identical = [item for item in outcomes if item.problem == IDENTICAL]
    if identical:
        parts.append(tables.identical_table(identical))
    passed = tables.passed_text(outcomes)
    if passed:
        parts.append(f"Particles in the same class where our program gives plain maps: {passed}.")
    return "\n\n".join(parts)


def _parse(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loop", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help="first seed (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="number of seeds (default: %(default)s)")
    parser.add_argument(
        "--problems",
        type=lambda text: [int(word) for word in text.split(",")],
        default=list(range(len(PROBLEMS) + 1)),
        help=f"numbers of the problems, from 0; {len(PROBLEMS)} is that of identical particles (default: all)",
    )
    parser.add_argument("--alignment", choices=_ALIGNMENT, default="both", help="default: %(default)s")
    parser.add_argument("--folder", type=Path, help="keep the outcomes in this folder and take those that are there")
    parser.add_argument("--kept", action="store_true", help="classify nothing: take what --folder has")
    parser.add_argument("--j", type=int, default=2, help="threads of RELION (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the tables to docs/loop.md")
    return parser.parse_args(argv)


def _classify(
    problem: Problem, seed: int, aligned: bool, temporary: Path, options: argparse.Namespace
) -> List[Outcome]:
    """Classify the particles of one problem and seed in all ways, but for those whose outcome is kept."""
    name = f"{(*PROBLEMS, IDENTICAL).index(problem)}_{'aligned' if aligned else 'fixed'}_{seed}"
    ways = _OF_IDENTICAL if problem == IDENTICAL else [*TITLES]
    if problem == PROBLEMS[0] and not aligned:
        ways = [*TITLES, EXTERNAL, PASSED]
    kept = {way: options.folder / f"{name}_{way}.json" if options.folder else None for way in ways}
    if problem == IDENTICAL and aligned:
        return []
    classifier: Optional[Classifier] = None
    found = []
    for way, path in kept.items():
        if path is not None and path.exists():
            found.append(_read(path, problem))
        if options.kept or path is not None and path.exists():
            continue
        if classifier is None:
            folder = temporary / name
            classifier = Classifier(problem, seed, real_data() / "models", folder, aligned=aligned, threads=options.j)
            if way != PLAIN:
                classifier.run(PLAIN)  # the chain begins with it
        outcome = classifier.run(way)
        if problem == IDENTICAL:
            outcome = replace(outcome, regions=classifier.regions(way))
        print(name, way, outcome.scores, f"{outcome.seconds:.0f} s", flush=True)
        found.append(outcome)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    if classifier is not None:
        shutil.rmtree(temporary / name)
    return found


def _read(path: Path, problem: Problem) -> Outcome:
    values = json.loads(path.read_text(encoding="utf-8"))
    scores = values["scores"] and Scores(**values["scores"])
    return Outcome(**{**values, "problem": problem, "scores": scores, "classes": tuple(values["classes"])})


if __name__ == "__main__":
    sys.exit(main())
