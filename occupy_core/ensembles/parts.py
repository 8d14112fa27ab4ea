# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut out the parts of a molecule that come and go together, by how their voxels change over the volumes.

The change of a voxel over the volumes is a vector of loadings, one for each component. Two voxels that come and go
together have loadings in one direction, whatever their density: its cosine is the correlation of the two changes.
Arrays of loadings have the axes (voxel, component).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from occupy_core.arrays.boxes import box_around, scatter
from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.smoothing import gaussian_smooth_at
from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.limits import MIN_DIFFERENCE, MIN_RELATIVE_DENSITY, MIXING_REACH, TINY
from occupy_core.comparing.regions import grow_masks, within_distance
from occupy_core.ensembles.components import Components, loadings
from occupy_core.ensembles.limits import (
    BORDER_SHARE,
    EXPLAINED,
    FOLLOWS,
    MAX_BLUR_VOLUME,
    MIN_PIECE,
    MIN_VOLUME,
    SAME_PROFILE,
)
from occupy_core.ensembles.stored_volumes import StoredVolumes
from occupy_core.ensembles.variation import Variation

Direction = NDArray[np.float64]

# Å, full width of the smoothing by which parts are cut out: their borders are sharp only under a narrow one.
_BORDER_WIDTH = 8.0

# Most places in which a new profile is looked for, and how often profiles are moved to the middle of their voxels.
_MAX_TRIES, _REFINEMENTS = 30, 3

# Share of the length of a profile: a profile this near to a sum of others may be their blur. Å: blur is nearer to the
# border than this; share of the voxels that are deeper: with less, a profile is blur. As for classes.
_MAX_MIXTURE_REST, _BLUR_DEPTH, _MIN_DEEP_SHARE = 0.35, 6.0, 0.2

# Weight of a profile of length 1 in a sum, from which on it counts as a part of the sum.
_MIN_WEIGHT = 0.2


@dataclass(frozen=True)
class VaryingPart:
    """Voxels that come and go together.

    Attributes
    ----------
    mask : bool array, 3D
        On the coarse grid, possibly in several pieces.
    grown_mask : bool array, 3D
        The part and up to 3 Å around it.
    profile : float64 array (volume)
        How the part changes over the volumes: the mean is 0, the sum of squares is 1.
    """

    mask: Mask
    grown_mask: Mask
    profile: NDArray[np.float64]


def find_parts(volumes: StoredVolumes, variation: Variation, components: Components) -> List[VaryingPart]:
    """Cut out the parts that come and go together.

    Notes
    -----
    Profiles are found one after the other, each the direction of the loadings in a cube of 8 Å around the voxel whose
    change is the largest and most like that of its neighbours. No new profile starts within 8 Å of voxels that follow
    one, which is their border. Profiles that are only the blur between others are removed. A voxel of the molecule
    belongs to the part whose profile it follows, if it changes by more than half of what the part does, relative to its
    density.
    """
    molecule = volumes.molecule
    coarse = loadings(volumes.narrowly_smoothed(), components)
    profiles = _find_profiles(coarse, variation.varying, molecule, volumes.spacing)
    fine = loadings(volumes.smoothed(molecule, _BORDER_WIDTH), components)
    labels = _labels(fine, profiles, volumes, components, variation.varying)
    masks, kept = [], []
    label_map = scatter(labels, molecule)
    for number, profile in enumerate(profiles, start=1):
        mask = _without_small_pieces(label_map == number, volumes.spacing)
        if mask.sum() * volumes.spacing**3 >= MIN_VOLUME:
            masks.append(mask)
            kept.append(components.scores @ profile)
    masks, kept = _without_blurred_parts(masks, kept)
    taken = np.logical_or.reduce(masks) if masks else np.zeros_like(molecule)
    grown = grow_masks(masks, molecule & ~taken, volumes.spacing)
    return [VaryingPart(*item) for item in zip(masks, grown, kept)]


def _without_blurred_parts(masks: Sequence[Mask], profiles: Sequence[Direction]) -> Tuple[List[Mask], List[Direction]]:
    """Remove small parts between others, whose profile is a sum of theirs: their densities mix there."""
    left = list(range(len(masks)))
    sizes = [int(mask.sum()) for mask in masks]
    for number in sorted(left, key=lambda index: sizes[index]):
        others = [index for index in left if index != number]
        if len(others) < 2:
            break
        weights, rest = optimize.nnls(np.array([profiles[index] for index in others]).T, profiles[number])
        mixed = [sizes[index] for index, weight in zip(others, weights) if weight > _MIN_WEIGHT]
        if rest < _MAX_MIXTURE_REST and len(mixed) > 1 and sizes[number] < MAX_BLUR_VOLUME * min(mixed):
            left.remove(number)
    return [masks[index] for index in left], [profiles[index] for index in left]


def _find_profiles(changes: Floats, varying: Mask, molecule: Mask, spacing: float) -> List[Direction]:
    """Find the directions of the loadings that voxels have."""
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
    return _without_blur(changes, unit, profiles, varying, molecule, spacing)


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
    return bool(optimize.nnls(np.array(others).T, profile)[1] < _MAX_MIXTURE_REST)


def _is_thin(part: NDArray[np.bool_], molecule: Mask, spacing: float) -> bool:
    """Return whether few voxels of a part are far from the rest of the molecule."""
    box = box_around(molecule)
    depth = ndimage.distance_transform_edt(~scatter(~part, molecule)[box])[molecule[box]][part] * spacing
    return bool((depth > _BLUR_DEPTH).sum() < _MIN_DEEP_SHARE * depth.size)


def _labels(
    changes: Floats,
    profiles: Sequence[Direction],
    volumes: StoredVolumes,
    components: Components,
    varying: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Return the number of the part of each voxel, from 1; 0 for voxels that stay the same."""
    molecule = volumes.molecule
    labels: NDArray[np.uint8] = np.zeros(len(changes), dtype=np.uint8)
    if not profiles:
        return labels
    directions = np.array(profiles)
    along = changes @ directions.T.astype(np.float32)
    cosines = along / np.maximum(np.sqrt((changes**2).sum(axis=1)), np.float32(TINY))[:, None]
    nearest = cosines.argmax(axis=1)
    over_volumes = components.scores @ directions.T
    low, high = over_volumes.min(axis=0).astype(np.float32), over_volumes.max(axis=0).astype(np.float32)
    rows = np.arange(len(changes))
    change = along[rows, nearest] * (high - low)[nearest]
    mean = gaussian_smooth_at(volumes.mean, molecule, _BORDER_WIDTH / volumes.spacing, threads=volumes.threads)
    densest = mean + along[rows, nearest] * high[nearest]
    dense = densest > np.float32(MIN_RELATIVE_DENSITY * np.percentile(densest, 90))
    relative = change / np.maximum(densest, np.float32(TINY))
    follows = (cosines[rows, nearest] > FOLLOWS) & dense
    for number in range(len(profiles)):
        own = follows & (nearest == number)
        inner = own & varying
        # A sharp low-pass rings: what is near a part changes a little with it.
        if inner.any() and float(np.median(relative[inner])) > MIN_DIFFERENCE:
            limit = BORDER_SHARE * float(np.quantile(relative[inner], 0.75))
            labels[own & (relative > limit)] = number + 1
    return labels


def _without_small_pieces(mask: Mask, spacing: float) -> Mask:
    """Open a mask by one voxel, and remove its small pieces; pieces near each other count as one."""
    result = np.zeros_like(mask)
    if not mask.any():
        return result
    opened = ndimage.binary_opening(mask)
    pieces, count = ndimage.label(within_distance(opened, MIXING_REACH / 2, spacing))
    pieces[~opened] = 0
    sizes = np.bincount(pieces.ravel(), minlength=count + 1) * spacing**3
    large = sizes >= MIN_PIECE
    large[0] = False
    result[:] = large[pieces]
    return result
