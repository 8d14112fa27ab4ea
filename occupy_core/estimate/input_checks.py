# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings about maps that do not look like a reconstruction of positive density in solvent."""

from __future__ import annotations

from typing import List

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import Volume

# Skewness (no unit) of the low-passed map below which the contrast counts as inverted. Measured on real maps: upright
# ones have 1.4 and more, inverted ones -1.5 and less, maps without solvent about 0.
_INVERTED_SKEWNESS = -0.5


def map_warnings(lowest: float, lowpassed: Volume, inside: NDArray[np.bool_], *, threads: int = 1) -> List[str]:
    """Warn about a map without negative values and about a map of inverted contrast.

    Parameters
    ----------
    lowest : float
        Lowest value of the map as read, in its grey scale.
    lowpassed : float32 array, 3D
        The low-passed map in the working box, or a part of its sections.
    inside : bool array of the shape of `lowpassed`
        The voxels where the molecule may be: inside the inscribed sphere and outside flat areas.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    list of str
        The warnings; empty for most maps.

    Notes
    -----
    A molecule in solvent gives a few values far above the many values of the solvent, so the skewness of the low-passed
    map is positive; it is negative when the contrast is inverted. No warning is given for maps that were filtered
    locally or sharpened strongly: they cannot be recognised reliably, because a well-resolved molecule leaves the
    solvent around it as quiet as a local filter does.
    """
    notes = []
    if lowest >= 0:
        notes.append(
            "the map has no negative value, expected a reconstruction with solvent noise around zero; is it a "
            "local-resolution map, a mask, or a map cut at zero? Scale and confidence are unreliable; use the "
            "reconstruction itself"
        )
    if skewness(lowpassed, inside, threads=threads) < _INVERTED_SKEWNESS:
        notes.append(
            "the values below the solvent level are more extreme than those above: is the contrast inverted (density "
            "must be positive)? Multiply the map by -1"
        )
    return notes


def skewness(values: Volume, where: NDArray[np.bool_], *, threads: int = 1) -> float:
    """Compute the skewness (third standardised moment) of the values in a mask.

    Parameters
    ----------
    values : float32 array, 3D
    where : bool array of the shape of `values`
        The mask.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    float
        0 for a symmetric distribution, for an empty mask and for constant values; does not depend on the grey scale.
    """
    if not where.any():
        return 0.0
    mean = values.mean(where=where, dtype=np.float64)
    moments = np.empty((len(values), 2))

    def add_up(slab: slice) -> None:
        for section, chosen, section_moments in zip(values[slab], where[slab], moments[slab]):
            deviation = section[chosen].astype(np.float64) - mean
            squared = deviation * deviation
            section_moments[:] = squared.sum(), (squared * deviation).sum()

    for_slabs(len(values), add_up, threads=threads)
    # cumsum adds one section after the other; the order in which sum adds along an axis is not fixed.
    second, third = moments.cumsum(axis=0)[-1]
    count = int(where.sum())
    return float(third / count / (second / count) ** 1.5) if second > 0 else 0.0
