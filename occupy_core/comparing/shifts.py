# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how far complete class maps are shifted against the reference class."""

from __future__ import annotations

import math
from typing import List, Sequence

import numpy as np

from occupy_core.comparing.class_data import ClassData
from occupy_core.fourier.transforms import band_within, forward, inverse

# Å: a larger shift is ignored, because two similar parts of the molecule may then lie on one another. Our choice.
_MAX_SHIFT = 20.0

# Å, the shortest wavelength that is used: the default low-pass leaves none shorter.
_MIN_WAVELENGTH = 8.0


def class_shifts(classes: Sequence[ClassData], reference: int, *, spacing: float, threads: int = 1) -> List[float]:
    """Measure the shift of each class against the reference class, by cross-correlation of their densities.

    Parameters
    ----------
    classes : sequence of ClassData
        On one coarse grid.
    reference : int
        Index of the reference class.
    spacing : float
        Spacing of the coarse grid, Å.
    threads : int

    Returns
    -------
    list of float
        Length of the shift of each class, Å, to the nearest voxel of the coarse grid; 0 for the reference class and
        where the shift would exceed 20 Å.
    """
    density = classes[reference].density.load()
    # Low-passed maps have no shorter waves; fewer waves take less memory.
    waves = band_within(density.shape, math.ceil(max(density.shape) * spacing / _MIN_WAVELENGTH))
    of_reference = forward(density, waves, threads=threads)
    np.conj(of_reference, out=of_reference)
    distances = []
    for index, item in enumerate(classes):
        density = item.density.load()
        spectrum = forward(density, waves, threads=threads)
        spectrum *= of_reference
        correlation = inverse(spectrum, waves, density, threads=threads)
        peak = np.unravel_index(int(correlation.argmax()), correlation.shape)
        # The transform is periodic: a shift beyond half of the side is a shorter shift in the other direction.
        steps = [min(int(position), side - int(position)) for position, side in zip(peak, correlation.shape)]
        distance = spacing * math.sqrt(sum(step**2 for step in steps))
        distances.append(distance if index != reference and distance <= _MAX_SHIFT else 0.0)
    return distances
