# SPDX-License-Identifier: GPL-3.0-or-later
"""The occupancy of the parts of a fitted atomic model in one map, or in several under one scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, FrozenSet, List, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from occupy_core.arrays.rigid_motion import RigidMotion
from occupy_core.comparing.limits import FALSE_ALARM, INTERVAL_SIGMAS, MIN_DIFFERENCE
from occupy_core.errors import ModelError
from occupy_core.maps.grid import MapGrid
from occupy_core.modelling.atoms.atomic_model import AtomicModel
from occupy_core.modelling.atoms.groups import Group, Window, nucleic_shares
from occupy_core.modelling.fit.fit_map import FittedMap, fit_map
from occupy_core.modelling.fit.frame import Frame, positions_in_map
from occupy_core.modelling.fit.map_to_fit import Reader
from occupy_core.modelling.fit.placed_model import PlacedModel, place_model
from occupy_core.modelling.fit_warnings import NOTHING_SHOWN, above_one, fit_warnings, missing_parts, small_whole_parts
from occupy_core.modelling.full_occupancy import (
    MODEL_ERROR,
    Scale,
    contrast_errors,
    find_scale,
    model_errors,
    scale_of_named,
)
from occupy_core.modelling.uneven_groups import uneven_groups, uneven_warnings, widened
from occupy_core.modelling.whole_parts import indices_of, refuse_missing

# The part of a window's standard deviation that is not noise. Ours, from the benchmark.
_WINDOW_ERROR = 0.06
# Error of an occupancy in a class: its standard deviation is this, divided by the signal-to-noise ratio of the model in
# the class. A classification sorts particles by noise too, which makes differences too large. Ours, from
# classifications by RELION (docs/classes.md).
_SORTING_ERROR = 3.0


@dataclass(frozen=True)
class PartOccupancy:
    """The occupancy of one part in one map.

    Attributes
    ----------
    low, value, high : float
        Occupancy and its 90 % interval, 0..1; NaN where the map does not show the part.
    noise : float
        Standard deviation of the occupancy from the noise of the map alone.
    """

    low: float
    value: float
    high: float
    noise: float


@dataclass(frozen=True)
class PartDifference:
    """A part whose occupancy differs between maps.

    Attributes
    ----------
    group : int
        Index of the group.
    lowest, highest : int
        Index of the map where it is least, and most, occupied.
    low, value, high : float
        The difference and its 90 % interval.
    """

    group: int
    lowest: int
    highest: int
    low: float
    value: float
    high: float


@dataclass(frozen=True)
class ModelOccupancy:
    """Occupancies of the parts of a model.

    Attributes
    ----------
    model : AtomicModel
    groups : tuple of Group
    windows : tuple of Window
    occupancies : tuple of tuple of PartOccupancy
        For each map, for each group.
    traces : tuple of tuple of PartOccupancy
        For each map, for each window.
    differences : tuple of PartDifference
        Groups that differ between the maps, the largest difference first.
    correlations : tuple of float
        For each map, the correlation of the fitted model with the map, from 30 to 10 Å or the finest detail.
    motions : tuple of RigidMotion
        For each map, the motion by which it was moved to where the model fits best.
    whole : tuple of str
        Names of the groups that count as fully occupied.
    is_whole_given : bool
        Whether the caller named them.
    frame : Frame
        Frame of coordinates in which the model lies in the maps.
    grid : MapGrid
        Grid of the maps.
    finest : float
        Finest detail that was fitted, Å.
    warnings : tuple of str
    uneven : frozenset of (int, int)
        Index of the map and of the group, for each group whose chains are not equally occupied in the map; its interval
        reaches from the least to the most occupied chain.
    """

    model: AtomicModel = field(repr=False)
    groups: Tuple[Group, ...]
    windows: Tuple[Window, ...] = field(repr=False)
    occupancies: Tuple[Tuple[PartOccupancy, ...], ...]
    traces: Tuple[Tuple[PartOccupancy, ...], ...] = field(repr=False)
    differences: Tuple[PartDifference, ...]
    correlations: Tuple[float, ...]
    motions: Tuple[RigidMotion, ...]
    whole: Tuple[str, ...]
    is_whole_given: bool
    frame: Frame
    grid: MapGrid = field(repr=False)
    finest: float
    warnings: Tuple[str, ...]
    uneven: FrozenSet[Tuple[int, int]] = frozenset()

    def positions_in(self, index: int) -> NDArray[np.float64]:
        """Return where the atoms lie in a map, moved to where the model fits it best: (atom, 3), z, y, x, in Å."""
        return self.motions[index].places(positions_in_map(self.model, self.frame, self.grid))


def measure_model(
    readers: Sequence[Reader],
    model: AtomicModel,
    groups: Sequence[Group],
    windows: Sequence[Window],
    *,
    whole: Sequence[str] = (),
    lowpass: Optional[float] = None,
    names: Sequence[str] = (),
    are_classes: Optional[bool] = None,
    threads: int = 1,
    step: Callable[[float, str], object] = lambda done, text: None,
) -> ModelOccupancy:
    """Measure how occupied the parts of a model are in one or several maps.

    Parameters
    ----------
    readers : sequence of callables
        Each reads one map; called one after the other, so that one map is in memory at a time. All maps lie on one
        grid.
    model : AtomicModel
        In the frame of the maps.
    groups : sequence of Group
        All atoms of the model, each in one group.
    windows : sequence of Window
        Parts of chains for the traces; may be empty.
    whole : sequence of str
        Names of the groups that count as fully occupied in every map; found when empty.
    lowpass : float, optional
        Finest detail to fit, Å; by default 5 Å or 2.5 voxels.
    names : sequence of str
        Names of the maps in messages.
    are_classes : bool, optional
        Whether the particles of the maps were sorted by a classification; by default for several maps.
    threads : int
    step : callable
        Called with the fraction of the work that is done (0..1) and a text that names the next piece.

    Raises
    ------
    ModelError
        If the model lies in none of the maps, or `whole` names no group, or one that a map does not show.
    MapError
        If two maps do not lie on one grid, or a map cannot be read.
    """
    named = indices_of(whole, groups)
    are_classes = len(readers) > 1 if are_classes is None else are_classes
    warnings = list(model.warnings)
    names = list(names) or [f"map {number}" for number in range(1, len(readers) + 1)]
    placed = _place(readers, lambda read: place_model(read, model, groups, lowpass, warnings, threads))
    fits: List[FittedMap] = []
    for number, read in enumerate(readers):
        step(number / len(readers), f"model in {names[number]}")
        fits.append(fit_map(placed.read(read, threads), placed, windows, threads))
    warnings += fit_warnings(fits, names) + missing_parts(groups, fits, names)
    masses = np.array([group.mass for group in groups])
    values, errors = [fit.occupancies for fit in fits], [fit.errors for fit in fits]
    refuse_missing(named, values, names, groups)
    if all(np.isnan(item).all() for item in values):
        raise ModelError(f"{model.path}: {NOTHING_SHOWN}")
    scale = scale_of_named(values, errors, named) if named else find_scale(values, errors, masses)
    if not scale.unit > 0:
        raise ModelError(f"{model.path}: a map has no density where the parts lie that should be fully occupied")
    warnings += [
        f"no part of the model has density in {name}, so it has no occupancies"
        for name, factor, fit in zip(names, scale.factors, fits)
        if np.isnan(factor) and np.isfinite(fit.occupancies).any()
    ]
    uneven = uneven_groups(groups, windows, fits, scale, names)
    contrast = contrast_errors(nucleic_shares(model, groups), masses, scale)
    sorting = [_SORTING_ERROR / fit.signal if fit.signal > 0 and are_classes else 0.0 for fit in fits]
    own_errors = [np.hypot(model_errors(masses), item) for item in sorting]
    beyond_noise = [float(np.hypot(MODEL_ERROR, item)) for item in sorting]
    warnings += above_one(groups, fits, scale, beyond_noise, names)
    warnings += uneven_warnings(uneven) + ([] if named else small_whole_parts(groups, scale))
    if len(groups) == 1 and len(fits) == 1:
        warnings.append("the model has one part, whose occupancy is 1 by definition: give parts with model_groups")
    return ModelOccupancy(
        model,
        tuple(groups),
        tuple(windows),
        tuple(
            widened(_scaled(fit.occupancies, fit.errors, scale, index, own_errors[index], contrast), index, uneven)
            for index, fit in enumerate(fits)
        ),
        tuple(
            _scaled(fit.windows, fit.window_errors, scale, index, float(np.hypot(_WINDOW_ERROR, sorting[index])))
            for index, fit in enumerate(fits)
        ),
        _differences(values, errors, sorting, scale),
        tuple(fit.correlation for fit in fits),
        tuple(fit.motion for fit in fits),
        tuple(groups[index].name for index in scale.groups),
        bool(named),
        placed.frame,
        placed.grid,
        placed.finest,
        tuple(warnings),
        frozenset((item.map, item.group) for item in uneven),
    )


def _place(readers: Sequence[Reader], place: Callable[[Reader], PlacedModel]) -> PlacedModel:
    """Place the model in the first map that it lies in: any class may be junk."""
    reasons: List[ModelError] = []
    for read in readers:
        try:
            return place(read)
        except ModelError as error:
            reasons.append(error)
    raise reasons[0]


def _scaled(
    values: NDArray[np.float64],
    errors: NDArray[np.float64],
    scale: Scale,
    index: int,
    model_error: Union[float, NDArray[np.float64]],
    relative_errors: Union[float, NDArray[np.float64]] = 0.0,
) -> Tuple[PartOccupancy, ...]:
    """Return occupancies with intervals, from the fit of the map with an index."""
    unit = scale.unit * scale.factors[index]
    result = []
    others = (np.broadcast_to(item, values.shape) for item in (model_error, relative_errors))
    for value, noise, own, relative in zip(values / unit, errors / unit, *others):
        half = INTERVAL_SIGMAS * float(np.sqrt(noise**2 + own**2 + (relative * value) ** 2))
        # An interval about a value beyond 0 or 1 would have no width within these limits.
        middle = float(np.clip(value, 0, 1))
        low, high = max(middle - half, 0.0), min(middle + half, 1.0)
        result.append(PartOccupancy(low, middle, high, float(noise)))
    return tuple(result)


def _differences(
    values: Sequence[NDArray[np.float64]], errors: Sequence[NDArray[np.float64]], sorting: Sequence[float], scale: Scale
) -> Tuple[PartDifference, ...]:
    """Find the groups that differ between maps by more than noise explains; noise of two maps is independent.

    `sorting`: standard deviation of the occupancies in each map by what its particles were sorted by.
    """
    if len(values) < 2:
        return ()
    scaled = np.array([item / scale.unit / factor for item, factor in zip(values, scale.factors)])
    noise = np.array(
        [np.hypot(item / scale.unit / factor, own) for item, own, factor in zip(errors, sorting, scale.factors)]
    )
    count = len(scaled)
    needed = stats.norm.isf(FALSE_ALARM / (scaled.shape[1] * count * (count - 1) / 2) / 2)
    found = []
    for group in range(scaled.shape[1]):
        shown = np.flatnonzero(np.isfinite(scaled[:, group]))
        if len(shown) < 2:
            continue
        limited = np.clip(scaled[shown, group], 0, 1)
        lowest, highest = int(shown[limited.argmin()]), int(shown[limited.argmax()])
        value = float(limited.max() - limited.min())
        sigma = float(np.hypot(np.hypot(noise[lowest, group], noise[highest, group]), MODEL_ERROR * value))
        if value >= MIN_DIFFERENCE and value > needed * sigma:
            half = INTERVAL_SIGMAS * float(np.hypot(sigma, MODEL_ERROR))
            found.append(PartDifference(group, lowest, highest, value - half, value, min(value + half, 1.0)))
    return tuple(sorted(found, key=lambda item: -item.value))
