# SPDX-License-Identifier: GPL-3.0-or-later
"""Density that stands out from solvent in a smoothed map."""

from __future__ import annotations

from occupy_core.arrays.types import Mask, Volume

# Chosen on simulated complexes (docs/accuracy.md).
_NOISE_LEVELS = 4.0  # limit: number of standard deviations of the smoothed solvent
_SHARE_OF_MAXIMUM = 0.05  # limit: share of the highest smoothed density in the map


def significant(smooth: Volume, noise: float) -> Mask:
    """Find the voxels whose density is significant.

    Parameters
    ----------
    smooth : float32 array
        Smoothed density above the solvent.
    noise : float
        Standard deviation of the solvent in it.

    Returns
    -------
    bool array of the shape of `smooth`
        True above four standard deviations of the solvent and above 5 % of the highest density.
    """
    found: Mask = smooth > max(_NOISE_LEVELS * noise, _SHARE_OF_MAXIMUM * float(smooth.max()))
    return found
