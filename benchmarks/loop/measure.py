# SPDX-License-Identifier: GPL-3.0-or-later
"""Agreement of the classes with the true states of the particles."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.optimize import linear_sum_assignment


@dataclass(frozen=True)
class Scores:
    """Agreement of classes and states.

    Attributes
    ----------
    accuracy : float
        Share of the particles, 0..1, in the class of their state; classes are assigned to states so that it is highest.
    rand_index : float
        Adjusted Rand index (Hubert & Arabie, J. Classif. 2 (1985), 193): 1 for equal groups, 0 for chance.
    recall : float
        Share of the particles of the rarer state, 0..1, in the class of that state.
    """

    accuracy: float
    rand_index: float
    recall: float


def scores_of(classes: np.ndarray, states: np.ndarray) -> Scores:
    """Compare classes with states.

    Parameters
    ----------
    classes, states : 1D arrays of one length
        Class and true state of each particle.
    """
    table = contingency(classes, states)
    rows, columns = linear_sum_assignment(-table)
    rarer = int(table.sum(axis=0).argmin())
    found = {int(column): int(table[row, column]) for row, column in zip(rows, columns)}
    return Scores(
        accuracy=float(table[rows, columns].sum() / table.sum()),
        rand_index=_adjusted_rand_index(table),
        recall=found.get(rarer, 0) / float(table[:, rarer].sum()),
    )


def contingency(classes: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Count the particles of each class (rows) and state (columns)."""
    _, row = np.unique(classes, return_inverse=True)
    _, column = np.unique(states, return_inverse=True)
    table = np.zeros((row.max() + 1, column.max() + 1), dtype=int)
    np.add.at(table, (row, column), 1)
    return table


def _adjusted_rand_index(table: np.ndarray) -> float:
    def pairs(counts: np.ndarray) -> int:
        return sum(comb(int(count), 2) for count in counts.ravel())

    in_both, of_classes, of_states = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = of_classes * of_states / pairs(table.sum()[None])
    most = (of_classes + of_states) / 2
    return 0.0 if most == expected else (in_both - expected) / (most - expected)
