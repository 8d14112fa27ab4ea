# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the occupancy of a part in every class, with 90 % intervals."""

from __future__ import annotations

import math
from typing import NamedTuple, Sequence, Tuple

import numpy as np
from scipy import ndimage

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.smoothing import gaussian_smooth
from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.inner_noise import Noise
from occupy_core.comparing.limits import (
    INTERVAL_SIGMAS,
    MIN_VOXELS,
    MIXED_ERROR,
    NOISE_MARGIN,
    OTHER_ERROR,
    REFERENCE_ERROR,
    TINY,
)

# Å: voxels this near to solvent or to the rest of the molecule are mixed with it, and no occupancy is read from them.
# Ours.
_BORDER = 4.0

# Share of a region's voxels: with fewer voxels inside the border, occupancies are read from all voxels. Ours.
_MIN_CORE_SHARE = 0.2

# Largest share of a part's density that may be mixed in: keeps a quotient finite.
_MAX_MIXED = 0.9


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
        Difference of these two classes over all inner voxels, in standard deviations of its noise.
    pair : two int
        The classes with the highest and the lowest occupancy.
    """

    occupancies: Tuple[Interval, ...]
    difference: Interval
    sigmas: float
    pair: Tuple[int, int]


def read_occupancies(densities: Floats, scales: Floats, mixing: Floats, noise: Noise, noise_of_half: Noise) -> Reading:
    """Read the occupancies of a part from its densities in all classes.

    Parameters
    ----------
    densities : float32 array (class, voxel)
        Densities at the part's inner voxels, on one grey scale.
    scales : float32 array (class, voxel)
        Scale of the classes there, on the shared scale; 0..1.
    mixing : float32 array (voxel,)
        Share of the density there that the surroundings of the part have, as `mixing_with` tells it; 0..1.
    noise, noise_of_half : Noise
        Noise of the mean density over the part, and over half of its inner voxels, in the grey scale of the densities.

    Notes
    -----
    The occupancy of the strongest class is its calibrated scale. The occupancies of the other classes are their
    densities relative to it: beside a fully occupied neighbour, a kernel maximum reads part of the neighbour, and a
    density does not. They are read from the half of the inner voxels that is least mixed with the surroundings. What is
    mixed in all the same may be all of a low occupancy, so an interval reaches down to the occupancy without it.
    """
    means = densities.mean(axis=1, dtype=np.float64)
    anchor = int(means.argmax())
    half = mixing <= np.median(mixing)
    of_half = densities[:, half].mean(axis=1, dtype=np.float64)
    full, density = float(np.median(scales[anchor])), max(float(of_half[anchor]), TINY)
    ratios = np.maximum(of_half, 0.0) / density
    values = np.minimum(full * ratios, 1.0)
    noises = NOISE_MARGIN * noise_of_half.of_classes / density
    mixed = min(float(mixing[half].mean()), _MAX_MIXED)
    errors, excesses = [], []
    for number, (value, ratio, own) in enumerate(zip(values.tolist(), ratios.tolist(), noises.tolist())):
        errors.append(error_of(value, full * math.hypot(own, ratio * noises[anchor] if number != anchor else 0.0)))
        excesses.append(0.0 if number == anchor else value - without_mixing(ratio, full, mixed))
    occupancies = tuple(interval(float(value), *item) for value, *item in zip(values, errors, excesses))
    high, low = int(values.argmax()), int(values.argmin())
    error = math.hypot(errors[high], errors[low])
    difference = interval(float(values[high] - values[low]), error, above=excesses[low])
    noise_of_step = max(float(noise.of_pairs[high, low]), TINY)
    return Reading(occupancies, difference, float(means[high] - means[low]) / noise_of_step, (high, low))


def without_mixing(ratio: float, full: float, mixed: float) -> float:
    """Return an occupancy without the density of surroundings that are fully occupied.

    Parameters
    ----------
    ratio : float
        Density of the part relative to the strongest class, 0 or more.
    full : float
        Occupancy of the strongest class, 0..1.
    mixed : float
        Share of the surroundings in the density of a fully occupied part, 0..1.
    """
    density = ratio * ((1 - mixed) * full + mixed)
    return min(full * ratio, 1.0, max(0.0, (density - mixed) / (1 - mixed)))


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


def mixing_with(rest: Mask, part: Mask, chosen: Mask, width: float, threads: int = 1) -> Floats:
    """Return the share of the density at chosen voxels that others than the part have, if all are equally dense.

    Parameters
    ----------
    rest, part, chosen : bool array, 3D
        The rest of the molecule, the part, and voxels of the part.
    width : float
        Full width at half maximum of the Gaussian that blurs the maps, voxels.
    threads : int

    Returns
    -------
    float32 array (chosen voxel,), 0..1.
    """
    box = box_around(part, math.ceil(2 * width))
    others, own = (
        gaussian_smooth(mask[box].astype(np.float32), width, threads=threads)[chosen[box]] for mask in (rest, part)
    )
    return others / np.maximum(others + own, np.float32(TINY))


def weighted_mean(intervals: Sequence[Interval], weights: Sequence[float]) -> Interval:
    """Return the mean of values with weights that need not add up to 1, with its interval.

    The classes of a part share most of their errors (one reference, the same surroundings): their limits are averaged.
    """
    return Interval(*(float(value) for value in np.average(np.array(intervals), axis=0, weights=weights)))


def error_of(value: float, noise: float) -> float:
    """Return the standard deviation of the error of an occupancy (0..1) with this standard deviation of its noise."""
    mixed = 4 * value * (1 - value) * MIXED_ERROR
    return math.sqrt(noise**2 + (REFERENCE_ERROR * value) ** 2 + mixed**2 + OTHER_ERROR**2)


def interval(value: float, error: float, below: float = 0.0, above: float = 0.0) -> Interval:
    """Return the 90 % interval of a value with this standard deviation of its error; 0..1.

    The value may be too high or too low by as much as `below` and `above` for other reasons.
    """
    half = INTERVAL_SIGMAS * error
    return Interval(max(0.0, value - math.hypot(half, below)), value, min(1.0, value + math.hypot(half, above)))
