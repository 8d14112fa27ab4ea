# SPDX-License-Identifier: GPL-3.0-or-later
"""Low-pass filter of maps."""

from __future__ import annotations

import math
from typing import List, Optional

import numpy as np

from occupy_core.arrays.types import Image, Volume
from occupy_core.fourier.shells import folded_index, for_section_pairs
from occupy_core.fourier.transforms import (
    ROUNDING,
    band_within,
    forward,
    inverse,
)


def low_pass(
    volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1, out: Optional[Volume] = None
) -> Volume:
    """Remove all detail finer than a cutoff from a map.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size : float
        Å.
    cutoff_angstrom : float
        Å. At least two shells across the shortest side must remain.
    threads : int
        Does not change the result.
    out : float32 array of the same shape, optional
        Array for the result; may be `volume`.

    Returns
    -------
    float32 array of the same shape.

    Notes
    -----
    The filter is radial and sharp, centred on the Fourier origin: for n voxels of a Å along the longest side,
    `floor(n a / cutoff) + 1` shells remain. The published program centres its window half a voxel off.
    """
    longest = max(volume.shape)
    radius = math.floor(longest * voxel_size / cutoff_angstrom * (1 + ROUNDING)) + 1
    band = band_within(volume.shape, radius)
    spectrum = forward(volume, band, threads=threads)
    rows = folded_index(spectrum.shape[1])

    def remove_beyond_radius(sections: List[int], squared_radii: Image) -> None:
        beyond = (squared_radii >= radius**2)[rows]
        for section in sections:
            spectrum[section][beyond] = 0

    for_section_pairs(volume.shape, band, remove_beyond_radius, threads=threads)
    return inverse(spectrum, band, np.empty_like(volume) if out is None else out, threads=threads)
