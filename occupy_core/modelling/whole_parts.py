# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts that the user says are fully occupied in every map (the setting model_whole)."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np
from numpy.typing import NDArray

from occupy_core.errors import ModelError
from occupy_core.modelling.atoms.groups import Group

# Occupancy relative to the highest in a map, below which a part cannot be meant to be fully occupied. Ours.
_MIN_WHOLE = 0.25


def indices_of(names: Sequence[str], groups: Sequence[Group]) -> List[int]:
    """Return the indices of named groups, each once.

    Raises
    ------
    ModelError
        If a name is none of theirs.
    """
    known = [group.name for group in groups]
    for name in names:
        if name not in known:
            raise ModelError(f"model_whole: found {name!r}, expected names of parts: {', '.join(known)}")
    return [known.index(name) for name in dict.fromkeys(names)]


def refuse_missing(named: Sequence[int], occupancies: Sequence[NDArray[np.float64]], names: Sequence[str]) -> None:
    """Refuse parts as fully occupied that a map hardly shows.

    Parameters
    ----------
    named : sequence of int
        Indices of the groups that should be fully occupied; may be empty.
    occupancies : sequence of float arrays (groups)
        As fitted to each map; NaN where a map does not show a group. A map that shows none counts for nothing.
    names : sequence of str
        Names of the maps.

    Raises
    ------
    ModelError
        If a map shows other groups, but not all of these, or these hardly.
    """
    for values, name in zip(occupancies, names):
        if not named or np.isnan(values).all():
            continue
        own = values[list(named)]
        if np.isnan(own).any():
            raise ModelError(f"model_whole: names a part that a map does not show ({name}); name parts of all maps")
        if not own.mean() > _MIN_WHOLE * np.nanmax(values):
            raise ModelError(
                f"model_whole: found parts with hardly any density in {name}, expected parts that are fully occupied "
                "in every map; name others, or none"
            )
