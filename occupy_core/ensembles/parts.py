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

from occupy_core.arrays.boxes import scatter
from occupy_core.arrays.smoothing import gaussian_smooth_at
from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.limits import MIN_DIFFERENCE, MIN_RELATIVE_DENSITY, MIXING_REACH, TINY
from occupy_core.comparing.regions import grow_masks, within_distance
from occupy_core.ensembles.components import Components, loadings
from occupy_core.ensembles.limits import (
    BORDER_SHARE,
    FOLLOWS,
    MAX_BLUR_VOLUME,
    MAX_MIXTURE_REST,
    MIN_PIECE,
    MIN_VOLUME,
)
from occupy_core.ensembles.profiles import Direction, find_profiles
from occupy_core.ensembles.stored_volumes import StoredVolumes
from occupy_core.ensembles.variation import Variation

# Å, full width of the smoothing by which parts are cut out: their borders are sharp only under a narrow one.
_BORDER_WIDTH = 8.0

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
    A voxel of the molecule belongs to the part whose profile (`profiles.find_profiles`) it follows, if it changes by
    more than half of what the part does, relative to its density.
    """
    molecule = volumes.molecule
    coarse = loadings(volumes.narrowly_smoothed(), components)
    profiles = find_profiles(coarse, variation.varying, molecule, volumes.spacing)
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
        if rest < MAX_MIXTURE_REST and len(mixed) > 1 and sizes[number] < MAX_BLUR_VOLUME * min(mixed):
            left.remove(number)
    return [masks[index] for index in left], [profiles[index] for index in left]


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
        inner, least = own & varying, 1.0
        if inner.any() and float(np.median(relative[inner])) <= MIN_DIFFERENCE:
            # A sharp low-pass rings: what is near a part changes a little, in clean volumes most of what varies.
            inner, least = inner & (relative > MIN_DIFFERENCE), MIN_VOLUME / 2 / volumes.spacing**3
        if inner.sum() >= least:
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
