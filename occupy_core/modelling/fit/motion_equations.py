# SPDX-License-Identifier: GPL-3.0-or-later
"""Add a small rigid motion of the map to the normal equations of a fit."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from occupy_core.arrays.rigid_motion import MOTIONS, RigidMotion, small_motions
from occupy_core.arrays.slabs import SECTIONS_PER_SLAB
from occupy_core.arrays.types import Volume
from occupy_core.modelling.fit.normal_equations import Equations, Place


def with_motions(
    equations: Equations,
    columns: Sequence[Volume],
    places: Sequence[Place],
    target: Volume,
    near: Volume,
    expected: Volume,
    motion: RigidMotion,
) -> Equations:
    """Return normal equations with six more columns: how the expected map changes with small motions.

    Parameters
    ----------
    equations : Equations
        Those of the columns.
    columns, places, target, near
        As in `normal_equations`.
    expected : float32 array, 3D
        The fitted model on the grid of the map, in the units of the columns.
    motion : RigidMotion
        Gives the centre and the grid; the columns are in the order of `small_motions`.

    Notes
    -----
    The columns are computed in slabs of the map and in the boxes of the groups: as wholes they would need six times the
    memory of the map.
    """
    count = len(columns)
    matrix = np.zeros((count + MOTIONS, count + MOTIONS))
    matrix[:count, :count] = equations.matrix
    vector, sums = (np.append(item, np.zeros(MOTIONS)) for item in (equations.vector, equations.sums))
    for start in range(0, len(target), SECTIONS_PER_SLAB):
        slab = slice(start, min(start + SECTIONS_PER_SLAB, len(target)))
        part = (slab, *(slice(0, side) for side in target.shape[1:]))
        changes = small_motions(expected, part, motion.centre, motion.steps).reshape(MOTIONS, -1)
        weighted = changes * near[slab].ravel()
        matrix[count:, count:] += weighted @ changes.T
        vector[count:] += weighted @ target[slab].ravel()
        sums[count:] += weighted.sum(axis=1, dtype=np.float64)
    for index, (column, place) in enumerate(zip(columns, places)):
        changes = small_motions(expected, place.of_map, motion.centre, motion.steps).reshape(MOTIONS, -1)
        own = (column[place.of_box] * near[place.of_map]).ravel()
        matrix[index, count:] = matrix[count:, index] = changes @ own
    return Equations(matrix, vector, sums)
