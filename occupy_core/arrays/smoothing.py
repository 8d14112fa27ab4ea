# SPDX-License-Identifier: GPL-3.0-or-later
"""Averages under a Gaussian, in threads and only where they are asked for; the result depends on neither."""

from __future__ import annotations

import math
from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.slabs import for_each, slabs_of
from occupy_core.arrays.types import Volume

_TRUNCATED = 2.5  # standard deviations
_SECTIONS = 16

Box = Tuple[slice, slice, slice]


def gaussian_smooth(values: Volume, width: float, *, threads: int = 1, out: Optional[Volume] = None) -> Volume:
    """The average under a Gaussian.

    Parameters
    ----------
    values : float32 array, 3D
        Mirrored at the borders of the box.
    width : float
        Of the Gaussian, full at half its height; voxels.
    threads : int
    out : float32 array of the same shape, optional
        Where to write; may be `values`.

    Returns
    -------
    float32 array of the same shape.
    """
    sigma = sigma_from_fwhm(width)
    result = np.empty_like(values) if out is None else out

    def along_z(rows: slice) -> None:
        gaussian_filter1d(values[:, rows], sigma, 0, output=result[:, rows], truncate=_TRUNCATED)

    def along_y_and_x(sections: slice) -> None:
        part = result[sections]
        for axis in (1, 2):
            gaussian_filter1d(part, sigma, axis, output=part, truncate=_TRUNCATED)

    for_each(slabs_of(values.shape[1], _SECTIONS), along_z, threads=threads)
    for_each(slabs_of(values.shape[0], _SECTIONS), along_y_and_x, threads=threads)
    return result


def gaussian_smooth_at(
    values: Volume, mask: NDArray[np.bool_], width: float, *, threads: int = 1
) -> NDArray[np.float32]:
    """`smoothed` where a mask is set alone: one value for each of its voxels."""
    if not mask.any():
        return np.zeros(0, dtype=np.float32)
    box = box_within_reach(mask, width)
    found: NDArray[np.float32] = gaussian_smooth(values[box], width, threads=threads)[mask[box]]
    return found


def gaussian_mean_in_mask(
    values: Volume, mask: NDArray[np.bool_], width: float, *, threads: int = 1
) -> NDArray[np.float32]:
    """The average of the values inside a mask under a Gaussian (`smoothed`): one for each voxel of the mask. All values
    must be finite."""
    if not mask.any():
        return np.zeros(0, dtype=np.float32)
    box = box_within_reach(mask, width)
    part = mask[box]
    work = part.astype(np.float32)
    weight = gaussian_smooth(work, width, threads=threads, out=work)[part]
    np.multiply(values[box], part, out=work)
    average: NDArray[np.float32] = gaussian_smooth(work, width, threads=threads, out=work)[part]
    average /= weight
    return average


def box_within_reach(mask: NDArray[np.bool_], width: float) -> Box:
    """The box that holds all of a mask, which is not empty, and all that a Gaussian of this width reaches from it."""
    return box_around(mask, math.ceil(_TRUNCATED * sigma_from_fwhm(width)) + 1)


def sigma_from_fwhm(full_width: float) -> float:
    """Standard deviation of a Gaussian of this full width at half maximum."""
    return full_width / (2 * math.sqrt(2 * math.log(2)))
