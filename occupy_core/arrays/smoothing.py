# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaussian smoothing on several threads, of a complete array or only inside a mask, with equal results."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import List, NamedTuple, Optional

import numpy as np
from scipy.ndimage import gaussian_filter1d

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.slabs import for_each, slabs_of
from occupy_core.arrays.types import Box, Floats, Mask, Volume

_TRUNCATE = 2.5  # standard deviations, at which the Gaussian is cut off
_SECTIONS = 16
_BLOCK = 64  # rows of a matrix block: few columns of it are 0, and matrix products are fast


class _Block(NamedTuple):
    """A block of the matrix that smooths along an axis: its rows make `results` from the values at `sources`."""

    results: slice
    sources: slice
    matrix: Floats


def gaussian_smooth(values: Volume, width: float, *, threads: int = 1, out: Optional[Volume] = None) -> Volume:
    """Smooth an array with a Gaussian.

    Parameters
    ----------
    values : float32 array, 3D
        Finite; mirrored at the borders of the box.
    width : float
        Full width of the Gaussian at half maximum, voxels.
    threads : int
        Does not change the result.
    out : float32 array of the same shape, optional
        Array for the result; may be `values`.

    Returns
    -------
    float32 array of the same shape.
    """
    result = np.empty_like(values) if out is None else out
    if not result.flags.c_contiguous:
        result[:] = gaussian_smooth(values, width, threads=threads)
        return result
    z, y, x = (_blocks(side, sigma_from_fwhm(width)) for side in values.shape)
    if result is not values:
        result[:] = values
    lines = result.reshape(len(result), -1)  # along z

    def along_z(rows: slice) -> None:
        side = values.shape[2]
        columns = slice(rows.start * side, rows.stop * side)
        source = lines[:, columns].copy()
        for block in z:
            np.matmul(block.matrix, source[block.sources], out=lines[block.results, columns])

    def along_y_and_x(sections: slice) -> None:
        slab = result[sections]
        smooth = np.empty_like(slab)
        for block in y:
            np.matmul(block.matrix, slab[:, block.sources], out=smooth[:, block.results])
        for block in x:
            np.matmul(smooth[:, :, block.sources], block.matrix.T, out=slab[:, :, block.results])

    for_each(slabs_of(values.shape[1], _SECTIONS), along_z, threads=threads)
    for_each(slabs_of(values.shape[0], _SECTIONS), along_y_and_x, threads=threads)
    return result


@lru_cache(maxsize=64)
def _blocks(side: int, sigma: float) -> List[_Block]:
    """Return the blocks of the matrix that smooths an axis of this length; sigma in voxels.

    Matrix products of the processor's library take less than half the time of scipy's filter.
    """
    matrix: Floats = gaussian_filter1d(np.eye(side), sigma, 0, truncate=_TRUNCATE).astype(np.float32)
    reach = int(_TRUNCATE * sigma + 0.5)
    blocks = []
    for results in slabs_of(side, _BLOCK):
        sources = slice(max(0, results.start - reach), min(side, results.stop + reach))
        blocks.append(_Block(results, sources, np.ascontiguousarray(matrix[results, sources])))
    return blocks


def gaussian_smooth_at(values: Volume, mask: Mask, width: float, *, threads: int = 1) -> Floats:
    """Smooth an array with a Gaussian and return only the values inside a mask.

    Parameters
    ----------
    values : float32 array, 3D
    mask : bool array of the same shape
    width, threads
        As in `gaussian_smooth`.

    Returns
    -------
    float32 array, 1D: `gaussian_smooth(values, width)[mask]`, but for rounding.
    """
    if not mask.any():
        return np.zeros(0, dtype=np.float32)
    box = box_within_reach(mask, width)
    smoothed: Floats = gaussian_smooth(values[box], width, threads=threads)[mask[box]]
    return smoothed


def gaussian_mean_in_mask(values: Volume, mask: Mask, width: float, *, threads: int = 1) -> Floats:
    """Compute a Gaussian-weighted mean around each voxel of a mask; voxels outside the mask have no weight.

    Parameters
    ----------
    values : float32 array, 3D
        Finite, outside the mask too.
    mask : bool array of the same shape
    width, threads
        As in `gaussian_smooth`.

    Returns
    -------
    float32 array, 1D: one mean for each voxel of the mask, in the order of `values[mask]`.
    """
    if not mask.any():
        return np.zeros(0, dtype=np.float32)
    box = box_within_reach(mask, width)
    mask_in_box = mask[box]
    work = mask_in_box.astype(np.float32)
    weight = gaussian_smooth(work, width, threads=threads, out=work)[mask_in_box]
    np.multiply(values[box], mask_in_box, out=work)
    mean: Floats = gaussian_smooth(work, width, threads=threads, out=work)[mask_in_box]
    mean /= weight
    return mean


def box_within_reach(mask: Mask, width: float) -> Box:
    """Return the box that contains a mask, which must not be empty, and the reach of a Gaussian around it.

    `width` is the Gaussian's full width at half maximum in voxels.
    """
    return box_around(mask, math.ceil(_TRUNCATE * sigma_from_fwhm(width)) + 1)


def sigma_from_fwhm(full_width: float) -> float:
    """Return the standard deviation of a Gaussian with this full width at half maximum."""
    return full_width / (2 * math.sqrt(2 * math.log(2)))
