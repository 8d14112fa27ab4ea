# SPDX-License-Identifier: GPL-3.0-or-later
"""Solve for the occupancies of groups whose B-factors mostly agree.

A map of low resolution hardly tells a low occupancy from a high B-factor. So the B-factors of the groups are held to a
common value: mostly closely, and loosely where the map shows clearly that a group is far more flexible than the others
(Student's t distribution about the common value).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

# Å^2, spread of the groups' B-factors about the common one, and degrees of freedom of their distribution. Ours: on the
# benchmark's maps, 3 to 6 Å^2 and 1 or 2 degrees are about as good, 12 Å^2 and 4 degrees are worse.
_SPREAD, _DEGREES = 6.0, 2.0
# Å^2 from the common B-factor: where the search of each group's begins. Ours: so that no group is held at first.
_FAR = 60.0
_MOST_ITERATIONS, _LAST_CHANGE = 500, 0.01  # Å^2
# Å^2 from the common B-factor: none is less or more. Sharpened by more, noise is all that is left of a group. Ours.
_LIMITS = (-80.0, 300.0)


@dataclass(frozen=True)
class Solution:
    """Solution of the equations of a fit.

    Attributes
    ----------
    values : float array (columns)
        The factor of each column.
    covariance : float array (columns, columns)
        Of these factors.
    b_factors : float array (groups)
        Å^2, from the common one.
    """

    values: Doubles
    covariance: Doubles
    b_factors: Doubles


def solve_groups(matrix: Doubles, vector: Doubles, occupied: Doubles, b_factors: Doubles) -> Solution:
    """Solve normal equations whose columns are densities of groups and their changes with the groups' B-factors.

    Parameters
    ----------
    matrix, vector : float arrays (columns, columns), (columns)
        In units of the noise. Columns: the density of each group, then its change with the group's B-factor (per Å^2),
        then others.
    occupied : float array (groups)
        Occupancies, positive, in units of the densities: a change with the B-factor grows with them.
    b_factors : float array (groups)
        With which the densities were computed, Å^2 from the common one.

    Returns
    -------
    Solution

    Notes
    -----
    Iteratively reweighted least squares: each B-factor is held to the common one, the less, the farther from it the
    last iteration found it. The common one is their mean with the same weights. Other columns are eliminated first.
    """
    count = len(occupied)
    changes = np.arange(len(vector)) // count == 1
    to_rest = np.linalg.solve(matrix[np.ix_(~changes, ~changes)], matrix[np.ix_(~changes, changes)])
    own = matrix[np.ix_(changes, changes)] - matrix[np.ix_(changes, ~changes)] @ to_rest
    target = vector[changes] - to_rest.T @ vector[~changes]
    found, common = np.full(count, _FAR), 0.0
    for _ in range(_MOST_ITERATIONS):
        before = found
        weights = (_DEGREES + 1) / (_DEGREES * _SPREAD**2 + (found - common) ** 2)
        pull = weights * (common - b_factors) / occupied
        change = np.linalg.solve(own + np.diag(weights / occupied**2), target + pull) / occupied
        found = common + np.clip(b_factors + change - common, *_LIMITS)
        common = float(np.average(found, weights=weights))
        if np.abs(found - before).max() < _LAST_CHANGE:
            break
    held, pulled = matrix.copy(), vector.copy()
    held[changes, changes] += weights / occupied**2
    pulled[changes] += pull
    covariance = np.linalg.inv(held)
    return Solution(covariance @ pulled, covariance, np.clip(found - common, *_LIMITS))
