# SPDX-License-Identifier: GPL-3.0-or-later
"""What is odd about a map as a reconstruction, where its values tell."""

from __future__ import annotations

from typing import List

import numpy as np
from numpy.typing import NDArray

from occupy_core.binning import Counts

# Real maps have 1.4 and more, inverted ones -1.5 and less, maps without solvent about 0.
_INVERTED_SKEWNESS = -0.5


def oddities(lowest: float, values: NDArray[np.float64], counts: Counts) -> List[str]:
    """Warnings of a map that is no reconstruction, or one of inverted contrast.

    Parameters
    ----------
    lowest : float
        Of the map as read.
    values, counts : float64 and int array, 1D
        Histogram of the low-passed map where the molecule may be.

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
    if skewness(values, counts) < _INVERTED_SKEWNESS:
        notes.append(
            "the map reaches further down from its solvent than up: contrast inverted (density must be positive)? "
            "Multiply it by -1"
        )
    return notes


def skewness(values: NDArray[np.float64], counts: Counts) -> float:
    """Third standardised moment of a histogram, whatever the grey scale; 0 where nothing varies."""
    number = int(counts.sum())
    if not number:
        return 0.0
    deviation = values - np.dot(values, counts) / number
    second, third = (float(np.dot(deviation**power, counts)) / number for power in (2, 3))
    return third / second**1.5 if second > 0 else 0.0
