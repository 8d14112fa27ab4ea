# SPDX-License-Identifier: GPL-3.0-or-later
"""The local scale: how high the map reaches around each voxel, relative to the reference value."""

from __future__ import annotations

import math
from typing import Optional

import numpy as np

from occupy_core.arrays.slabs import for_slabs, select_values
from occupy_core.arrays.types import Volume
from occupy_core.estimate.reference import Reference


def local_scale(maximum: Volume, reference: Reference, *, threads: int = 1, out: Optional[Volume] = None) -> Volume:
    """Compute the local scale from the kernel maximum: (M - zero) / (value - zero), clipped to 0..1.

    Parameters
    ----------
    maximum : float32 array, 3D
        The kernel maximum M, in the map's grey scale.
    reference : Reference
        The values that count as 0 and as 1.
    threads : int
        Number of threads; the result does not depend on it.
    out : float32 array of the shape of `maximum`, optional
        Array for the result; may be `maximum` itself.

    Returns
    -------
    float32 array of the shape of `maximum`, 0..1.

    Notes
    -----
    Forsberg et al. 2023, with zero = 0.
    """
    result = np.empty_like(maximum) if out is None else out
    zero, span = np.float32(reference.zero), np.float32(reference.value - reference.zero)

    def scale_slab(slab: slice) -> None:
        scale = result[slab]
        np.subtract(maximum[slab], zero, out=scale)
        np.clip(scale, 0, span, out=scale)  # before the division, which may overflow
        scale /= span

    for_slabs(len(maximum), scale_slab, threads=threads)
    return result


def recalibrate(scale: Volume, zero: float) -> Volume:
    """Recalibrate a local scale to the noise level: (S - zero) / (1 - zero), clipped to 0..1.

    Parameters
    ----------
    scale : float32 array
        Local scale S, 0..1.
    zero : float
        The scale of the noise, at least 0 and less than 1.

    Notes
    -----
    Noise-level recalibration of Forsberg et al. 2023.
    """
    return np.clip((scale - np.float32(zero)) / np.float32(1 - zero), 0, 1)


def variability_limit(volume: Volume, scale: Volume, reference: Reference, *, threads: int = 1) -> float:
    """Compute the mean of the map where the local scale is 1, relative to the reference value.

    Parameters
    ----------
    volume : float32 array, 3D
        The map that the scale was computed from.
    scale : float32 array of the shape of `volume`
        Local scale, 0..1.
    reference : Reference
        The values that count as 0 and as 1.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    float
        NaN when the scale is nowhere 1.

    Notes
    -----
    The variability limit of Forsberg et al. 2023.
    """
    full = select_values(volume, lambda slab: scale[slab] >= 1, threads=threads)
    if not full.size:
        return math.nan
    return float((full.mean(dtype=np.float64) - reference.zero) / (reference.value - reference.zero))
