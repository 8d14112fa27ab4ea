# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how well the confidence of unmasked class maps tells the molecule from solvent: part of `make runs`.

RELION classifies simulated particles without a mask. In each class of 50 particles or more, the confidence of a job and
that of the solvent model alone are compared with where the molecule is. The exit status is 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Sequence

import numpy as np
from scipy.ndimage import distance_transform_edt

from benchmarks.occupancy import suite
from benchmarks.occupancy.tables import markdown
from benchmarks.page_sections import write_section
from benchmarks.real_data import REPOSITORY, real_data
from benchmarks.runs import scenarios
from benchmarks.runs.classify import Run, classify
from benchmarks.runs.particles import VOXEL_SIZE
from benchmarks.runs.truth import Truth, class_map_path, read_truth
from occupy_core.arrays.types import Mask
from occupy_core.estimate.prepare import prepare_map
from occupy_core.map_estimate import estimate_scale
from occupy_core.maps.reading import read_map
from occupy_core.settings.settings import Settings
from occupy_core.solvent.model import CONFIDENT, fit_solvent

SEED = 730  # not used to choose the constants of the method
NUMBER = 12
NEAR, FAR = 10.0, 25.0  # Å from the molecule: the low-pass blurs its surface by less than NEAR
# Bounds for all classes: shares of the confident voxels beyond NEAR and beyond FAR, in the worst class; share of the
# molecule, mean.
MAX_NEAR, MAX_FAR, MIN_MOLECULE = 0.15, 0.05, 0.9
_PAGE, _SECTION = REPOSITORY / "docs" / "classes.md", "confidence"


@dataclass(frozen=True)
class Shares:
    """Where the confident voxels of a map lie. All values 0..1.

    Attributes
    ----------
    near, far : float
        Shares of the confident voxels that lie more than 10 Å and more than 25 Å from the molecule.
    molecule : float
        Share of the molecule's voxels that are confident; parts that are missing in some particles do not count.
    """

    near: float
    far: float
    molecule: float


@dataclass(frozen=True)
class ClassConfidence:
    """The confidence of one class.

    Attributes
    ----------
    run : Run
    number : int
        RELION's number of the class.
    alone, job : Shares
        By the solvent model alone, and by a job.
    is_suited : bool
        Whether the job made the confidence for the noise near the molecule.
    has_warning : bool
        Whether the job warned that confident voxels lie away from the molecule.
    """

    run: Run
    number: int
    alone: Shares
    job: Shares
    is_suited: bool
    has_warning: bool


def main(argv: Optional[List[str]] = None) -> int:
    """Do the runs and print the tables; return 1 when a bound is missed, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runs.confidence", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the particles and of RELION")
    parser.add_argument("--number", type=int, default=NUMBER, help="number of runs (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="keep the runs in this folder and take those that are there")
    parser.add_argument("--write", action="store_true", help="write the section of docs/classes.md")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        models = [*suite.known_complexes(real_data() / "models"), suite.bundles(folder)]
        classes: List[ClassConfidence] = []
        for run in scenarios.unmasked(models, options.seed, options.number):
            data_star = classify(run, folder / run.name)
            classes += measure(run, data_star, read_truth(folder / run.name, data_star))
    print(summary(classes), per_class(classes), sep="\n\n")
    missed = bounds_missed(classes)
    print("\n".join(f"MISSED: {line}" for line in missed) or "All bounds hold.")
    if options.write:
        write_section(_PAGE, _SECTION, text(classes, options.number, options.seed))
    return 1 if missed else 0


def measure(run: Run, data_star: Path, truth: Truth) -> List[ClassConfidence]:
    """Measure the confidence of each class of 50 particles or more.

    Parameters
    ----------
    run : Run
    data_star : Path
        Data STAR file of the last iteration.
    truth : Truth
    """
    paths = {number: class_map_path(data_star, number) for number in truth.large_classes()}
    return [_measure(run, number, path, truth) for number, path in paths.items()]


def _measure(run: Run, number: int, path: str, truth: Truth) -> ClassConfidence:
    prepared = prepare_map(read_map(path), Settings())
    model = fit_solvent(prepared.lowpassed, prepared.solvent)
    alone = model.confidence_map(prepared.lowpassed) > CONFIDENT
    estimate = estimate_scale(read_map(path), Settings())
    return ClassConfidence(
        run,
        number,
        shares(alone, truth),
        shares(estimate.confidence > CONFIDENT, truth),
        estimate.solvent.near_sigma is not None,
        any("away from the molecule" in warning for warning in estimate.warnings),
    )


def shares(confident: Mask, truth: Truth) -> Shares:
    """Return where confident voxels (bool array, 3D, on the grid of the class maps) lie."""
    distances = distance_transform_edt(~truth.molecule)[confident] * VOXEL_SIZE
    always_there = truth.molecule & ~truth.parts.any(axis=0)
    return Shares(
        float(np.mean(distances > NEAR)) if distances.size else 0.0,
        float(np.mean(distances > FAR)) if distances.size else 0.0,
        float(confident[always_there].mean()),
    )


def summary(classes: Sequence[ClassConfidence]) -> str:
    """Return a table of the shares by particle diameter, mean and worst class: solvent model alone, and jobs."""
    groups = {
        f"{diameter:g} of the box": [item for item in classes if item.run.diameter == diameter]
        for diameter in sorted({item.run.diameter for item in classes})
    }
    groups["any, made for the noise near the molecule"] = [item for item in classes if item.is_suited]
    rows = []
    for title, group in groups.items():
        if not group:
            continue
        rows.append(
            [
                title,
                str(len(group)),
                str(sum(item.is_suited for item in group)),
                *_before_and_after(group, lambda item: item.near, max),
                *_before_and_after(group, lambda item: item.far, max),
                *_before_and_after(group, lambda item: item.molecule, min),
            ]
        )
    head = ["particle diameter", "classes", "made for the noise near the molecule"]
    for what in (f"confident voxels beyond {NEAR:g} Å", f"beyond {FAR:g} Å", "molecule that is confident"):
        head += [f"{what}, solvent model alone", "jobs"]
    return markdown(head, rows)


def _before_and_after(
    classes: Sequence[ClassConfidence],
    value: Callable[[Shares], float],
    worst: Callable[[Sequence[float]], float],
) -> List[str]:
    columns = [[value(item.alone) for item in classes], [value(item.job) for item in classes]]
    return [f"{np.mean(column):.3f} ({worst(column):.3f})" for column in columns]


def per_class(classes: Sequence[ClassConfidence]) -> str:
    """Return a table with a row for each class."""
    rows = [
        [
            item.run.particles.model.title.split(",")[0],
            f"{item.run.diameter:g}",
            f"{item.run.particles.noise:g}",
            str(item.number),
            *(
                f"{getattr(item.alone, name):.3f} → {getattr(item.job, name):.3f}"
                for name in ("near", "far", "molecule")
            ),
            "yes" if item.has_warning else "no",
        ]
        for item in classes
    ]
    head = ["model", "diameter", "noise", "class", f"beyond {NEAR:g} Å", f"beyond {FAR:g} Å", "molecule", "warning"]
    return markdown(head, rows)


def bounds_missed(classes: Sequence[ClassConfidence]) -> List[str]:
    """Return a sentence for each bound that the classes miss."""
    missed = []
    for name, limit, distance in (("near", MAX_NEAR, NEAR), ("far", MAX_FAR, FAR)):
        worst = max((getattr(item.job, name) for item in classes), default=0.0)
        if worst > limit:
            missed.append(f"{worst:.3f} of a class's confident voxels lie beyond {distance:g} Å, expected {limit:g}")
    molecule = float(np.mean([item.job.molecule for item in classes])) if classes else 1.0
    if molecule < MIN_MOLECULE:
        missed.append(f"{molecule:.3f} of the molecule is confident, expected {MIN_MOLECULE:g}")
    return missed


def text(classes: Sequence[ClassConfidence], number: int, seed: int) -> str:
    """Return the section of the page in Markdown; `number` of runs with this `seed`."""
    missed = bounds_missed(classes)
    return _TEXT.format(
        number=number,
        near=f"{NEAR:g}",
        far=f"{FAR:g}",
        seed=seed,
        summary=summary(classes),
        verdict=f"**Bounds missed: {'; '.join(missed)}.**" if missed else "All bounds hold.",
        max_near=MAX_NEAR,
        max_far=MAX_FAR,
        min_molecule=MIN_MOLECULE,
        rows=per_class(classes),
    )


_TEXT = """## Confidence of unmasked class maps

In unmasked class maps most noise lies near the molecule if RELION's particle diameter is little larger than the
molecule. The solvent model alone then takes this noise for molecule. Jobs make the confidence for the noise near the
molecule where this is more than twice as strong as the solvent model ([limits](limits.md#the-confidence)).

{number} classifications of simulated particles without a mask (seed {seed}, which was not used to choose the method);
in half of them a part is missing in some particles. Voxels with a confidence above 0.5 are confident.
*Beyond {near} Å*: the share of the confident voxels that lie more than {near} Å from the molecule. *Molecule*: the
share of the molecule's voxels that are confident, without the part that is missing in some particles. Means over the
classes of 50 particles and more, with the worst class in brackets:

{summary}

{verdict} The bounds: at most {max_near:.0%} of the confident voxels of any class beyond {near} Å and {max_far:.0%}
beyond {far} Å; at least {min_molecule:.0%} of the molecule, on average, is confident. Where the noise near the
molecule is stronger than the solvent model, but not twice as strong, jobs leave the confidence as it is.

Each class, by the solvent model alone → by a job:

{rows}

`make runs` measures this again; `python -m benchmarks.runs.confidence` measures this alone.
"""


if __name__ == "__main__":
    sys.exit(main())
