# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the occupancy of a part in every class, with 90 % intervals."""

from __future__ import annotations

import math
from typing import NamedTuple, Sequence, Tuple

import numpy as np
from scipy import ndimage

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.class_data import MIN_VOXELS
from occupy_core.comparing.inner_noise import Noise
from occupy_core.comparing.limits import INTERVAL_SIGMAS, OTHER_ERROR, REFERENCE_ERROR

# Å: voxels this near to solvent or to the rest of the molecule are mixed with it, and no occupancy is read from them.
# Ours.
_BORDER = 4.0

# Share of a region's voxels: with fewer voxels inside the border, occupancies are read from all voxels. Ours.
_MIN_CORE_SHARE = 0.2

# Smallest density: keeps a quotient finite.
_TINY_DENSITY = 1e-30


class Interval(NamedTuple):
    """A value and the limits of its 90 % interval."""

    low: float
    value: float
    high: float


class Reading(NamedTuple):
    """Occupancies of a part.

    Attributes
    ----------
    occupancies : tuple of Interval
        Occupancy in each class, 0..1.
    difference : Interval
        Largest difference between two classes, 0..1.
    sigmas : float
        This difference, in standard deviations of its noise.
    pair : two int
        The classes with the highest and the lowest occupancy.
    """

    occupancies: Tuple[Interval, ...]
    difference: Interval
    sigmas: float
    pair: Tuple[int, int]


def read_occupancies(densities: Floats, scales: Floats, noise: Noise) -> Reading:
    """Read the occupancies of a part from its densities in all classes.

    Parameters
    ----------
    densities : float32 array (class, voxel)
        Densities at the part's inner voxels, on one grey scale.
    scales : float32 array (class, voxel)
        Scale of the classes there, on the shared scale; 0..1.
    noise : Noise
        Noise of the mean density over a region of this volume, in the grey scale of the densities.

    Notes
    -----
    The occupancy of the strongest class is its calibrated scale. The occupancies of the other classes are their
    densities relative to it: beside a fully occupied neighbour, a kernel maximum reads part of the neighbour, and a
    density does not. Noise, the error of what counts as 1, and an error that the density of a part has for other
    reasons make the intervals.
    """
    means = densities.mean(axis=1, dtype=np.float64)
    high, low = int(means.argmax()), int(means.argmin())
    strongest = max(float(means[high]), _TINY_DENSITY)
    full = float(np.median(scales[high]))
    ratios = np.clip(means / strongest, 0, 1)
    occupancies = []
    for number, ratio in enumerate(ratios):
        own, of_strongest = noise.of_classes[number] / strongest, ratio * noise.of_classes[high] / strongest
        error = full * math.hypot(own, of_strongest if number != high else 0.0)
        occupancies.append(_interval(full * float(ratio), error))
    step = float(means[high] - means[low])
    noise_of_pair = float(noise.of_pairs[high, low])
    difference = _interval(full * float(ratios[high] - ratios[low]), full * noise_of_pair / strongest)
    return Reading(tuple(occupancies), difference, step / max(noise_of_pair, _TINY_DENSITY), (high, low))


def inner_voxels(part: Mask, spacing: float) -> Mask:
    """Return a part without its border, which is mixed with its surroundings; the complete part if little is left.

    Parameters
    ----------
    part : bool array, 3D
    spacing : float
        Spacing of the coarse grid, Å.
    """
    inner = np.zeros_like(part)
    box = box_around(part, 1)
    inner[box] = ndimage.distance_transform_edt(part[box]) * spacing > _BORDER
    return inner if inner.sum() >= max(MIN_VOXELS, _MIN_CORE_SHARE * part.sum()) else part


def weighted_mean(intervals: Sequence[Interval], weights: Sequence[float]) -> Interval:
    """Return the mean of independent values with weights that need not add up to 1, with its interval."""
    total = sum(weights)
    value = sum(weight * item.value for weight, item in zip(weights, intervals)) / total
    widths = [
        (weight * (item.high - item.value), weight * (item.value - item.low))
        for weight, item in zip(weights, intervals)
    ]
    up, down = (math.sqrt(sum(width[side] ** 2 for width in widths)) / total for side in (0, 1))
    return Interval(max(0.0, value - down), value, min(1.0, value + up))


def _interval(value: float, noise: float) -> Interval:
    """Return the 90 % interval of an occupancy with this standard deviation of its noise; 0..1."""
    half = INTERVAL_SIGMAS * math.sqrt(noise**2 + (REFERENCE_ERROR * value) ** 2 + OTHER_ERROR**2)
    return Interval(max(0.0, value - half), value, min(1.0, value + half))
