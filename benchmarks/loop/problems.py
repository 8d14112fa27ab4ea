# SPDX-License-Identifier: GPL-3.0-or-later
"""The particles that are classified: three problems of rising difficulty, and identical particles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Tuple

from benchmarks.occupancy import suite
from benchmarks.runs.particles import Part, ParticleSet

_POSE_ERROR = (2.0, 1.5)  # degrees, Å
_PRESENCE = 0.4  # share of the particles that have the part


@dataclass(frozen=True)
class Problem:
    """Particles to classify into two classes.

    Attributes
    ----------
    name : str
        Name in the tables.
    model : int
        Index of the complex in `suite.known_complexes`.
    chains : tuple of str
        Chains that 40 % of the particles have; none for identical particles.
    number : int
        Number of particles.
    noise : float
        Standard deviation of the noise in the images, relative to that of the noise-free images.
    diameter : int
        Particle diameter that RELION gets, Å.
    """

    name: str
    model: int
    chains: Tuple[str, ...]
    number: int
    noise: float
    diameter: int = 200

    def particles(self, folder: Path, seed: int) -> ParticleSet:
        """Return the particles of a seed; the models are in `folder`."""
        parts = (Part(self.chains, _PRESENCE),) if self.chains else ()
        return ParticleSet(suite.known_complexes(folder)[self.model], parts, self.number, self.noise, _POSE_ERROR, seed)


PROBLEMS = (
    Problem("36 kDa of RNA polymerase II", 0, ("D", "G"), 600, 2.2),
    Problem("23 kDa of RNA polymerase II", 0, ("E",), 700, 1.8),
    Problem("13 kDa of RNA polymerase II", 0, ("I",), 900, 1.4),
)
IDENTICAL = Problem("identical RNA polymerase II", 0, (), 600, 2.2)
