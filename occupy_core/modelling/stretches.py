# SPDX-License-Identifier: GPL-3.0-or-later
"""Stretches of chains that are less than fully occupied, from the windows along the chains."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import List, Sequence, Tuple

import numpy as np

from occupy_core.modelling.model_occupancy import ModelOccupancy, PartOccupancy
from occupy_core.modelling.uneven_groups import group_of_each_window

# Residues: shorter stretches are not to be trusted (docs/model.md). Ours.
MIN_RESIDUES = 40


@dataclass(frozen=True)
class Stretch:
    """Consecutive windows of a chain that are all less than fully occupied in one map.

    Attributes
    ----------
    map : int
        Index of the map.
    chain : str
    first, last : int
        Numbers of the first and last residue, as the authors gave them.
    residues : int
        How many residues the model has there.
    low, value, high : float
        Means over the windows of their occupancies and of the limits of their 90 % intervals, each window by its
        residues; 0..1. The interval is that of one window: it is not narrower for many.
    """

    map: int
    chain: str
    first: int
    last: int
    residues: int
    low: float
    value: float
    high: float


def low_stretches(result: ModelOccupancy) -> List[Stretch]:
    """Return the stretches of 40 residues and more whose windows all have intervals that end below 1.

    Parameters
    ----------
    result : ModelOccupancy

    Returns
    -------
    list of Stretch
        Of all maps, the least occupied first. None in a group whose chains are not equally occupied in the map: the fit
        draws its windows towards each other.
    """
    group_of_window = group_of_each_window(result.groups, result.windows)
    counts = [len(np.unique(result.model.residue_of_atom[window.atoms])) for window in result.windows]
    found = []
    for number, trace in enumerate(result.traces):
        chains = [
            (window.chain, trace[index].high < 1 and (number, group_of_window[index]) not in result.uneven)
            for index, window in enumerate(result.windows)
        ]
        for (_, is_low), indices in groupby(range(len(chains)), key=chains.__getitem__):
            run = list(indices)
            if is_low and sum(counts[index] for index in run) >= MIN_RESIDUES:
                found.append(_stretch(number, result, trace, [(index, counts[index]) for index in run]))
    return sorted(found, key=lambda item: item.value)


def _stretch(
    number: int, result: ModelOccupancy, trace: Sequence[PartOccupancy], windows: Sequence[Tuple[int, int]]
) -> Stretch:
    """Join windows of one chain, given by their indices and numbers of residues."""
    indices, weights = zip(*windows)
    values = [(trace[index].low, trace[index].value, trace[index].high) for index in indices]
    low, value, high = (float(mean) for mean in np.average(values, axis=0, weights=weights))
    places = [result.windows[index] for index in indices]
    first, last = min(item.first for item in places), max(item.last for item in places)
    return Stretch(number, places[0].chain, first, last, sum(weights), low, value, high)
