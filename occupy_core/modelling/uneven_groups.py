# SPDX-License-Identifier: GPL-3.0-or-later
"""Find groups that hold chains of different occupancies, which one occupancy cannot describe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.comparing.limits import INTERVAL_SIGMAS
from occupy_core.modelling.atoms.groups import Group, Window
from occupy_core.modelling.fit.fit_map import WINDOW_SPREAD, FittedMap
from occupy_core.modelling.full_occupancy import MODEL_ERROR, Scale

# Smallest difference between two chains of a group that gives a warning, as occupancy and in standard deviations. Ours:
# in eight classifications by RELION, with 5 to 10 chains in a group, equal chains read within 0.22, and whole chains
# 0.34 to 0.47 above missing or half occupied ones. The fit of windows draws the chains of a group towards each other.
_MIN_DIFFERENCE = 0.25
_MIN_SIGMAS = 3.5
# Windows of which less is left tell nothing about their chain. Ours.
_LEAST_LEFT = 0.25
# Mean occupancy of the windows of a chain, and its standard deviation.
_Reading = Tuple[float, float]


@dataclass(frozen=True)
class UnevenGroup:
    """A group whose chains are not equally occupied in one map.

    Attributes
    ----------
    map, group : int
        Indices.
    low, high : float
        From the lowest to the highest chain, each with its 90 % interval, as occupancy; may lie outside of 0..1.
    difference : float
        Of the highest and the lowest chain, as occupancy.
    warning : str
    """

    map: int
    group: int
    low: float
    high: float
    difference: float
    warning: str


def uneven_groups(
    groups: Sequence[Group], windows: Sequence[Window], fits: Sequence[FittedMap], scale: Scale, names: Sequence[str]
) -> List[UnevenGroup]:
    """Find the groups whose chains differ, in each map.

    Parameters
    ----------
    groups : sequence of Group
        All atoms of the model, each in one group.
    windows : sequence of Window
    fits : sequence of FittedMap
        One for each map.
    scale : Scale
        The common scale of the fits.
    names : sequence of str
        Names of the maps in the texts.

    Returns
    -------
    list of UnevenGroup
        In the order of the groups; those of one group in the order of the maps.
    """
    group_of_window = group_of_each_window(groups, windows)
    found = []
    for index, group in enumerate(groups):
        for number, (fit, factor) in enumerate(zip(fits, scale.factors)):
            unit, chosen = scale.unit * factor, group_of_window == index
            chains = _read_chains(windows, chosen, fit, fit.errors[index], unit)
            difference = _difference(chains)
            if difference is not None:
                left = _share_left(fit, chosen, fit.errors[index])
                apart = [_drawn_apart(reading, fit.occupancies[index] / unit, left) for reading in chains.values()]
                low = min(value - INTERVAL_SIGMAS * error for value, error in apart)
                high = max(value + INTERVAL_SIGMAS * error for value, error in apart)
                warning = _warning(group.name, chains, names[number])
                found.append(UnevenGroup(number, index, low, high, difference, warning))
    return found


def uneven_warnings(found: Sequence[UnevenGroup]) -> List[str]:
    """Return a warning for each group, of the map in which its chains differ most."""
    largest: Dict[int, UnevenGroup] = {}
    for item in found:
        if item.group not in largest or item.difference > largest[item.group].difference:
            largest[item.group] = item
    return [item.warning for item in largest.values()]


def widened(occupancies: Tuple[Any, ...], index: int, uneven: Sequence[UnevenGroup]) -> Tuple[Any, ...]:
    """Widen the intervals of groups whose chains differ in the map with an index, so that they hold all chains.

    `occupancies`: a `model_occupancy.PartOccupancy` for each group.
    """
    result = list(occupancies)
    for item in uneven:
        own = result[item.group]
        if item.map == index and np.isfinite(own.value):
            low, high = max(min(own.low, item.low), 0.0), min(max(own.high, item.high), 1.0)
            result[item.group] = replace(own, low=low, high=high)
    return tuple(result)


def group_of_each_window(groups: Sequence[Group], windows: Sequence[Window]) -> NDArray[np.intp]:
    """Return the index of the group that most atoms of each window are in."""
    group_of_atom = np.zeros(sum(len(group.atoms) for group in groups), np.intp)
    for index, group in enumerate(groups):
        group_of_atom[group.atoms] = index
    return np.array([np.bincount(group_of_atom[window.atoms]).argmax() for window in windows], np.intp)


def _read_chains(
    windows: Sequence[Window], chosen: NDArray[np.bool_], fit: FittedMap, shared: float, unit: float
) -> Dict[str, _Reading]:
    """Return the reading of each chain, from the chosen windows that the map shows.

    `shared` is the error of the group, which is in all windows and cancels between chains; `unit` is full occupancy.
    """
    numbers: Dict[str, List[int]] = {}
    for number in np.flatnonzero(chosen & np.isfinite(fit.windows)):
        numbers.setdefault(windows[number].chain, []).append(int(number))
    readings = {}
    for chain, own in numbers.items():
        value = np.average(fit.windows[own], weights=[len(windows[number].atoms) for number in own]) / unit
        variance = np.maximum(fit.window_errors[own] ** 2 - shared**2, 0).mean() / len(own)
        readings[chain] = float(value), float(np.hypot(np.sqrt(variance) / unit, MODEL_ERROR))
    return readings


def _share_left(fit: FittedMap, chosen: NDArray[np.bool_], shared: float) -> float:
    """Return what is left, on average, of the deviations of windows from their group, which the fit draws towards it.

    Windows deviate by the prior standard deviation p before the map is seen, and by s after it: 1 - s^2 / p^2 is left.
    """
    prior = WINDOW_SPREAD * float(np.nanmax(fit.occupancies))
    variance = float(np.nanmean(np.maximum(fit.window_errors[chosen] ** 2 - shared**2, 0)))
    return max(1 - variance / prior**2, _LEAST_LEFT)


def _drawn_apart(reading: _Reading, of_group: float, left: float) -> _Reading:
    """Return the reading of a chain as it would be if the fit did not draw it towards its group."""
    value, error = reading
    return of_group + (value - of_group) / left, error / left


def _difference(chains: Dict[str, _Reading]) -> Optional[float]:
    """Return by how much the highest chain is above the lowest; None where that is small or may be noise."""
    if len(chains) < 2:
        return None
    low, high = min(chains.values()), max(chains.values())
    difference = high[0] - low[0]
    needed = max(_MIN_DIFFERENCE, _MIN_SIGMAS * float(np.hypot(low[1], high[1])))
    return difference if difference >= needed else None


def _warning(group: str, chains: Dict[str, _Reading], name: str) -> str:
    values = [value for value, _ in chains.values()]
    middle = (min(values) + max(values)) / 2
    less = [chain for chain, (value, _) in chains.items() if value < middle]
    more = [chain for chain in chains if chain not in less]
    return (
        f"{group} is one part, but its chains differ in {name} ({_listed(less)} less occupied than {_listed(more)}). "
        "Its interval reaches from its least to its most occupied chain; those of other parts may be wrong beyond "
        "their intervals. Make these chains parts of their own (model_groups chain)"
    )


def _listed(chains: Sequence[str], shown: int = 6) -> str:
    more = f" and {len(chains) - shown} more" if len(chains) > shown else ""
    return ", ".join(chains[:shown]) + more
