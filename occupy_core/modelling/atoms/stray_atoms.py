# SPDX-License-Identifier: GPL-3.0-or-later
"""Find atoms that lie far from the molecule, such as those whose place is unknown and written as 9999.999."""

from __future__ import annotations

import itertools
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Cell = Tuple[int, int, int]

# Å: an atom this far from the middle of the model lies in no map. Ours.
_OUTSIDE_ANY_MAP = 5000.0
# Å, and share of the atoms: so few atoms with such a gap to all others are no part of the molecule. Ours.
_GAP, _MAX_SHARE = 300.0, 0.05
# Å: atoms in cells of this size that touch are nearer than the gap.
_CELL = _GAP / (2 * np.sqrt(3))


def stray_atoms(positions: NDArray[np.float64]) -> Tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Find atoms that belong to no molecule in a map.

    Parameters
    ----------
    positions : float64 array (atoms, 3)
        Å.

    Returns
    -------
    indices : int array
        The stray atoms: farther than 5,000 Å from the middle of the model, or at most 5 % of the atoms with a gap of
        more than 300 Å to all others; mostly none. The farthest is the first.
    distances : float64 array
        Their distances to the nearest of the other atoms, Å.
    """
    # Squares of larger values would overflow.
    limited = np.clip(positions, -1e9, 1e9)
    is_far = np.linalg.norm(limited - np.median(limited, axis=0), axis=1) > _OUTSIDE_ANY_MAP
    if is_far.all():
        return np.empty(0, np.intp), np.empty(0)
    candidates = _apart_from_largest(limited, is_far)
    others = cKDTree(limited[~(is_far | candidates)])
    indices = np.flatnonzero(is_far | candidates)
    distances = np.asarray(others.query(limited[indices])[0], dtype=np.float64)
    is_stray = is_far[indices] | (distances > _GAP)
    few = is_far.any() or is_stray.sum() <= max(1.0, _MAX_SHARE * len(positions))
    indices, distances = indices[is_stray & few], distances[is_stray & few]
    order = np.argsort(-distances, kind="stable")
    return indices[order], distances[order]


def _apart_from_largest(positions: NDArray[np.float64], is_far: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which atoms lie in no cell that is connected with most of the atoms."""
    cells, cell_of_atom, counts = np.unique(
        np.floor(positions / _CELL).astype(np.int64), axis=0, return_inverse=True, return_counts=True
    )
    of_cell = _components([(int(z), int(y), int(x)) for z, y, x in cells])
    sizes = np.bincount(of_cell, counts * 1.0)
    apart: NDArray[np.bool_] = (of_cell != int(sizes.argmax()))[cell_of_atom.reshape(-1)]
    return apart & ~is_far


def _components(cells: Sequence[Cell]) -> NDArray[np.intp]:
    """Return for each cell the number of the set of touching cells that it belongs to."""
    number_of: Dict[Cell, Optional[int]] = dict.fromkeys(cells)
    steps = list(itertools.product((-1, 0, 1), repeat=3))
    for number, start in enumerate(cells):
        waiting: List[Cell] = [start]
        while waiting:
            cell = waiting.pop()
            if number_of.get(cell, number) is None:
                number_of[cell] = number
                waiting += [(cell[0] + z, cell[1] + y, cell[2] + x) for z, y, x in steps]
    return np.array([number_of[cell] for cell in cells], dtype=np.intp)
