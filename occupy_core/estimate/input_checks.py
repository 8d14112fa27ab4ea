# SPDX-License-Identifier: GPL-3.0-or-later
"""What is odd about a map as a reconstruction, where its values tell."""

from __future__ import annotations

from typing import List

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import Volume

# Real maps have 1.4 and more, inverted ones -1.5 and less, maps without solvent about 0.
_INVERTED_SKEWNESS = -0.5


def map_warnings(lowest: float, lowpassed: Volume, inside: NDArray[np.bool_], *, threads: int = 1) -> List[str]:
    """Warnings of a map that is no reconstruction, or one of inverted contrast.

    Parameters
    ----------
    lowest : float
        Of the map as read.
    lowpassed : float32 array, 3D
        The same low-passed, in the box of the computation.
    inside : bool array of the shape of `lowpassed`
        Where the molecule may be.
    threads : int

    Notes
    -----
    A molecule in solvent gives a few values far above the many of the solvent, so the skewness of the low-passed map
    is positive, and negative when the contrast is inverted. That a map was filtered locally or sharpened strongly
    cannot be told reliably: a well-resolved molecule leaves the solvent around it as quiet as a local filter does.
    """
    notes = []
    if lowest >= 0:
        notes.append(
            "the map has no negative value, so it is no reconstruction with solvent noise around zero: a "
            "local-resolution map, a mask, or a map cut at zero? Scale and confidence mean little; give the map itself"
        )
    if skewness(lowpassed, inside, threads=threads) < _INVERTED_SKEWNESS:
        notes.append(
            "the map reaches further down from its solvent than up: contrast inverted (density must be positive)? "
            "Multiply it by -1"
        )
    return notes


def skewness(values: Volume, where: NDArray[np.bool_], *, threads: int = 1) -> float:
    """Third standardised moment of the values at some voxels, whatever their grey scale; 0 where they do not vary."""
    if not where.any():
        return 0.0
    mean = values.mean(where=where, dtype=np.float64)
    moments = np.empty((len(values), 2))

    def add_up(slab: slice) -> None:
        for section, chosen, found in zip(values[slab], where[slab], moments[slab]):
            deviation = section[chosen].astype(np.float64) - mean
            squared = deviation * deviation
            found[:] = squared.sum(), (squared * deviation).sum()

    for_slabs(len(values), add_up, threads=threads)
    second, third = moments.cumsum(axis=0)[-1]  # one after the other, as sums over an axis need not be
    count = int(where.sum())
    return float(third / count / (second / count) ** 1.5) if second > 0 else 0.0
