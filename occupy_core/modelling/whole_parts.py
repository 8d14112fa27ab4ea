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
_LISTED = 6  # parts in a sentence


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


def refuse_missing(
    named: Sequence[int], occupancies: Sequence[NDArray[np.float64]], names: Sequence[str], groups: Sequence[Group]
) -> None:
    """Refuse parts as fully occupied that a map hardly shows.

    Parameters
    ----------
    named : sequence of int
        Indices of the groups that should be fully occupied; may be empty.
    occupancies : sequence of float arrays (groups)
        As fitted to each map; NaN where a map does not show a group. A map that shows none counts for nothing.
    names : sequence of str
        Names of the maps.
    groups : sequence of Group

    Raises
    ------
    ModelError
        If a map shows other groups, but not all of these, or these hardly.
    """
    for values, name in zip(occupancies, names):
        if not named or np.isnan(values).all():
            continue
        own = values[list(named)]
        missing = [index for index in named if np.isnan(values[index])]
        if missing:
            shown = f"{_listed(missing, groups)}, which {name} does not show (outside its box or its mask)"
        elif not own.mean() > _MIN_WHOLE * np.nanmax(values):
            shown = f"{_listed(named, groups)}, with hardly any density in {name}"
        else:
            continue
        raise ModelError(
            f"model_whole: found {shown}, expected parts that are fully occupied in every map; "
            f"{_way_out(occupancies, groups, name)}"
        )


def _way_out(occupancies: Sequence[NDArray[np.float64]], groups: Sequence[Group], lacking: str) -> str:
    """Say which parts could be named instead: those with density in every map that shows any part."""
    maps = [values for values in occupancies if not np.isnan(values).all()]
    in_all = np.all([values > _MIN_WHOLE * np.nanmax(values) for values in maps], axis=0)
    subject = "every map" if len(occupancies) > 1 else "the map"
    others = f"{subject} has {_listed(np.flatnonzero(in_all).tolist(), groups)}" if in_all.any() else "name other parts"
    without_map = f", or leave {lacking} out of the job" if len(occupancies) > 1 else ""
    return f"{others}. Or leave model_whole empty{without_map}"


def _listed(indices: Sequence[int], groups: Sequence[Group]) -> str:
    names = [groups[index].name for index in indices]
    return ", ".join(names[:_LISTED]) + f" and {len(names) - _LISTED} more" * (len(names) > _LISTED)
