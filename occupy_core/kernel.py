# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel of the local scale: its size, its percentile tau, and the maximum over it."""

from __future__ import annotations

import math
from typing import Dict, List, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from occupy_core.fourier import ROUNDING
from occupy_core.maps import Volume

# Sections handled at a time, so that what a slab needs stays in the processor's cache.
_SLAB = 8


def default_kernel_size(lowpass_angstrom: float, voxel_size: float) -> int:
    """Edge of the kernel's box in voxels: the largest odd number up to floor(lp/a) + 1, within 3..9."""
    return min(9, max(3, 2 * (math.floor(lowpass_angstrom / voxel_size * (1 + ROUNDING)) // 2) + 1))


def default_kernel_radius(lowpass_angstrom: float, voxel_size: float, *, is_occupancy: bool) -> float:
    """Radius of the kernel in voxels: half of the low-pass as published; for calibrated occupancies 5/16 of it, since a
    large kernel reaches into stronger neighbours, and at least one voxel."""
    if is_occupancy:
        return max(1.0, 5 / 16 * lowpass_angstrom / voxel_size)
    return lowpass_angstrom / (2 * voxel_size)


def ball(size: int, radius: float) -> NDArray[np.bool_]:
    """The voxels of a box of odd edge `size` whose distance to its centre is at most `radius` (voxels)."""
    distance = np.arange(size) - size // 2
    squared = distance[:, None, None] ** 2 + distance[:, None] ** 2 + distance**2
    return squared <= (radius * (1 + ROUNDING)) ** 2


def tau_of(voxels: int) -> float:
    """The percentile (a fraction) that the largest of `voxels` draws exceeds with a probability equal to itself.

    Notes
    -----
    The one root in (0, 1) of x^m + x - 1 = 0 (Forsberg et al. 2023).
    """
    return float(brentq(lambda x: x**voxels + x - 1, 0.0, 1.0, xtol=1e-15))


def ball_maximum(volume: Volume, kernel: NDArray[np.bool_]) -> Volume:
    """The maximum of a map over a ball around each voxel.

    Parameters
    ----------
    volume : float32 array, 3D
    kernel : bool array
        A ball from `ball`.

    Returns
    -------
    float32 array of the same shape.

    Notes
    -----
    Edges are mirrored (half-sample symmetric: d c b a | a b c d | d c b a). Equal to the bit to
    scipy.ndimage.maximum_filter with the kernel as footprint. A ball is a union of lines along the last
    axis: the running maximum is taken once for each length of line that occurs, then shifted over the others.
    """
    half = kernel.shape[0] // 2
    lines: Dict[int, List[Tuple[int, int]]] = {}
    for z, y in zip(*np.nonzero(kernel.any(axis=2))):
        lines.setdefault(int(kernel[z, y].sum()) // 2, []).append((int(z), int(y)))
    result = np.full_like(volume, -np.inf)
    depth, height, width = volume.shape
    sections = np.pad(np.arange(depth), half, mode="symmetric")
    for start in range(0, depth, _SLAB):
        out = result[start : start + _SLAB]
        slab = volume[sections[start : start + len(out) + 2 * half]]
        slab = np.pad(slab, ((0, 0), (half, half), (half, half)), mode="symmetric")
        for reach, places in lines.items():
            along = _line_maximum(slab, half, reach, width)
            for z, y in places:
                np.maximum(out, along[z : z + len(out), y : y + height], out=out)
    return result


def _line_maximum(slab: Volume, half: int, reach: int, width: int) -> Volume:
    """Maximum over `reach` voxels to both sides along the last axis, whose padding of `half` is dropped."""
    result = slab[:, :, half : half + width].copy()
    for shift in range(1, reach + 1):
        for start in (half - shift, half + shift):
            np.maximum(result, slab[:, :, start : start + width], out=result)
    return result
