# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated classifications: which chains each class has, how its map is made, and what differs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Sequence, Set, Tuple

import numpy as np
from scipy.ndimage import binary_dilation

from benchmarks.occupancy.simulate import Conditions, Simulated, simulate
from benchmarks.occupancy.suite import Complex

NOISES = (0.05, 0.1, 0.2, 0.4)  # of the best class
UNSEEN = (300, 301, 302)  # added to the seed: no constant of the method was chosen with these draws in view
LEAST_MASS = 20.0  # kDa: smaller differences need not be found
IDENTICAL_SETS = 24
# Best resolution among the classes and voxel size, Å.
GRIDS = ((6.0, 2.4), (4.0, 1.5))
_MOST_DIFFERING = 0.5  # of the mass: something must be whole in all classes
_LEAST_SPREAD = 0.5  # of a drawn pattern
_LEAST_APART = 0.4  # between the patterns of two differences, in some class
_TOUCHING = 20  # voxels of one chain beside another


@dataclass(frozen=True)
class Scenario:
    """A classification to simulate.

    Attributes
    ----------
    model : Complex
    occupancies : tuple of dict
        Of every chain, a dict for each class.
    conditions : tuple of Conditions
        Of each class's map.
    kind : str
        What is peculiar about the maps, in words.
    """

    model: Complex
    occupancies: Tuple[Dict[str, float], ...]
    conditions: Tuple[Conditions, ...]
    kind: str

    @property
    def is_identical(self) -> bool:
        """Whether the classes do not differ."""
        return all(chosen == self.occupancies[0] for chosen in self.occupancies)

    def maps(self) -> List[Simulated]:
        """One for each class."""
        pairs = zip(self.conditions, self.occupancies)
        return [simulate(self.model.path, how, chosen, only=self.model.only) for how, chosen in pairs]


@dataclass(frozen=True)
class Difference:
    """Touching chains with one pattern of occupancies over the classes; mass in kDa."""

    chains: Tuple[str, ...]
    pattern: Tuple[float, ...]
    mass: float


def differing(
    models: Sequence[Complex], seed: int, noises: Sequence[float] = NOISES, *, partial: bool
) -> List[Scenario]:
    """Scenarios with differences: every model at every noise, grids and kinds of map in turn; `partial` lets what
    differs be at any occupancy, else it is present or absent."""
    found: List[Scenario] = []
    for model in models:
        for level, noise in enumerate(noises):
            rng = np.random.default_rng((seed, len(found)))
            resolution, voxel_size = GRIDS[(level + len(found) // len(noises)) % len(GRIDS)]
            best = Conditions(resolution=resolution, voxel_size=voxel_size, noise=noise)
            chosen = _draw_patterns(_layout(model), rng, int(rng.integers(3, 6)), partial)
            found.append(_scenario(model, chosen, best, rng))
    return found


def identical(models: Sequence[Complex], seed: int, sets: int = IDENTICAL_SETS) -> List[Scenario]:
    """Sets of classes of the same particles, whole or not, under conditions that differ more."""
    found = []
    for number in range(sets):
        rng = np.random.default_rng((seed, 10_000 + number))
        model = models[number % len(models)]
        names = _layout(model).names
        values = np.where(rng.random(len(names)) < 0.6, 1.0, rng.uniform(0.2, 1.0, len(names))).round(2)
        resolution, voxel_size = GRIDS[(number // len(models)) % len(GRIDS)]
        best = Conditions(resolution=resolution, voxel_size=voxel_size, noise=NOISES[number % len(NOISES)])
        chosen = dict(zip(names, values.tolist()))
        found.append(_scenario(model, [chosen] * int(rng.integers(2, 6)), best, rng))
    return found


def differences(scenario: Scenario, made: Simulated) -> List[Difference]:
    """What differs over the classes, the heaviest first."""
    patterns = [tuple(chosen[name] for chosen in scenario.occupancies) for name in made.names]
    wanted = {number for number, pattern in enumerate(patterns) if len(set(pattern)) > 1}
    beside = _neighbours(made)
    found = []
    while wanted:
        group, front = set(), {wanted.pop()}
        while front:
            number = front.pop()
            group.add(number)
            alike = {other for other in beside[number] & wanted if patterns[other] == patterns[number]}
            front |= alike
            wanted -= alike
        chains = tuple(made.names[number] for number in sorted(group))
        found.append(Difference(chains, patterns[min(group)], sum(made.masses[number] for number in group)))
    return sorted(found, key=lambda item: item.mass, reverse=True)


def _scenario(
    model: Complex, occupancies: Sequence[Dict[str, float]], best: Conditions, rng: np.random.Generator
) -> Scenario:
    """Classes of unequal noise and resolution, as unequal particle numbers make them."""
    changes, kinds = {}, []
    if rng.random() < 0.5:
        changes.update(masked=6.0)
        kinds.append("flat")
    if rng.random() < 0.3:
        changes.update(regularised=True)
        kinds.append("regularised")
    conditions = tuple(
        replace(
            best,
            noise=best.noise * float(rng.uniform(1.0, 1.8)) if number else best.noise,
            resolution=best.resolution + float(rng.uniform(0, 3.0)) if number else best.resolution,
            seed=int(rng.integers(1 << 31)),
            **changes,
        )
        for number in range(len(occupancies))
    )
    return Scenario(model, tuple(occupancies), conditions, ", ".join(kinds) or "plain")


def _layout(model: Complex) -> Simulated:
    """The model on a coarse grid: names, masses, and where the chains are."""
    return simulate(model.path, Conditions(resolution=8.0, voxel_size=3.0), _All(), only=model.only)


class _All(Dict[str, float]):
    def __missing__(self, name: str) -> float:
        return 1.0


def _neighbours(made: Simulated) -> List[Set[int]]:
    """Of each chain, the numbers of those that touch it."""
    masks = [made.chains == number for number in range(len(made.names))]
    beside: List[Set[int]] = [set() for _ in masks]
    for number, mask in enumerate(masks):
        around = np.bincount(made.chains[binary_dilation(mask) & ~mask] + 1, minlength=len(masks) + 1)[1:]
        for other in np.nonzero(around >= _TOUCHING)[0]:
            beside[number].add(int(other))
            beside[int(other)].add(number)
    return beside


def _draw_patterns(made: Simulated, rng: np.random.Generator, classes: int, partial: bool) -> List[Dict[str, float]]:
    """One to three groups of touching chains of 20 kDa or more, each with a pattern; all other chains are whole."""
    beside, masses = _neighbours(made), np.array(made.masses)
    values = np.ones((len(masses), classes))
    left, patterns = set(range(len(masses))), []
    for _ in range(int(rng.integers(1, 4))):
        group: Set[int] = set()
        front = set(left)
        while front and masses[list(group)].sum() < 1.1 * LEAST_MASS:
            group.add(int(rng.choice(sorted(front))))
            front = {other for number in group for other in beside[number]} & left - group
        taken = set(range(len(masses))) - left | group
        if masses[list(group)].sum() < LEAST_MASS or masses[list(taken)].sum() > _MOST_DIFFERING * masses.sum():
            continue
        pattern = _draw_pattern(rng, patterns, classes, partial)
        patterns.append(pattern)
        values[list(group)] = pattern
        left -= group
    if not patterns:
        return _draw_patterns(made, rng, classes, partial)
    return [dict(zip(made.names, column.tolist())) for column in values.T]


def _draw_pattern(rng: np.random.Generator, others: Sequence[np.ndarray], classes: int, partial: bool) -> np.ndarray:
    while True:
        if partial:
            between = rng.uniform(0.2, 0.9, classes).round(2)
            pattern = np.where(rng.random(classes) < 0.3, between, rng.integers(0, 2, classes))
        else:
            pattern = rng.integers(0, 2, classes).astype(float)
        apart = all(np.abs(pattern - other).max() >= _LEAST_APART for other in others)
        if np.ptp(pattern) >= _LEAST_SPREAD and apart:
            return pattern
