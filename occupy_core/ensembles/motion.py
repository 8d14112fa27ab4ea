# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell parts that move from parts that come and go: density that moves stays the same in total."""

from __future__ import annotations

from typing import List, Sequence, Set, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Mask
from occupy_core.comparing.changes import MAX_MISSING_SHARE, distances_between
from occupy_core.comparing.limits import BLUR_REACH
from occupy_core.comparing.regions import within_distance
from occupy_core.ensembles.limits import MAX_MOVED_VARIANCE, REACH_OF_PART, TOUCHING
from occupy_core.ensembles.stored_volumes import StoredVolumes


def moving_groups(volumes: StoredVolumes, masks: Sequence[Mask]) -> List[Tuple[int, ...]]:
    """Return the groups of parts between which density only moves; each group is one part in its places.

    Parameters
    ----------
    volumes : StoredVolumes
    masks : sequence of bool arrays, 3D
        The parts.

    Notes
    -----
    Each part has a surrounding of 10 Å, which holds what a small motion moves out of it. For groups of near parts,
    the variance over the volumes of all their density together is compared with the sum of the variances of each. The
    first is small where density leaves one place and appears in another. A group grows by the part that lowers this
    quotient most, as long as one does.
    """
    totals = _totals(volumes, masks)
    distances = distances_between(masks, volumes.spacing)
    edges = np.array([mask.sum() for mask in masks]) ** (1 / 3) * volumes.spacing
    are_near = distances < np.maximum(np.maximum.outer(edges, edges), TOUCHING)
    free: Set[int] = set(range(len(masks)))
    groups: List[Tuple[int, ...]] = []
    for first in sorted(free, key=lambda number: -totals[number].var()):
        if first not in free:
            continue
        group, quotient = [first], 1.0
        while True:
            near = [other for other in free - set(group) if are_near[other, group].any()]
            tried = {other: _quotient(totals[[*group, other]]) for other in near}
            best = min(tried, key=lambda other: tried[other], default=None)
            if best is None or tried[best] >= quotient:
                break
            group, quotient = [*group, best], tried[best]
        if len(group) > 1 and quotient < MAX_MOVED_VARIANCE:
            groups.append(tuple(sorted(group)))
            free -= set(group)
    return groups


def moves_alone(volumes: StoredVolumes, masks: Sequence[Mask], profiles: Sequence[NDArray[np.float64]]) -> List[bool]:
    """Return for each part whether its density goes to places near it that no other part shows.

    Parameters
    ----------
    volumes : StoredVolumes
    masks : sequence of bool arrays, 3D
        The parts.
    profiles : sequence of float64 arrays (volume)
        How each part changes over the volumes.

    Notes
    -----
    The places to which a small part moves may be too small or too faint to be parts. So the change of every voxel that
    goes with a part, and not with the others, is summed over the part, and over the part and 20 Å around it. A part
    that comes and goes takes its density away; where less than half is missing in the wider sum, the part moves.
    """
    if not masks:
        return []
    weights = np.linalg.pinv(np.array(profiles).T).astype(np.float32)
    union = np.logical_or.reduce(list(masks))
    box = box_around(union, int(np.ceil(BLUR_REACH / volumes.spacing)))
    changes = np.zeros((len(masks), *volumes.molecule[box].shape), dtype=np.float32)
    for number in range(len(volumes)):
        density = volumes.load(number)[box]
        for change, weight in zip(changes, weights[:, number]):
            change += weight * density
    found = []
    for mask, change in zip(masks, changes):
        near = within_distance(mask[box], BLUR_REACH, volumes.spacing)
        found.append(bool(change[near].sum() < MAX_MISSING_SHARE * change[mask[box]].sum()))
    return found


def _quotient(totals: NDArray[np.float64]) -> float:
    """Return the variance of the sum relative to the sum of the variances; totals are (part, volume)."""
    return float(totals.sum(axis=0).var() / max(totals.var(axis=1).sum(), np.finfo(np.float64).tiny))


def _totals(volumes: StoredVolumes, masks: Sequence[Mask]) -> NDArray[np.float64]:
    """Return the density of each part and its surrounding in each volume (part, volume)."""
    numbers: NDArray[np.int16] = np.zeros(volumes.molecule.shape, dtype=np.int16)
    for number, mask in enumerate(masks, start=1):
        numbers[mask] = number
    if not masks:
        return np.zeros((0, len(volumes)))
    box = box_around(numbers > 0, int(np.ceil(REACH_OF_PART / volumes.spacing)))
    distance, indices = ndimage.distance_transform_edt(numbers[box] == 0, return_indices=True)
    nearest = numbers[box][tuple(indices)]
    nearest[distance * volumes.spacing > REACH_OF_PART] = 0
    flat = nearest.ravel()
    sums = [
        np.bincount(flat, volumes.load(number)[box].ravel(), minlength=len(masks) + 1)[1:]
        for number in range(len(volumes))
    ]
    return np.array(sums).T
