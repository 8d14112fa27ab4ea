# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours in the figures: grey for density, viridis for values from 0 to 1."""

from __future__ import annotations

from typing import Any, Sequence, Tuple

import numpy as np

# Names of colour maps in matplotlib.
FRACTION_COLOURS = "viridis"
DENSITY_COLOURS = "gray"
# Outlines of target masks.
OUTLINE_COLOURS = ("C3", "C1", "C6", "C9")


def grey_levels(images: Sequence[Any]) -> Tuple[float, float]:
    """Return the values shown as black and as white: percentiles 1 and 99.8 of all pixels of some sections.

    Black is then the lower edge of the solvent, and only the strongest density is clipped to white.
    """
    values = np.concatenate([np.ravel(image) for image in images])
    low, high = (float(level) for level in np.percentile(values, (1, 99.8)))
    return (low, high) if high > low else (float(values.min()), float(values.max()))
