# SPDX-License-Identifier: GPL-3.0-or-later
"""How far classes are shifted against the reference class."""

from __future__ import annotations

import math
from typing import List, Sequence

import numpy as np

from occupy_core.comparing.class_data import ClassData
from occupy_core.fourier.transforms import forward, inverse, waves_within

_FARTHEST = 20.0  # Å, that a class lies off another as a whole

_FINEST = 8.0  # Å, of the waves that tell it: the low-pass leaves none finer unless asked to


def class_shifts(views: Sequence[ClassData], reference: int, *, spacing: float, threads: int = 1) -> List[float]:
    """How far each class lies off the reference class as a whole, to the next voxel of the coarse grid; Å, as spacing.

    0 where it would be more than 20 Å, since then a part lies on another one that is like it.
    """
    density = views[reference].density.load()
    # No more waves than low-passed maps have, which takes less memory.
    waves = waves_within(density.shape, math.ceil(max(density.shape) * spacing / _FINEST))
    of_reference = forward(density, waves, threads=threads)
    np.conj(of_reference, out=of_reference)
    distances = []
    for place, view in enumerate(views):
        density = view.density.load()
        spectrum = forward(density, waves, threads=threads)
        spectrum *= of_reference
        correlation = inverse(spectrum, waves, density, threads=threads)
        best = np.unravel_index(int(correlation.argmax()), correlation.shape)
        steps = [min(int(index), side - int(index)) for index, side in zip(best, correlation.shape)]
        distance = spacing * math.sqrt(sum(step**2 for step in steps))
        distances.append(distance if place != reference and distance <= _FARTHEST else 0.0)
    return distances
