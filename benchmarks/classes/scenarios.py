# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated classifications: the occupancies of all chains in each class, and the conditions of each map."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Sequence, Set, Tuple

import numpy as np
from scipy.ndimage import binary_dilation

from benchmarks.occupancy.simulate import Conditions, Simulated, simulate
from benchmarks.occupancy.suite import Complex, UniformOccupancy

NOISES = (0.05, 0.1, 0.2, 0.4)  # of the best class
UNSEEN = (300, 301, 302)  # added to the seed; these draws were not used to choose the constants of the method
MIN_MASS = 20.0  # kDa; smaller differences need not be found
IDENTICAL_SETS = 24
# Pairs of the best resolution among the classes and the voxel size, Å.
GRIDS = ((6.0, 2.4), (4.0, 1.5))
# Maps like reconstructions: density of the displaced water relative to the mean density of the molecule; distance of a
# soft mask from the molecule, Å; largest standard deviations of the particles' orientations, degrees, and positions, Å.
_WATER, _MASK_DISTANCE, _MAX_ALIGNMENT_ERRORS = 0.5, 10.0, (2.0, 1.0)
# Limits for drawing differences.
_MAX_DIFFERING_SHARE = 0.5  # largest share of the mass that differs; a part must be fully occupied in all classes
_MIN_SPREAD = 0.5  # smallest difference between the highest and the lowest occupancy of a pattern
_MIN_DISTANCE = 0.4  # smallest value of the largest difference, over the classes, between two patterns
_MIN_CONTACT = 20  # smallest number of voxels of one chain next to another chain, for chains that touch


@dataclass(frozen=True)
class Scenario:
    """A classification to simulate.

    Attributes
    ----------
    model : Complex
        The complex to simulate.
    occupancies : tuple of dict of str to float
        For each class, the occupancy of every chain, 0..1.
    conditions : tuple of Conditions
        Conditions of the map of each class; the first class has the lowest noise.
    kind : str
        Special properties of the maps, in words.
    """

    model: Complex
    occupancies: Tuple[Dict[str, float], ...]
    conditions: Tuple[Conditions, ...]
    kind: str

    def maps(self) -> List[Simulated]:
        """Simulate the map of each class."""
        classes = zip(self.conditions, self.occupancies)
        return [
            simulate(self.model.path, conditions, occupancies, only=self.model.only)
            for conditions, occupancies in classes
        ]


@dataclass(frozen=True)
class Difference:
    """A group of touching chains with the same occupancies in all classes, which differ between the classes.

    Attributes
    ----------
    chains : tuple of str
        Names of the chains.
    pattern : tuple of float
        Occupancy in each class, 0..1.
    mass : float
        Mass of the chains, kDa.
    """

    chains: Tuple[str, ...]
    pattern: Tuple[float, ...]
    mass: float


def differing(
    models: Sequence[Complex],
    seed: int,
    noises: Sequence[float] = NOISES,
    *,
    partial: bool,
    as_reconstructed: bool = False,
) -> List[Scenario]:
    """Draw a classification with differences for every model and noise; grids and kinds of maps vary.

    Parameters
    ----------
    models : sequence of Complex
        The complexes to simulate.
    seed : int
        Seed of the patterns, the conditions and the noise.
    noises : sequence of float
        Noise of the best class (`Conditions.noise`).
    partial : bool
        Whether chains that differ have any occupancy; otherwise they are present or absent.
    as_reconstructed : bool
        Whether the maps have what makes a reconstruction worse than a map computed from atoms: displaced water, the
        noise spectrum of a reconstruction, blur by alignment errors that differ between the classes, and in half of
        the classifications a soft mask in the shape of the molecule.
    """
    drawn: List[Scenario] = []
    for model in models:
        for level, noise in enumerate(noises):
            rng = np.random.default_rng((seed, len(drawn)))
            resolution, voxel_size = GRIDS[(level + len(drawn) // len(noises)) % len(GRIDS)]
            best = Conditions(resolution=resolution, voxel_size=voxel_size, noise=noise)
            occupancies = _draw_patterns(layout(model), rng, int(rng.integers(3, 6)), partial)
            drawn.append(_scenario(model, occupancies, best, rng, as_reconstructed))
    return drawn


def identical(
    models: Sequence[Complex], seed: int, sets: int = IDENTICAL_SETS, *, as_reconstructed: bool = False
) -> List[Scenario]:
    """Draw sets of classes with equal occupancies, fully occupied or not, and with unequal noise and resolution.

    Parameters
    ----------
    models : sequence of Complex
        The complexes to simulate, one after the other.
    seed : int
        Seed of the occupancies, the conditions and the noise.
    sets : int
        Number of sets.
    as_reconstructed : bool
        As in `differing`.
    """
    drawn = []
    for number in range(sets):
        rng = np.random.default_rng((seed, 10_000 + number))
        model = models[number % len(models)]
        names = layout(model).names
        values = np.where(rng.random(len(names)) < 0.6, 1.0, rng.uniform(0.2, 1.0, len(names))).round(2)
        resolution, voxel_size = GRIDS[(number // len(models)) % len(GRIDS)]
        noises = NOISES[:-1] if as_reconstructed else NOISES  # coarse noise hides more than fine noise
        best = Conditions(resolution=resolution, voxel_size=voxel_size, noise=noises[number % len(noises)])
        occupancies = dict(zip(names, values.tolist()))
        drawn.append(_scenario(model, [occupancies] * int(rng.integers(2, 6)), best, rng, as_reconstructed))
    return drawn


def differences(scenario: Scenario, simulated: Simulated) -> List[Difference]:
    """Group the chains that differ between the classes; the heaviest group is first.

    Parameters
    ----------
    scenario : Scenario
        The classification.
    simulated : Simulated
        The map of any of its classes.
    """
    patterns = [tuple(chosen[name] for chosen in scenario.occupancies) for name in simulated.names]
    remaining = {number for number, pattern in enumerate(patterns) if len(set(pattern)) > 1}
    touching = neighbours(simulated)
    groups = []
    while remaining:
        group, front = set(), {remaining.pop()}
        while front:
            number = front.pop()
            group.add(number)
            alike = {other for other in touching[number] & remaining if patterns[other] == patterns[number]}
            front |= alike
            remaining -= alike
        chains = tuple(simulated.names[number] for number in sorted(group))
        mass = sum(simulated.masses[number] for number in group)
        groups.append(Difference(chains, patterns[min(group)], mass))
    return sorted(groups, key=lambda item: item.mass, reverse=True)


def _scenario(
    model: Complex,
    occupancies: Sequence[Dict[str, float]],
    best: Conditions,
    rng: np.random.Generator,
    as_reconstructed: bool,
) -> Scenario:
    """Draw classes with unequal noise and resolution, as unequal particle numbers cause them."""
    kind, best = _reconstructed(best, rng) if as_reconstructed else _computed(best, rng)
    conditions = tuple(
        replace(
            best,
            noise=best.noise * float(rng.uniform(1.0, 1.8)) if number else best.noise,
            resolution=best.resolution + float(rng.uniform(0, 3.0)) if number else best.resolution,
            seed=int(rng.integers(1 << 31)),
        )
        for number in range(len(occupancies))
    )
    if as_reconstructed:
        conditions = tuple(_misaligned(item, rng) for item in conditions)
    return Scenario(model, tuple(occupancies), conditions, kind)


def _computed(best: Conditions, rng: np.random.Generator) -> Tuple[str, Conditions]:
    """Draw the kind of maps that are computed from atoms: its name, and its conditions."""
    changes, kinds = {}, []
    if rng.random() < 0.5:
        changes.update(masked=6.0)
        kinds.append("flat")
    if rng.random() < 0.3:
        changes.update(regularised=True)
        kinds.append("regularised")
    return ", ".join(kinds) or "plain", replace(best, **changes)


def _reconstructed(best: Conditions, rng: np.random.Generator) -> Tuple[str, Conditions]:
    """Draw the kind of maps that are like reconstructions: its name, and its conditions."""
    masked = rng.random() < 0.5
    best = replace(best, solvent=_WATER, has_coloured_noise=True, soft_mask=_MASK_DISTANCE if masked else None)
    return "reconstructed, masked" if masked else "reconstructed", best


def _misaligned(conditions: Conditions, rng: np.random.Generator) -> Conditions:
    """Give a class alignment errors of its own."""
    rotation, shift = (float(rng.uniform(0, most)) for most in _MAX_ALIGNMENT_ERRORS)
    return replace(conditions, rotation_error=rotation, shift_error=shift)


def layout(model: Complex) -> Simulated:
    """Simulate the model on a coarse grid, for the names, masses and voxels of its chains."""
    return simulate(model.path, Conditions(resolution=8.0, voxel_size=3.0), UniformOccupancy(1.0), only=model.only)


def neighbours(simulated: Simulated) -> List[Set[int]]:
    """Return for each chain the indices of the chains that it touches."""
    masks = [simulated.chains == number for number in range(len(simulated.names))]
    touching: List[Set[int]] = [set() for _ in masks]
    for number, mask in enumerate(masks):
        border = simulated.chains[binary_dilation(mask) & ~mask]
        contacts = np.bincount(border + 1, minlength=len(masks) + 1)[1:]
        for other in np.nonzero(contacts >= _MIN_CONTACT)[0]:
            touching[number].add(int(other))
            touching[int(other)].add(number)
    return touching


def _draw_patterns(
    simulated: Simulated, rng: np.random.Generator, classes: int, partial: bool
) -> List[Dict[str, float]]:
    """Draw the occupancies of all chains in each class.

    One to three groups of touching chains, of 20 kDa or more, get a pattern each; all other chains are fully occupied.
    """
    touching, masses = neighbours(simulated), np.array(simulated.masses)
    values = np.ones((len(masses), classes))
    unchanged, patterns = set(range(len(masses))), []
    for _ in range(int(rng.integers(1, 4))):
        group: Set[int] = set()
        front = set(unchanged)
        while front and masses[list(group)].sum() < 1.1 * MIN_MASS:
            group.add(int(rng.choice(sorted(front))))
            front = {other for number in group for other in touching[number]} & unchanged - group
        changed = set(range(len(masses))) - unchanged | group
        if masses[list(group)].sum() < MIN_MASS or masses[list(changed)].sum() > _MAX_DIFFERING_SHARE * masses.sum():
            continue
        pattern = _draw_pattern(rng, patterns, classes, partial)
        patterns.append(pattern)
        values[list(group)] = pattern
        unchanged -= group
    if not patterns:
        return _draw_patterns(simulated, rng, classes, partial)
    return [dict(zip(simulated.names, column.tolist())) for column in values.T]


def _draw_pattern(rng: np.random.Generator, others: Sequence[np.ndarray], classes: int, partial: bool) -> np.ndarray:
    """Draw one occupancy for each class for a group of chains.

    The result differs clearly from the patterns of `others`. `partial` allows 0.2 to 0.9 besides 0 and 1.
    """
    while True:
        if partial:
            between = rng.uniform(0.2, 0.9, classes).round(2)
            pattern = np.where(rng.random(classes) < 0.3, between, rng.integers(0, 2, classes))
        else:
            pattern = rng.integers(0, 2, classes).astype(float)
        unlike_others = all(np.abs(pattern - other).max() >= _MIN_DISTANCE for other in others)
        if np.ptp(pattern) >= _MIN_SPREAD and unlike_others:
            return pattern
