# SPDX-License-Identifier: GPL-3.0-or-later
"""The local scale: how high a map reaches around each voxel, relative to where it reaches highest."""

from __future__ import annotations

import math
from typing import Optional

import numpy as np

from occupy_core.arrays.slabs import for_slabs, select_values
from occupy_core.arrays.types import Volume
from occupy_core.estimate.reference import Reference


def local_scale(maximum: Volume, reference: Reference, *, threads: int = 1, out: Optional[Volume] = None) -> Volume:
    """The local scale, 0..1, from the maximum of the map over the kernel around each voxel; in `out` where given, which
    may be the maximum itself."""
    result = np.empty_like(maximum) if out is None else out
    zero, span = np.float32(reference.zero), np.float32(reference.value - reference.zero)

    def scaled(slab: slice) -> None:
        found = result[slab]
        np.subtract(maximum[slab], zero, out=found)
        found /= span
        np.clip(found, 0, 1, out=found)

    for_slabs(len(maximum), scaled, threads=threads)
    return result


def recalibrate(scale: Volume, zero: float) -> Volume:
    """The local scale with its zero moved to `zero`, 0..1 (noise-level recalibration)."""
    return np.clip((scale - np.float32(zero)) / np.float32(1 - zero), 0, 1)


def variability_limit(volume: Volume, scale: Volume, reference: Reference, *, threads: int = 1) -> float:
    """Mean of the map where the local scale is 1, relative to full scale; NaN when it is nowhere 1."""
    full = select_values(volume, lambda slab: scale[slab] >= 1, threads=threads)
    if not full.size:
        return math.nan
    return float((full.mean(dtype=np.float64) - reference.zero) / (reference.value - reference.zero))
