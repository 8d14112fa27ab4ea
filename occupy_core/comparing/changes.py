# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell parts that moved or that are flexible from parts that are missing. Ours, not in the published program."""

from __future__ import annotations

from typing import List, Sequence, Set, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Mask, Volume
from occupy_core.comparing.limits import BLUR_REACH

# Two regions are one part that moved if their occupancies add up to 1 with less than this error in every class (0..1),
# if they differ by more than this between classes, and if one is less than this many times as large as the other. Ours.
_MAX_SUM_ERROR, _MIN_MOVED_DIFFERENCE, _MAX_SIZE_RATIO = 0.3, 0.4, 2.5

# A part is flexible where the density in and around it is missing for less than this share of what is missing in it.
# Ours.
MAX_MISSING_SHARE = 0.5


def moved_pairs(
    values: NDArray[np.float64], volumes: Sequence[float], distances: NDArray[np.float64]
) -> Tuple[Tuple[int, int], ...]:
    """Return the pairs of regions that are one part in two places.

    Parameters
    ----------
    values : float array (region, class)
        Occupancies, 0..1.
    volumes : sequence of float
        Å^3.
    distances : float array (region, region)
        Smallest distance between the masks of two regions, Å.

    Notes
    -----
    A part that moves is missing where it was, and there where it goes: the occupancies of the two places add up to 1 in
    every class, and the places are alike in size and near each other.
    """
    found: List[Tuple[int, int]] = []
    taken: Set[int] = set()
    for one in range(len(values)):
        for other in range(one + 1, len(values)):
            if {one, other} & taken:
                continue
            adds_up = np.abs(values[one] + values[other] - 1).max() < _MAX_SUM_ERROR
            differs = min(np.ptp(values[one]), np.ptp(values[other])) > _MIN_MOVED_DIFFERENCE
            alike = max(volumes[one], volumes[other]) < _MAX_SIZE_RATIO * min(volumes[one], volumes[other])
            near = distances[one, other] < max(volumes[one], volumes[other]) ** (1 / 3)
            if adds_up and differs and alike and near:
                found.append((one, other))
                taken |= {one, other}
    return tuple(found)


def distances_between(masks: Sequence[Mask], spacing: float) -> NDArray[np.float64]:
    """Return the smallest distance between any two masks, Å: array (mask, mask)."""
    result = np.zeros((len(masks), len(masks)))
    if len(masks) < 2:
        return result
    box = box_around(np.logical_or.reduce(list(masks)), 1)
    for row, mask in zip(result, masks):
        distance = ndimage.distance_transform_edt(~mask[box]) * spacing
        row[:] = [distance[other[box]].min() for other in masks]
    return result


def is_flexible(mask: Mask, highest: Volume, lowest: Volume, spacing: float) -> bool:
    """Return whether a part is blurred, rather than missing, in the class where it reads lowest.

    Parameters
    ----------
    mask : bool array, 3D
        The part.
    highest, lowest : float32 arrays, 3D
        Maps of the class where the part reads highest, and of the class where it reads lowest, on one grey scale and in
        one pose.
    spacing : float
        Spacing of the grid, Å.

    Notes
    -----
    Blur moves density into the surroundings and loses none; a missing part takes its density away.
    """
    reach = int(np.ceil(BLUR_REACH / spacing))
    box = box_around(mask, reach + 1)
    near = ndimage.distance_transform_edt(~mask[box]) * spacing <= BLUR_REACH
    lost = highest[box] - lowest[box]
    inside = float(lost[mask[box]].sum())
    return inside > 0 and float(lost[near].sum()) < MAX_MISSING_SHARE * inside
