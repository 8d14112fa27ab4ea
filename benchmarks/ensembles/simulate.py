# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate ensembles of volumes with known truth: parts that are present or absent, parts that move, both, neither."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Iterator, List, Sequence, Set, Tuple

import mrcfile
import numpy as np
import scipy.fft
from scipy.spatial.transform import Rotation

from benchmarks.classes.scenarios import layout, neighbours
from benchmarks.occupancy.atomic_model import ATOM_B, AtomicModel, load_model
from benchmarks.occupancy.imperfections import reconstruction_falloff
from benchmarks.occupancy.simulate import OVERALL_B, _cutoff, _falloff, _frequencies, _volume
from benchmarks.occupancy.suite import Complex
from occupy_core.arrays.rigid_motion import RigidMotion

KINDS = ("composition", "motion", "both", "neither")
NOISES = (0.05, 0.1, 0.2)  # standard deviation of the solvent, relative to full density
COUNTS = (30, 100, 300)
RESOLUTION, VOXEL_SIZE = 6.0, 2.4  # Å
_PADDING = 25.0  # Å, solvent around the model
_WATER = 0.5  # density of the displaced water relative to the mean density of the molecule
_MIN_MASS = 20.0  # kDa, of a part that comes and goes
_MAX_SHARE = 0.5  # largest share of the mass that differs
_GREY_SCALES = (0.7, 1.4)  # of the volumes
_ROTATION = (12.0, 30.0)  # degrees, of a part that moves, from one end to the other


@dataclass(frozen=True)
class Truth:
    """The differences between the volumes of an ensemble.

    Attributes
    ----------
    parts : tuple of tuple of str
        Names of the chains of each part that comes and goes.
    occupancies : float array (volume, part)
        0..1.
    moving : tuple of str
        Names of the chains that move as one body; empty if nothing moves.
    angles : float array (volume)
        Rotation of the moving chains, degrees.
    """

    parts: Tuple[Tuple[str, ...], ...]
    occupancies: np.ndarray
    moving: Tuple[str, ...]
    angles: np.ndarray


@dataclass(frozen=True)
class Ensemble:
    """An ensemble to simulate.

    Attributes
    ----------
    model : Complex
    kind : str
        One of `KINDS`.
    count : int
        Number of volumes.
    noise : float
        Noise of the least noisy volume.
    seed : int
    truth : Truth
    components : int
        Components that all volumes are mixtures of, beside their mean, as a variability analysis or a neural network
        makes them; 0 for independent volumes.
    """

    model: Complex
    kind: str
    count: int
    noise: float
    seed: int
    truth: Truth
    components: int = 0

    def volumes(self) -> Iterator[np.ndarray]:
        """Yield the volumes: float32 arrays (z, y, x)."""
        if self.components:
            yield from _mixtures(list(self._independent_volumes()), self.components)
        else:
            yield from self._independent_volumes()

    def _independent_volumes(self) -> Iterator[np.ndarray]:
        """Yield volumes that have a noise and, if there are no components, a grey scale of their own."""
        model = _load(self.model)
        rng, factors = np.random.default_rng((self.seed, 1)), iter(self.grey_factors())
        k = _frequencies(model.side, VOXEL_SIZE)
        chains = [_chain_map(model, number, k) for number in range(len(model.names))]
        full = float(np.percentile(sum(chains)[model.chains >= 0], 99))
        part_of = {name: number for number, part in enumerate(self.truth.parts) for name in part}
        fixed = sum(
            chain for name, chain in zip(model.names, chains) if name not in part_of and name not in self.truth.moving
        )
        parts = [_sum_of(chains, model.names, part) for part in self.truth.parts]
        moving = _sum_of(chains, model.names, self.truth.moving) if self.truth.moving else None
        motion = _hinge(model, self.truth.moving, rng) if self.truth.moving else None
        for occupancies, angle in zip(self.truth.occupancies, self.truth.angles):
            volume = fixed.copy()
            for occupancy, part in zip(occupancies, parts):
                volume += np.float32(occupancy) * part
            if moving is not None:
                volume += _turned(motion, angle).moved(moving)
            noise = _volume(
                scipy.fft.rfftn(rng.standard_normal((model.side,) * 3).astype(np.float32))
                * reconstruction_falloff(k, RESOLUTION)
                * _cutoff(k, RESOLUTION),
                model.side,
            )
            volume += noise * np.float32(self.noise * rng.uniform(1.0, 1.5) * full / noise.std())
            yield volume * np.float32(next(factors))

    def grey_factors(self) -> List[float]:
        """Return the grey scale of each volume."""
        if self.components:
            return [1.0] * self.count
        return np.random.default_rng((self.seed, 2)).uniform(*_GREY_SCALES, self.count).tolist()

    def chains(self) -> Tuple[np.ndarray, Tuple[str, ...]]:
        """Return the index of the chain of each voxel (z, y, x; -1 for none), and the names of the chains."""
        model = _load(self.model)
        return model.chains, model.names

    def write(self, folder: Path) -> List[Path]:
        """Write the volumes as MRC files, and return their paths."""
        paths = []
        for number, volume in enumerate(self.volumes(), start=1):
            paths.append(folder / f"vol_{number:03d}.mrc")
            with mrcfile.new(paths[-1], overwrite=True) as file:
                file.set_data(volume)
                file.voxel_size = VOXEL_SIZE
        return paths


def _mixtures(volumes: List[np.ndarray], components: int) -> Iterator[np.ndarray]:
    """Yield the mean of the volumes plus what the strongest components of their differences explain of each."""
    mean = np.mean(volumes, axis=0, dtype=np.float32)
    rest = np.array(volumes) - mean
    rows = rest.reshape(len(rest), -1)
    strongest = np.linalg.eigh(rows @ rows.T)[1][:, -components:].astype(np.float32)
    shapes = strongest.T @ rows
    for weights in strongest:
        yield mean + (weights @ shapes).reshape(mean.shape)


def draw(model: Complex, kind: str, count: int, noise: float, seed: int) -> Ensemble:
    """Draw the parts that differ in an ensemble, and by how much in each volume.

    One to three groups of touching chains, of 20 kDa or more each and half of the mass together at most, come and go:
    present or absent, at any occupancy, one only together with another, or one only without another. A group that moves
    turns about its place of contact with the rest.
    """
    rng = np.random.default_rng((seed, KINDS.index(kind), count, round(1000 * noise)))
    groups = _draw_groups(model, rng, {"composition": int(rng.integers(1, 4)), "both": 2}.get(kind, 1))
    moving: Tuple[str, ...] = ()
    angles = np.zeros(count)
    if kind == "neither":
        groups = []
    if kind in ("motion", "both"):
        moving = groups.pop()
        angles = rng.uniform(-0.5, 0.5, count) * rng.uniform(*_ROTATION)
    truth = Truth(tuple(groups), _draw_occupancies(len(groups), count, rng), moving, angles)
    return Ensemble(model, kind, count, noise, seed, truth)


def _draw_occupancies(parts: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the occupancy of each part in each volume (volume, part)."""
    values = np.zeros((count, parts))
    for part in range(parts):
        is_there = rng.random(count) < rng.uniform(0.25, 0.75)
        draw_of = rng.random()
        if draw_of < 0.5:
            values[:, part] = is_there  # present or absent
        else:
            values[:, part] = np.where(rng.random(count) < 0.5, is_there, rng.uniform(0, 1, count))
        if part and rng.random() < 0.3:  # only together with the part before
            values[:, part] *= values[:, part - 1]
        elif part and rng.random() < 0.3:  # only without the part before
            values[:, part] *= 1 - values[:, part - 1]
    if parts and (np.ptp(values, axis=0) < 0.5).any():
        return _draw_occupancies(parts, count, rng)
    return values.round(3)


def _draw_groups(model: Complex, rng: np.random.Generator, count: int) -> List[Tuple[str, ...]]:
    """Draw disjoint groups of touching chains; fewer than `count` where the molecule is too small."""
    simulated = layout(model)
    touching, masses = neighbours(simulated), np.array(simulated.masses)
    free: Set[int] = set(range(len(masses)))
    groups: List[Tuple[str, ...]] = []
    for _ in range(50):
        group: Set[int] = set()
        front = set(free)
        while front and masses[list(group)].sum() < 1.1 * _MIN_MASS:
            group.add(int(rng.choice(sorted(front))))
            front = {other for number in group for other in touching[number]} & free - group
        taken = set(range(len(masses))) - free | group
        if masses[list(group)].sum() < _MIN_MASS or masses[list(taken)].sum() > _MAX_SHARE * masses.sum():
            continue
        groups.append(tuple(simulated.names[number] for number in sorted(group)))
        free -= group
        if len(groups) == count:
            break
    return groups


def _load(model: Complex) -> AtomicModel:
    return load_model(model.path, VOXEL_SIZE, _PADDING, model.only)


def _chain_map(model: AtomicModel, number: int, k: np.ndarray) -> np.ndarray:
    """Return the density of one chain, less the water that it displaces."""
    transfer = _falloff(k, OVERALL_B - ATOM_B) * _cutoff(k, RESOLUTION)
    mean = float(_volume(sum(model.spectra) * transfer, model.side)[model.chains >= 0].mean())
    water = scipy.fft.rfftn((model.chains == number).astype(np.float32)) * _cutoff(k, RESOLUTION)
    return _volume(model.spectra[number] * transfer - _WATER * mean * water, model.side)


def _sum_of(chains: Sequence[np.ndarray], names: Sequence[str], chosen: Sequence[str]) -> np.ndarray:
    return sum(chain for name, chain in zip(names, chains) if name in chosen)


def _hinge(model: AtomicModel, moving: Sequence[str], rng: np.random.Generator) -> RigidMotion:
    """Return a rotation by 1 degree about the contact of the moving chains with the others, about a random axis."""
    is_moving = np.isin(model.chains, [model.names.index(name) for name in moving])
    centre = np.argwhere(is_moving).mean(axis=0)
    others = np.argwhere((model.chains >= 0) & ~is_moving)
    contact = others[((others - centre) ** 2).sum(axis=1).argmin()]
    lever = centre - contact
    axis = np.cross(lever, rng.standard_normal(3))  # a turn about the lever itself would hardly move anything
    rotation = Rotation.from_rotvec(np.radians(1.0) * axis / np.linalg.norm(axis)).as_matrix()
    return replace(RigidMotion.none(contact.astype(float), (1.0,) * 3), matrix=rotation)


def _turned(motion: RigidMotion, angle: float) -> RigidMotion:
    vector = Rotation.from_matrix(motion.matrix).as_rotvec()
    return replace(motion, matrix=Rotation.from_rotvec(angle * vector).as_matrix())
