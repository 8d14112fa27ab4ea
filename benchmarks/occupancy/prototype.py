# SPDX-License-Identifier: GPL-3.0-or-later
"""The first and simplest calibration; the calibration in use must be at least as accurate."""

from __future__ import annotations

import itertools

import numpy as np

from occupy_core.estimate.kernel import ball_mask, ball_maximum, default_kernel_size
from occupy_core.estimate.local_scale import local_scale
from occupy_core.estimate.reference import Reference
from occupy_core.fourier.low_pass import low_pass
from occupy_core.maps.density_map import DensityMap
from occupy_core.solvent.region import flat_areas, inscribed_sphere

_CUBE = 24.0  # edge of the cubes in which the median is computed, Å
_BINS = 400


def prototype_scale(source: DensityMap) -> np.ndarray:
    """Estimate the local scale of a map, 0..1, in occupancy mode with the simplest calibration.

    Notes
    -----
    M is the kernel maximum of the low-passed map, with the published kernel. Zero is the mode of M (the highest bin of
    a histogram) inside the inscribed sphere, without flat areas. One is the largest median of M over cubes of 24 Å, at
    steps of half a cube. Large maps are not Fourier-cropped.
    """
    voxel_size = source.grid.voxel_size
    lowpass = max(8.0, 3 * voxel_size)
    lowpassed = low_pass(source.data, voxel_size=voxel_size, cutoff_angstrom=lowpass)
    size = default_kernel_size(lowpass, voxel_size)
    maximum = ball_maximum(lowpassed, ball_mask(size, lowpass / (2 * voxel_size)))
    inside = inscribed_sphere(maximum.shape) & ~flat_areas(source.data)
    zero = _mode(maximum[inside])
    one = _largest_median(maximum, max(2, round(_CUBE / voxel_size)))
    return local_scale(maximum, Reference(one, (0, 0, 0), (0, 0, 0), 1, zero))


def _mode(values: np.ndarray) -> float:
    counts, edges = np.histogram(values, _BINS)
    peak = int(counts.argmax())
    return float((edges[peak] + edges[peak + 1]) / 2)


def _largest_median(values: np.ndarray, side: int) -> float:
    """Return the largest median over cubes of `side` voxels, at steps of half a cube."""
    starts = [range(0, length - side + 1, max(1, side // 2)) for length in values.shape]
    cubes = (values[z : z + side, y : y + side, x : x + side] for z, y, x in itertools.product(*starts))
    return max(float(np.median(cube)) for cube in cubes)
