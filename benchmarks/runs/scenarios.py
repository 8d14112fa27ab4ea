# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw classifications for RELION: of identical particles, and of particles in which parts are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Sequence, Set, Tuple

import numpy as np

from benchmarks.classes.scenarios import layout, neighbours
from benchmarks.occupancy.suite import Complex
from benchmarks.runs.classify import WIDE_DIAMETER, Run
from benchmarks.runs.particles import Part, ParticleSet

NOISES = (2.0, 3.5, 5.0)  # standard deviation of the noise in an image, relative to that of the noise-free image
MIN_MASS = 20.0  # kDa; smaller parts are not made to differ
_PARTICLES = (900, 1500)
_POSE_ERROR = (2.0, 1.0)  # degrees, Å
_MAX_PART = 0.35  # largest share of the molecule's mass in one part
_MAX_DIFFERING = 0.5  # largest share of the mass in all parts
# Ways of classifying: with a mask, with errors of the poses, with a search for the poses. Half of them have a mask, and
# half have errors of the poses; half of these search for the poses.
_WAYS = (
    *((True, False, False), (False, False, False), (True, True, False), (False, True, True)),
    *((True, False, False), (False, False, False), (True, True, True), (False, True, False)),
)
_CLASSES = (2, 3, 4, 5)
# Particle diameters, as shares of the side of the box: two little larger than the molecule, as users give them.
_DIAMETERS = (0.7, 0.75, WIDE_DIAMETER)


def identical(models: Sequence[Complex], seed: int, number: int) -> List[Run]:
    """Draw classifications of identical particles: all chains are in all particles.

    Parameters
    ----------
    models : sequence of Complex
        The complexes to simulate, one after the other.
    seed : int
        Seed of the particles and of RELION.
    number : int
        Number of classifications; masks, errors of the poses, noises and numbers of classes are balanced over 24.
    """
    return [_run(models, seed, index, "identical", parts=0) for index in range(number)]


def differing(models: Sequence[Complex], seed: int, number: int) -> List[Run]:
    """Draw classifications of particles from which one or two parts are missing, independently of one another.

    Parameters as in `identical`.
    """
    parts = [1 + (index + index // 4 + index // len(_WAYS)) % 2 for index in range(number)]
    return [_run(models, seed, index, "differing", parts=parts[index]) for index in range(number)]


def unmasked(models: Sequence[Complex], seed: int, number: int) -> List[Run]:
    """Draw classifications without a mask and with particle diameters of 0.7, 0.75 and 0.95 of the box.

    A part is missing in every other one. Parameters as in `identical`.
    """
    drawn = [_run(models, seed, index, "unmasked", parts=index % 2) for index in range(number)]
    return [
        replace(run, masked=False, diameter=_DIAMETERS[index // 2 % len(_DIAMETERS)]) for index, run in enumerate(drawn)
    ]


def _run(models: Sequence[Complex], seed: int, index: int, kind: str, parts: int) -> Run:
    rng = np.random.default_rng((seed, parts > 0, index))
    model = models[(index + seed) % len(models)]
    masked, has_errors, aligned = _WAYS[index % len(_WAYS)]
    particles = ParticleSet(
        model,
        _draw_parts(model, parts, rng),
        int(rng.integers(*_PARTICLES)) // (2 if aligned else 1),
        NOISES[index % len(NOISES)],
        _POSE_ERROR if has_errors else (0.0, 0.0),
        int(rng.integers(1 << 30)),
    )
    classes = _CLASSES[(index + index // len(_CLASSES)) % len(_CLASSES)]
    return Run(f"{kind}_{seed}_{index:02d}", particles, classes, masked, aligned)


def _draw_parts(model: Complex, number: int, rng: np.random.Generator) -> Tuple[Part, ...]:
    """Draw groups of touching chains, each of 20 kDa or more, that share no chain."""
    simulated = layout(model)
    touching, masses = neighbours(simulated), np.array(simulated.masses)
    parts: List[Part] = []
    taken: Set[int] = set()
    while len(parts) < number:
        group: Set[int] = set()
        front = set(range(len(masses))) - taken
        wanted = rng.uniform(MIN_MASS, _MAX_PART * masses.sum())
        while front and masses[list(group)].sum() < wanted:
            group.add(int(rng.choice(sorted(front))))
            front = {other for member in group for other in touching[member]} - group - taken
        mass, differs = masses[list(group)].sum(), masses[list(group | taken)].sum()
        if mass >= MIN_MASS and mass <= _MAX_DIFFERING * masses.sum() and differs <= _MAX_DIFFERING * masses.sum():
            names = tuple(simulated.names[member] for member in sorted(group))
            parts.append(Part(names, float(rng.uniform(0.3, 0.7).__round__(2))))
            taken |= group
        elif parts and rng.random() < 0.1:  # what remains may be too small for another part
            break
    return tuple(parts)
