# SPDX-License-Identifier: GPL-3.0-or-later
"""Add changes that all parts share, a small rigid motion and a blur, to the normal equations of a fit."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np

from occupy_core.arrays.rigid_motion import MOTIONS, RigidMotion, small_motions
from occupy_core.arrays.slabs import SECTIONS_PER_SLAB
from occupy_core.arrays.types import Floats, Volume
from occupy_core.modelling.fit.normal_equations import Equations, Place


def with_common_changes(
    equations: Equations,
    columns: Sequence[Volume],
    places: Sequence[Place],
    target: Volume,
    near: Volume,
    expected: Volume,
    blur: Volume,
    motion: RigidMotion,
) -> Equations:
    """Return normal equations with more columns: the changes of the expected map with six small motions, and a blur.

    Parameters
    ----------
    equations : Equations
        Those of the columns.
    columns, places, target, near
        As in `normal_equations`.
    expected : float32 array, 3D
        The fitted model on the grid of the map, in the units of the columns.
    blur : float32 array, 3D
        The last column, on the grid of the map.
    motion : RigidMotion
        Gives the centre and the grid; the columns are in the order of `small_motions`.

    Notes
    -----
    The motions' columns are computed in slabs of the map and in the boxes of the groups: as wholes they would need six
    times the memory of the map.
    """

    def changes_in(part: Tuple[slice, ...]) -> Floats:
        motions = small_motions(expected, part, motion.centre, motion.steps)
        return np.concatenate([motions.reshape(MOTIONS, -1), blur[part].reshape(1, -1)])

    count, more = len(columns), MOTIONS + 1
    matrix = np.zeros((count + more, count + more))
    matrix[:count, :count] = equations.matrix
    vector, sums = (np.append(item, np.zeros(more)) for item in (equations.vector, equations.sums))
    for start in range(0, len(target), SECTIONS_PER_SLAB):
        slab = slice(start, min(start + SECTIONS_PER_SLAB, len(target)))
        changes = changes_in((slab, *(slice(0, side) for side in target.shape[1:])))
        weighted = changes * near[slab].ravel()
        matrix[count:, count:] += weighted @ changes.T
        vector[count:] += weighted @ target[slab].ravel()
        sums[count:] += weighted.sum(axis=1, dtype=np.float64)
    for index, (column, place) in enumerate(zip(columns, places)):
        own = (column[place.of_box] * near[place.of_map]).ravel()
        matrix[index, count:] = matrix[count:, index] = changes_in(place.of_map) @ own
    return Equations(matrix, vector, sums)
