# SPDX-License-Identifier: GPL-3.0-or-later
"""Low-pass filter, change of box, and how much detail a map has."""

from __future__ import annotations

import math
from typing import List, Optional

import numpy as np

from occupy_core.arrays.types import Volume
from occupy_core.fourier.shells import folded_index, for_section_pairs
from occupy_core.fourier.transforms import (
    ROUNDING,
    forward,
    inverse,
    waves_within,
)


def low_pass(
    volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1, out: Optional[Volume] = None
) -> Volume:
    """Remove all detail finer than a cutoff.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size : float
        Å.
    cutoff_angstrom : float
        At least the shells of two waves across the shortest side must remain.
    threads : int
        For the transforms; the result does not depend on it.
    out : float32 array of the same shape, optional
        Where the result goes; may be `volume` itself.

    Returns
    -------
    float32 array of the same shape.

    Notes
    -----
    A sharp radial filter, centred on the Fourier origin: of n shells across the longest side
    `floor(n a / cutoff) + 1` are kept. The published program centres its window half a voxel off.
    """
    longest = max(volume.shape)
    radius = math.floor(longest * voxel_size / cutoff_angstrom * (1 + ROUNDING)) + 1
    waves = waves_within(volume.shape, radius)
    spectrum = forward(volume, waves, threads=threads)
    rows = folded_index(spectrum.shape[1])

    def cut(sections: List[int], squares: Volume) -> None:
        beyond = (squares >= radius**2)[rows]
        for place in sections:
            spectrum[place][beyond] = 0

    for_section_pairs(volume.shape, waves, cut, threads=threads)
    return inverse(spectrum, waves, np.empty_like(volume) if out is None else out, threads=threads)
