# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain: Class3D of few iterations, regions, subtraction of everything outside, Class3D within the region.

And, on the same particles, what users do without it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Optional

import mrcfile
import numpy as np

from benchmarks.runs.classify import refine
from benchmarks.runs.particles import ParticleSet, write_particles
from relion_files.star import read_star

FIRST, LONG, FOCUSED = 8, 20, 12  # iterations: before the regions, without them, within a region
_DIAMETER = 200  # Å
_MASK = "Occupy/region001_mask.mrc"


@dataclass(frozen=True)
class Outcome:
    """Results of the ways of classifying.

    Attributes
    ----------
    particles : ParticleSet
        With one part.
    mass : float
        Mass of the part, kDa.
    accuracies : dict of str to float
        For each way of classifying, the share of the particles (0..1) that are in a class in which most particles have
        the part as they have.
    regions : int
        Number of sure regions after the first iterations.
    inside : float, optional
        Share of the first region (0..1) that lies in the part; None without a region.
    """

    particles: ParticleSet
    mass: float
    accuracies: Dict[str, float]
    regions: int
    inside: Optional[float]


def run_chain(particles: ParticleSet, folder: Path) -> Outcome:
    """Simulate particles and classify them in all ways; `folder` is an empty folder."""
    folder.mkdir(parents=True)
    has = write_particles(particles, folder)[:, 0]
    always = ["--random_seed", str(particles.seed), "--particle_diameter", str(_DIAMETER), "--skip_align"]
    start = [*always, "--firstiter_cc"]
    found = {}

    def classify(name: str, images: str, reference: str, iterations: int, *words: str) -> str:
        data_star = refine(folder, name, images, reference, iterations, 2, words)
        found[name] = accuracy(folder / data_star, has)
        return data_star

    classify("plain", "particles.star", "reference.mrc", LONG, *start)
    classify("masked", "particles.star", "reference.mrc", LONG, *start, "--solvent_mask", "mask.mrc")
    first = classify("first", "particles.star", "reference.mrc", FIRST, *start)
    command = [sys.executable, "-m", "relion_external", "--o", "Occupy/", "--in_parts", first, "--figures", "no"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    comparison = json.loads((folder / "Occupy/report.json").read_text(encoding="utf-8"))["comparison"]
    regions = sum(region["sure"] for region in comparison["regions"])
    inside = None
    with np.load(folder / "truth.npz") as truth:
        part, mass = truth["parts"][0], float(truth["masses"][0])
    if regions:
        region = mrcfile.read(folder / _MASK) > 0.5
        inside = float((region & part).sum() / region.sum())
        within = [*always, "--solvent_mask", _MASK]
        reference = f"first/run_it{FIRST:03d}_class001.mrc"
        optimiser = first.replace("_data", "_optimiser")
        command = f"relion_particle_subtract --i {optimiser} --mask {_MASK} --o Subtract/".split()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        classify("chain", "Subtract/particles_subtracted.star", reference, FOCUSED, *within)
        classify("without", first, reference, FOCUSED, *within)
    return Outcome(particles, mass, found, regions, inside)


def accuracy(data_star: Path, has: np.ndarray) -> float:
    """Return the share of the particles, 0..1, that are as most particles of their class are.

    Parameters
    ----------
    data_star : Path
        With the class of each particle.
    has : bool array (particle)
        Which particle has the part, by the number of its original image.
    """
    table = read_star(str(data_star))["particles"].columns
    names = table["rlnImageOriginalName" if "rlnImageOriginalName" in table else "rlnImageName"]
    truth = has[[int(name.split("@")[0]) - 1 for name in names]]
    classes = np.array(table["rlnClassNumber"])
    of_classes = [truth[classes == number] for number in sorted(set(classes))]
    return sum(max(int(item.sum()), int((~item).sum())) for item in of_classes) / len(truth)
