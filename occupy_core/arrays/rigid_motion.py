# SPDX-License-Identifier: GPL-3.0-or-later
"""Move a map rigidly, and find by how much it must be moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from occupy_core.arrays.types import Volume

Doubles = NDArray[np.float64]

MOTIONS = 6  # three shifts and three rotations


@dataclass(frozen=True)
class RigidMotion:
    """A rigid motion of a grid: x goes to y = matrix (x - centre) + centre + offset, in Å from voxel 0 (z, y, x).

    Attributes
    ----------
    matrix : float array (3, 3)
        Rotation.
    offset, centre : float arrays (3)
    steps : three float
        Spacing of the grid, Å; 1 for motions in voxels.
    """

    matrix: Doubles
    offset: Doubles
    centre: Doubles
    steps: Tuple[float, ...]

    @classmethod
    def none(cls, centre: Doubles, steps: Sequence[float]) -> RigidMotion:
        """Return the motion that moves nothing, about a centre (Å)."""
        return cls(np.eye(3), np.zeros(3), centre, tuple(steps))

    @property
    def shift(self) -> float:
        """By how much the centre is moved, Å."""
        return float(np.linalg.norm(self.offset))

    @property
    def angle(self) -> float:
        """Angle of the rotation, degrees, 0..180."""
        return math.degrees(float(np.linalg.norm(Rotation.from_matrix(self.matrix).as_rotvec())))

    def places(self, positions: Doubles) -> Doubles:
        """Return where the values at positions (position, axis; Å) of a moved map come from."""
        places: Doubles = (positions - self.centre) @ self.matrix.T + self.centre + self.offset
        return places

    def moved(self, volume: Volume, *, is_prefiltered: bool = False) -> Volume:
        """Return a map whose voxel x has the value at y, by cubic splines; 3D float32.

        `is_prefiltered`: whether `volume` holds the coefficients of the splines (scipy.ndimage.spline_filter).
        """
        start = self.centre - self.matrix @ self.centre + self.offset
        steps = np.array(self.steps)
        in_voxels = self.matrix * steps / steps[:, None]
        result: Volume = ndimage.affine_transform(
            volume, in_voxels, start / steps, order=3, mode="nearest", prefilter=not is_prefiltered
        )
        return result

    def displacement(self, positions: Doubles) -> float:
        """Return the root mean square displacement of positions (position, axis) in Å."""
        return math.sqrt(float(((self.places(positions) - positions) ** 2).sum(axis=1).mean()))

    def after(self, factors: Doubles) -> RigidMotion:
        """Return this motion after a small one, given by the factors of its `small_motions`."""
        matrix = Rotation.from_rotvec(factors[3:]).as_matrix().T
        return RigidMotion(self.matrix @ matrix, self.offset - self.matrix @ factors[:3], self.centre, self.steps)


def small_motions(volume: Volume, part: Tuple[slice, ...], centre: Doubles, steps: Sequence[float]) -> Volume:
    """Return by how much a part of a map changes under small motions.

    Parameters
    ----------
    volume : float32 array, 3D
    part : three slices
        The part of the map, with start and stop.
    centre : float array (3)
        Centre of the rotations, Å from voxel 0.
    steps : three float
        Spacing of the grid (z, y, x), Å.

    Returns
    -------
    float32 array (6, z, y, x)
        Changes with a shift along each axis, per Å, and with a rotation about each, per radian.
    """
    sizes = [s.stop - s.start for s in part]
    if min(sizes) == 0:
        return np.zeros((MOTIONS, *sizes), np.float32)
    wider = tuple(slice(max(s.start - 1, 0), min(s.stop + 1, side)) for s, side in zip(part, volume.shape))
    inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(part, wider))
    along_z, along_y, along_x = (item[inner] for item in np.gradient(volume[wider], *steps))
    axes = (np.arange(s.start, s.stop) * step - c for s, step, c in zip(part, steps, centre))
    z, y, x = np.ix_(*(axis.astype(np.float32) for axis in axes))
    turned = (along_x * y - along_y * x, along_z * x - along_x * z, along_y * z - along_z * y)
    return np.stack([along_z, along_y, along_x, *turned]).astype(np.float32, copy=False)
