# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that all parts of a fitted model share: a small rigid motion, and a blur."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Sequence, Tuple

import numpy as np

from occupy_core.arrays.rigid_motion import MOTIONS, RigidMotion, small_motions
from occupy_core.arrays.types import Floats, Volume

# Å^2 at 1 Å from the centre of the box: the B-factor of errors of the particles' orientations of 2.5 degrees about each
# axis, what samples 7.5 degrees apart (RELION's default for classes) leave, and more; the spread of what is expected.
_B_OF_TURNS = 8 * np.pi**2 * 2 / 3 * np.radians(2.5) ** 2


@dataclass(frozen=True)
class CommonChanges:
    """Changes of the expected map with six small motions, in the order of `small_motions`, and with a blur.

    Computed for one part of the map at a time: the changes of the whole map would need six times its memory.

    Attributes
    ----------
    expected : float32 array, 3D
        The fitted model on the grid of the map.
    blur : float32 array, 3D
        Its change with the blur.
    motion : RigidMotion
        Gives the centre and the grid.
    """

    expected: Volume = field(repr=False)
    blur: Volume = field(repr=False)
    motion: RigidMotion = field(repr=False)
    count = MOTIONS + 1

    def in_part(self, part: Tuple[slice, ...]) -> Floats:
        """Return the changes in a part of the map: float32 array (change, z, y, x)."""
        motions = small_motions(self.expected, part, self.motion.centre, self.motion.steps)
        return np.concatenate([motions, self.blur[part][None]])


def blur_of_turns(blurred: Volume, expected: Volume, near: Volume, steps: Sequence[float]) -> Volume:
    """Return how the expected map changes with errors of the particles' orientations, whose blur grows outwards.

    Errors of the angle a about each axis move what lies r from the centre of the box by a r in two directions of
    three: as a B-factor of 8 pi^2 2/3 (a r)^2 would. The factor of each frequency that is fitted holds the mean of it.

    Parameters
    ----------
    blurred : float32 array, 3D
        Change of the expected map with a B-factor, per Å^2; changed in place to the result.
    expected : float32 array, 3D
    near : float32 array, 3D
        Weight of each voxel.
    steps : sequence of three float
        Spacing of the grid (z, y, x), Å.

    Returns
    -------
    float32 array, 3D
        The change by the largest angle that is expected.
    """
    squares = [((np.arange(n) - n // 2) * step) ** 2 for n, step in zip(expected.shape, steps)]
    power = np.square(expected) * near
    weights = [power.sum(axis=others, dtype=np.float64) for others in ((1, 2), (0, 2), (0, 1))]
    total = max(float(weights[0].sum()), float(np.finfo(float).tiny))
    mean = sum(float(weight @ square) for weight, square in zip(weights, squares)) / total
    z, y, x = squares
    for section, square in zip(blurred, z):
        section *= (_B_OF_TURNS * (square - mean + y[:, None] + x)).astype(np.float32)
    return blurred
