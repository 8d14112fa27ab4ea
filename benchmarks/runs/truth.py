# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true of a classification of simulated particles: where the parts are, and which particles have them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Tuple

import numpy as np

from relion_files.star import read_star

# Particles: the truth of a class of fewer is not judged, because a job does not compare such a class.
MIN_PARTICLES = 50
# Difference between the true fractions of two classes: a part that differs by less counts as not separated by RELION.
MIN_SEPARATED = 0.3


@dataclass(frozen=True)
class Truth:
    """Truth of a classification.

    Attributes
    ----------
    parts : bool array (part, z, y, x)
        Voxels of each part, on the grid of the class maps.
    molecule : bool array (z, y, x)
        Voxels of the whole molecule.
    masses : tuple of float
        Mass of each part, kDa.
    has : bool array (particle, part)
        Which particle has which part.
    class_of : int array (particle,)
        RELION's number of the class that each particle belongs to, from 1.
    """

    parts: np.ndarray = field(repr=False)
    molecule: np.ndarray = field(repr=False)
    masses: Tuple[float, ...]
    has: np.ndarray = field(repr=False)
    class_of: np.ndarray = field(repr=False)

    def large_classes(self) -> Tuple[int, ...]:
        """Return the numbers of the classes of `MIN_PARTICLES` or more."""
        numbers, counts = np.unique(self.class_of, return_counts=True)
        return tuple(int(number) for number, count in zip(numbers, counts) if count >= MIN_PARTICLES)

    def fraction(self, part: int, number: int) -> float:
        """Return the fraction of a class's particles (0..1) that have a part."""
        return float(self.has[self.class_of == number, part].mean())

    def spread(self, part: int) -> float:
        """Return the largest difference of a part's fraction between two large classes; 0 with fewer than two."""
        fractions = [self.fraction(part, number) for number in self.large_classes()]
        return max(fractions) - min(fractions) if fractions else 0.0


def class_map_path(data_star: Path, number: int) -> str:
    """Return the path of the map of a class of the iteration that wrote a data STAR file."""
    return str(data_star).replace("_data.star", f"_class{number:03d}.mrc")


def read_truth(folder: Path, data_star: Path) -> Truth:
    """Read the truth of a run.

    Parameters
    ----------
    folder : Path
        Folder with truth.npz, as `particles.write_particles` writes it.
    data_star : Path
        Data STAR file of the last iteration. RELION keeps the order of the particles only within their names.
    """
    particles = read_star(str(data_star), ("rlnImageName", "rlnClassNumber"))["particles"].columns
    order = np.array([int(name.split("@")[0]) - 1 for name in particles["rlnImageName"]])
    class_of = np.zeros(len(order), dtype=int)
    class_of[order] = [int(number) for number in particles["rlnClassNumber"]]
    with np.load(folder / "truth.npz") as stored:
        side = stored["molecule"].shape
        parts = stored["parts"].reshape(-1, *side).astype(bool)
        masses = tuple(float(mass) for mass in stored["masses"])
        has = stored["has"].reshape(len(class_of), len(parts))
        return Truth(parts, stored["molecule"], masses, has, class_of)
