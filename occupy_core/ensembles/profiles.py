# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the profiles of an ensemble: the ways in which voxels change over the volumes, as directions of their loadings.

Arrays of loadings have the axes (voxel, component).
"""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from occupy_core.arrays.boxes import box_around, scatter
from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.limits import MIXING_REACH, TINY
from occupy_core.ensembles.limits import (
    EXPLAINED,
    FOLLOWS,
    MAX_MIXTURE_REST,
    MIN_PIECE,
    MIN_SEPARATION,
    MIN_VOLUME,
    SAME_PROFILE,
)

Direction = NDArray[np.float64]

# Most places in which a new profile is looked for, and how often profiles are moved to the middle of their voxels.
_MAX_TRIES, _REFINEMENTS = 30, 3

# Rounds of 2-means by which the voxels of a profile are divided.
_ROUNDS_OF_SPLIT = 10

# Å: blur is nearer to the border than this; share of the voxels that are deeper: with less, a profile is blur. As for
# classes.
_BLUR_DEPTH, _MIN_DEEP_SHARE = 6.0, 0.2


def find_profiles(changes: Floats, varying: NDArray[np.bool_], molecule: Mask, spacing: float) -> List[Direction]:
    """Find the directions of the loadings that voxels have.

    Parameters
    ----------
    changes : float32 array (voxel of the molecule, component)
        The loadings.
    varying : bool array (voxel of the molecule)
        Voxels that vary by more than noise.
    molecule : bool array, 3D
    spacing : float
        Spacing of the coarse grid, Å.

    Returns
    -------
    list of float64 array (component)
        Of length 1.

    Notes
    -----
    Profiles are found one after the other, each in a cube of 8 Å around the voxel whose change is the largest and most
    like that of its neighbours. No new profile starts within 8 Å of voxels that follow one, which is their border. The
    voxels of a profile that follow two directions are split (`_split`). Profiles that are only the blur between others
    are removed.
    """
    length = np.sqrt((changes**2).sum(axis=1))
    unit = changes / np.maximum(length, np.float32(TINY))[:, None]
    seeds = scatter(varying, molecule)
    merit = scatter((length * _coherence(unit, varying, molecule)).astype(np.float32), molecule)
    numbers = scatter(np.arange(len(length), dtype=np.int32), molecule)
    reach = round(MIXING_REACH / spacing)
    unexplained = seeds.copy()
    profiles: List[Direction] = []
    for _ in range(_MAX_TRIES):
        if unexplained.sum() * spacing**3 < MIN_PIECE:
            break
        places = np.argwhere(unexplained)
        peak = places[merit[unexplained].argmax()]
        box = tuple(slice(max(0, int(index) - reach // 2), int(index) + reach // 2 + 1) for index in peak)
        own = numbers[box][unexplained[box]]
        unexplained[box] = False
        profile = _direction(changes[own])
        if any(float(profile @ other) > SAME_PROFILE for other in profiles):
            continue
        profiles = _refine(changes[varying], unit[varying], [*profiles, profile])
        explained = varying & ((unit @ np.array(profiles, dtype=np.float32).T).max(axis=1) > EXPLAINED)
        unexplained &= ~any_within(scatter(explained, molecule), reach)
    profiles = _split_all(changes[varying], unit[varying], profiles, spacing)
    return _without_blur(changes, unit, profiles, varying, molecule, spacing)


def _split_all(changes: Floats, unit: Floats, profiles: List[Direction], spacing: float) -> List[Direction]:
    """Split each profile whose voxels follow two directions, and the halves again."""
    waiting = list(profiles)
    done: List[Direction] = []
    while waiting and len(waiting) + len(done) < _MAX_TRIES:
        profile = waiting.pop(0)
        cosines = unit @ np.array([profile, *waiting, *done], dtype=np.float32).T
        own = (cosines.argmax(axis=1) == 0) & (cosines[:, 0] > FOLLOWS)
        halves = _split(changes[own], unit[own], profile, round(MIN_VOLUME / spacing**3))
        if halves is None:
            done.append(profile)
        else:
            waiting += halves
    return _refine(changes, unit, [*done, *waiting]) if profiles else []


def _split(changes: Floats, unit: Floats, profile: Direction, least: int) -> Optional[Tuple[Direction, Direction]]:
    """Return the two directions that the voxels of a profile follow; None if they follow one.

    Notes
    -----
    The first voxels of a profile may lie where two parts of alike occupancies mix: the profile then is a sum of two, to
    which the voxels of both are near. The voxels are divided in two by their directions (2-means on the sphere, each
    voxel with the weight of its change). Noise divides them too, but its two halves touch: their middles are 2.7
    standard deviations of a half apart if the directions are normally distributed, 3.5 if they are evenly.
    """
    away = changes - np.outer(changes @ profile.astype(np.float32), profile).astype(np.float32)
    axis = np.linalg.eigh((away.T @ away).astype(np.float64))[1][:, -1]
    along = away @ axis.astype(np.float32)
    for _ in range(_ROUNDS_OF_SPLIT):
        first = along > 0
        if min(first.sum(), (~first).sum()) < least:
            return None
        halves = _direction(changes[first]), _direction(changes[~first])
        along = unit @ (halves[0] - halves[1]).astype(np.float32)
    if float(halves[0] @ halves[1]) > SAME_PROFILE:
        return None
    weights = np.sqrt((changes**2).sum(axis=1))
    middles = [np.average(along[half], weights=weights[half]) for half in (first, ~first)]
    rest = along - np.where(first, *middles)
    spread = float(np.sqrt(np.average(rest**2, weights=weights)))
    return halves if middles[0] - middles[1] > MIN_SEPARATION * spread else None


def _direction(changes: Floats) -> Direction:
    mean = changes.mean(axis=0, dtype=np.float64)
    return mean / max(float(np.linalg.norm(mean)), TINY)


def _coherence(unit: Floats, varying: Mask, molecule: Mask) -> Floats:
    """Return the length of the mean direction in a cube of 3 voxels, 0..1: 1 where all neighbours change alike."""
    box = box_around(molecule, 1)
    inside = molecule[box]
    weight = ndimage.uniform_filter(scatter(varying, molecule)[box].astype(np.float32), 3)[inside]
    squares = np.zeros(len(unit), dtype=np.float32)
    for column in unit.T:
        squares += (ndimage.uniform_filter(scatter(column * varying, molecule)[box], 3)[inside]) ** 2
    coherence: Floats = np.sqrt(squares) / np.maximum(weight, np.float32(TINY))
    return coherence * varying


def _refine(changes: Floats, unit: Floats, profiles: Sequence[Direction]) -> List[Direction]:
    """Move each profile to the mean of the voxels that follow it."""
    refined = list(profiles)
    for _ in range(_REFINEMENTS):
        cosines = unit @ np.array(refined, dtype=np.float32).T
        nearest = cosines.argmax(axis=1)
        for number in range(len(refined)):
            own = (nearest == number) & (cosines[:, number] > SAME_PROFILE)
            refined[number] = _direction(changes[own]) if own.any() else refined[number]
    return refined


def _without_blur(
    changes: Floats, unit: Floats, profiles: List[Direction], varying: Mask, molecule: Mask, spacing: float
) -> List[Direction]:
    """Remove profiles that are only the blur between others, or the same as another; that of least voxels first."""
    while len(profiles) > 1:
        nearest = (unit @ np.array(profiles, dtype=np.float32).T).argmax(axis=1)
        doubtful = []
        for number, profile in enumerate(profiles):
            own = varying & (nearest == number)
            others = [other for index, other in enumerate(profiles) if index != number]
            is_same = max(float(profile @ other) for other in others) > SAME_PROFILE
            if is_same or not own.any() or _is_sum(profile, others) and _is_thin(own, molecule, spacing):
                doubtful.append((int(own.sum()), number))
        if not doubtful:
            break
        del profiles[min(doubtful)[1]]
        profiles = _refine(changes[varying], unit[varying], profiles)
    return profiles


def _is_sum(profile: Direction, others: Sequence[Direction]) -> bool:
    """Return whether a profile is near to a sum of others with positive weights."""
    return bool(optimize.nnls(np.array(others).T, profile)[1] < MAX_MIXTURE_REST)


def _is_thin(part: NDArray[np.bool_], molecule: Mask, spacing: float) -> bool:
    """Return whether few voxels of a part are far from the rest of the molecule."""
    box = box_around(molecule)
    depth = ndimage.distance_transform_edt(~scatter(~part, molecule)[box])[molecule[box]][part] * spacing
    return bool((depth > _BLUR_DEPTH).sum() < _MIN_DEEP_SHARE * depth.size)
