# SPDX-License-Identifier: GPL-3.0-or-later
"""2D sections of all classes through the regions where they differ, for the figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Box, Mask, Volume

_MAX_SECTIONS = 4
# Regions whose sections are at most 1/16 of the box apart share one section.
_SHARED_DISTANCE = 16


@dataclass(frozen=True)
class RegionSection:
    """One section, across z, of every class.

    Attributes
    ----------
    title : str
        Names of the regions for which the section was chosen.
    images : tuple of 2D float32 arrays
        One section for each class.
    outlines : dict of int to 2D array
        Section of the mask, 0..1, for each region (by its number, from 1) that the section meets; on the grid of
        `images`.
    """

    title: str
    images: Tuple[NDArray[np.float32], ...]
    outlines: Dict[int, NDArray[Any]]


def region_sections(
    regions: Sequence[NDArray[Any]], volumes: Iterable[Volume], *, window: Optional[Box] = None, step: float = 1.0
) -> List[RegionSection]:
    """Cut all classes through the first regions, or through the middle of the box when there is no region.

    A region is cut across z where its mask has most voxels. Neighbouring regions share a section; there are four
    sections at most.

    Parameters
    ----------
    regions : sequence of 3D arrays
        Mask, 0..1, of each region, in the order of their numbers: the sure regions first.
    volumes : iterable of 3D float32 arrays
        Map of each class, on the grid of the masks; only one is held in memory when the iterable loads them one by one.
    window : three slices, optional
        The part of the sections to show, voxels (z, y, x); all when not given.
    step : float
        Edge of a voxel of this grid in voxels of the maps that users know, for the number of the section.
    """
    _, *part = window or (slice(None),) * 3
    shown = tuple(part)
    masks = [np.asarray(region) for region in regions]
    groups = _regions_by_section(masks)
    indices = list(groups)[:_MAX_SECTIONS]
    images = [[np.array(volume[index][shown]) for index in indices or [len(volume) // 2]] for volume in volumes]
    if not regions:
        return [RegionSection("middle", tuple(image for (image,) in images), {})]
    return [
        RegionSection(
            f"region{'s' * (len(groups[index]) > 1)} {', '.join(map(str, groups[index]))}: z = {round(index * step)}",
            tuple(images_of_class[row] for images_of_class in images),
            {number: mask[index][shown] for number, mask in enumerate(masks, start=1) if mask[index][shown].any()},
        )
        for row, index in enumerate(indices)
    ]


def ball_mask(shape: Sequence[int], centre: Sequence[float], volume: float) -> Mask:
    """Return a ball that stands for a region without a mask.

    Parameters
    ----------
    shape : three int
        Shape of the map, z, y, x.
    centre : three float
        Centre of the region, z, y, x, in voxels from the first voxel.
    volume : float
        Volume of the region, voxels.

    Returns
    -------
    bool array, 3D
    """
    mask = np.zeros(tuple(shape), dtype=bool)
    radius = (3 * volume / (4 * np.pi)) ** (1 / 3)
    box = tuple(slice(max(0, int(middle - radius)), int(middle + radius) + 2) for middle in centre)
    axes = np.ogrid[tuple(slice(part.start, min(part.stop, side)) for part, side in zip(box, shape))]
    mask[box] = sum((axis - middle) ** 2 for axis, middle in zip(axes, centre)) <= radius**2
    return mask


def _regions_by_section(masks: Sequence[NDArray[Any]]) -> Dict[int, List[int]]:
    """Return the numbers of the regions to show in a section, by the section's index along z."""
    groups: Dict[int, List[int]] = {}
    for number, mask in enumerate(masks, start=1):
        widest = int(np.argmax((mask > 0.5).sum(axis=(1, 2))))
        distance = len(mask) // _SHARED_DISTANCE
        index = next((other for other in groups if abs(other - widest) <= distance), widest)
        groups.setdefault(index, []).append(number)
    return groups
