# SPDX-License-Identifier: GPL-3.0-or-later
"""Give all classes one map where they do not differ by more than noise: a consensus of the classes."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from occupy_core.arrays.types import Mask, Volume
from occupy_core.errors import MapError
from occupy_core.fourier.low_pass import gaussian_low_pass
from occupy_core.solvent.model import CONFIDENT
from occupy_core.weighting.class_maps import WeightedMap, coarse_box, mean_map, on_box, power

# Full width in Å of the Gaussian that smooths the differences: the resolution of the run, within these limits. Measured
# on simulated particles: finer differences are noise, coarser ones reach beyond a part of 15 kDa.
_FINEST, _COARSEST = 20.0, 36.0
# Differences, in standard deviations of noise, up to which classes get one map, and from which each keeps its own.
_EQUAL, _DIFFERENT = 2.0, 4.0
_SIGMA_OF_DEVIATION = 1.4826  # standard deviation of a Gaussian in units of its median absolute deviation


def weight_by_consensus(
    volume: Volume,
    others: Sequence[Volume],
    shares: Sequence[float],
    mask: Volume,
    *,
    voxel_size: float,
    smooth: Optional[float] = None,
    resolution: Optional[float] = None,
) -> WeightedMap:
    """Replace a class map by the mean of all classes where it does not differ from them, and remove solvent.

    Parameters
    ----------
    volume : float32 array, 3D
        The map of the class as reconstructed.
    others : sequence of float32 arrays of the same shape
        The maps of the other classes as reconstructed, in the iteration before; at least one.
    shares : sequence of float
        Shares of the particles, above 0, at most 1: of `volume`, then of the others.
    mask : float32 array of the same shape, 0..1
        From `occupy_core.weighting.confidence.confidence_mask`.
    voxel_size : float
        Å.
    smooth : float, optional
        Full width in Å of the Gaussian that smooths the differences; the resolution, from 20 to 36 Å, by default.
    resolution : float, optional
        Resolution of the run, Å.

    Returns
    -------
    WeightedMap

    Raises
    ------
    MapError
        If the mask is empty, or two maps are equal all over the molecule.

    Notes
    -----
    (mean + W (map - mean)) times the mask. W rises from 0 to 1 where the largest difference from another class rises
    from 2 to 4 standard deviations. The noise is told by the differences themselves, because most of a molecule does
    not differ: median absolute deviation over the molecule (an empirical null: Efron, J. Am. Stat. Assoc. 99 (2004),
    96).
    """
    mean = mean_map([volume, *others], shares)
    width = smooth or min(max(resolution or _FINEST, _FINEST), _COARSEST)
    box = coarse_box(mean.shape, voxel_size=voxel_size, lowpass=width)
    own, *coarse_others = (on_box(item, box) for item in (volume, *others))
    width_voxels = width / voxel_size * box[0] / mean.shape[0]
    weight = difference_weight(own, coarse_others, on_box(mask, box) > CONFIDENT, width=width_voxels)
    weight = np.clip(on_box(weight, mean.shape), 0, 1)
    difference = volume - mean
    kept = power(difference * weight) / power(difference)
    difference *= weight
    difference += mean
    difference *= mask
    return WeightedMap(difference, kept)


def difference_weight(volume: Volume, others: Sequence[Volume], molecule: Mask, *, width: float) -> Volume:
    """Compute where a class differs from others by more than noise, 0..1.

    Parameters
    ----------
    volume : float32 array, 3D
        The map of a class.
    others : sequence of float32 arrays of the same shape
        The maps of other classes.
    molecule : bool array of the same shape
        Voxels of the molecule.
    width : float
        Full width of the smoothing Gaussian, voxels.

    Returns
    -------
    float32 array of the same shape.

    Raises
    ------
    MapError
        If the molecule has no voxels, or no difference anywhere.
    """
    if not molecule.any():
        raise MapError("the mask is empty, so nothing tells the noise of differences")
    largest = np.zeros_like(volume)
    for other in others:
        difference = gaussian_low_pass(volume - other, width)
        inside = difference[molecule]
        middle = np.median(inside)
        deviation = np.median(np.abs(inside - middle))
        if not deviation > 0:
            raise MapError("found two classes with the same map, expected maps of their own particles")
        np.maximum(largest, np.abs(difference - middle) / np.float32(_SIGMA_OF_DEVIATION * deviation), out=largest)
    largest -= np.float32(_EQUAL)
    largest /= np.float32(_DIFFERENT - _EQUAL)
    return np.clip(largest, 0, 1, out=largest)
