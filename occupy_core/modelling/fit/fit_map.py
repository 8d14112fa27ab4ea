# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit one map: the occupancies of a model's groups, and of windows along its chains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.rigid_motion import RigidMotion
from occupy_core.arrays.slabs import for_each
from occupy_core.arrays.types import Volume
from occupy_core.modelling.atoms.groups import Window
from occupy_core.modelling.fit.find_frame import lies_in
from occupy_core.modelling.fit.fit_result import GroupFit
from occupy_core.modelling.fit.group_density import GroupDensity
from occupy_core.modelling.fit.group_fit import fit_groups
from occupy_core.modelling.fit.map_to_fit import MapToFit
from occupy_core.modelling.fit.normal_equations import Place, normal_equations
from occupy_core.modelling.fit.placed_model import PlacedModel

# Share of a group's atoms that must lie in the box and outside flat areas for it to have an occupancy. Ours.
_MIN_SEEN = 0.7
# Signal-to-noise ratio of the model, below which the map does not show it. Ours: maps of noise gave 4 to 11, class maps
# that RELION made of 60 and more particles 16 and more (docs/model.md).
_MIN_SIGNAL = 14.0
# Å, and correlation: maps that the fit has moved by more, or that correlate less, are compared with turned and mirrored
# models again. Ours.
_CHECKED_DISPLACEMENT, _CHECKED_CORRELATION = 3.0, 0.3
# Degrees, and the correlation with the model that maps turned by more must have. Ours: right classes were turned by up
# to 13 degrees, or correlated by 0.8 and more; fits to mirrored maps were turned by 17 to 30, with 0.55 and less.
_LARGE_TURN, _MIN_CORRELATION_OF_TURNED = 15.0, 0.6
# Standard deviation, before the map is seen, of a window's occupancy about that of its group. Ours.
WINDOW_SPREAD = 0.3


@dataclass(frozen=True)
class FittedMap:
    """The fit of one map, in units in which only ratios have a meaning; NaN for what the map does not show.

    Attributes
    ----------
    occupancies, errors : float arrays (groups)
        Occupancies, and their standard deviations from the noise.
    windows, window_errors : float arrays (windows)
        The same of the windows.
    correlation, unmodelled, signal : float
        `GroupFit.correlation`, `GroupFit.unmodelled` and `GroupFit.signal`.
    motion : RigidMotion
        By which the map was moved to where the model fits best.
    displacement : float
        Root mean square displacement of the model's voxels by this motion, Å.
    """

    occupancies: NDArray[np.float64]
    errors: NDArray[np.float64]
    windows: NDArray[np.float64]
    window_errors: NDArray[np.float64]
    correlation: float = 0.0
    unmodelled: float = 0.0
    signal: float = 0.0
    motion: RigidMotion = RigidMotion.none(np.zeros(3), (1.0, 1.0, 1.0))
    displacement: float = 0.0


def fit_map(source: MapToFit, placed: PlacedModel, windows: Sequence[Window], threads: int) -> FittedMap:
    """Fit one map; `windows` are parts of chains, each mostly in one group."""
    shown = _shown(source, placed, placed.positions)
    if not shown:
        return _nothing(len(placed.owner), len(windows))
    fit = _fit(source, placed, shown, threads)
    shown_there = _shown(source, placed, fit.motion.places(placed.positions))
    if shown_there and shown_there != shown:
        shown = shown_there
        fit = _fit(source, placed, shown, threads)
    if not _is_right(fit, source.outline, placed):
        return replace(_nothing(len(placed.owner), len(windows)), correlation=fit.correlation, signal=fit.signal)
    occupancies = np.full(len(placed.densities), np.nan)
    errors = occupancies.copy()
    occupancies[shown], errors[shown] = fit.occupancies, np.sqrt(np.diag(fit.covariance))
    owner = np.array(placed.owner)
    of_groups, of_errors = occupancies[owner], errors[owner]
    of_windows = _fit_windows(fit, placed, windows, of_groups, of_errors, threads)
    judged = fit.correlation, fit.unmodelled, fit.signal
    return FittedMap(of_groups, of_errors, *of_windows, *judged, fit.motion, fit.displacement)


def _fit(source: MapToFit, placed: PlacedModel, shown: Sequence[int], threads: int) -> GroupFit:
    densities = [placed.densities[index] for index in shown]
    return fit_groups(source.volume, densities, finest=placed.finest, threads=threads)


def _nothing(groups: int, windows: int) -> FittedMap:
    """Return the fit of a map that shows no part of the model."""
    of_groups, of_windows = np.full(groups, np.nan), np.full(windows, np.nan)
    return FittedMap(of_groups, of_groups, of_windows, of_windows)


def _is_right(fit: GroupFit, outline: Volume, placed: PlacedModel) -> bool:
    """Return whether the map shows the model: better than noise does, and where the fit has moved it far, upright."""
    if not fit.has_converged or fit.signal < _MIN_SIGNAL:
        return False
    if fit.displacement < _CHECKED_DISPLACEMENT and fit.correlation > _CHECKED_CORRELATION:
        return True
    if fit.motion.angle > _LARGE_TURN and fit.correlation < _MIN_CORRELATION_OF_TURNED:
        return False
    moved = replace(fit.motion, steps=placed.outline.steps).moved(outline)
    return lies_in(placed.outline, moved, placed.frame, placed.grid)


def _shown(source: MapToFit, placed: PlacedModel, positions: NDArray[np.float64]) -> List[int]:
    """Return the densities whose atoms, at these positions, mostly lie in the box, outside areas of one value."""
    owner = np.array(placed.owner)[placed.group_of_atom]
    seen = source.shows(positions, placed.grid.voxel_size)
    return [number for number in range(len(placed.densities)) if seen[owner == number].mean() >= _MIN_SEEN]


def _fit_windows(
    fit: GroupFit,
    placed: PlacedModel,
    windows: Sequence[Window],
    occupancies: NDArray[np.float64],
    errors: NDArray[np.float64],
    threads: int,
) -> Tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit by how much the windows of each chain differ from their groups, the other chains being as fitted."""
    values = np.full(len(windows), np.nan)
    sigmas = values.copy()
    full = float(np.nanmax(occupancies))
    if not full > 0:
        return values, sigmas
    chains: Dict[str, List[int]] = {}
    for number, window in enumerate(windows):
        chains.setdefault(window.chain, []).append(number)

    def fit_chain(numbers: List[int]) -> None:
        groups = [int(np.bincount(placed.group_of_atom[windows[n].atoms]).argmax()) for n in numbers]
        kept = [(n, g) for n, g in zip(numbers, groups) if np.isfinite(occupancies[g])]
        if not kept:
            return
        densities = [placed.density_of(windows[n].atoms) for n, _ in kept]
        deviations, spread = _deviations(fit, densities, full)
        for (number, group), deviation, sigma in zip(kept, deviations, spread):
            values[number] = occupancies[group] + deviation
            sigmas[number] = np.hypot(errors[group], sigma)

    for_each(list(chains.values()), fit_chain, threads=threads)
    return values, sigmas


def _deviations(
    fit: GroupFit, densities: Sequence[GroupDensity], full: float
) -> Tuple[NDArray[np.float64], NDArray[np.float64]]:
    places = [Place.of(item, fit.residual.shape) for item in densities]
    equations = normal_equations(
        lambda number: [fit.weights.column(densities[number])], places, fit.residual, fit.weights.near
    )
    matrix = equations.matrix
    matrix[np.diag_indices_from(matrix)] += (WINDOW_SPREAD * full) ** -2
    covariance = np.linalg.inv(matrix)
    return covariance @ equations.vector, np.sqrt(np.diag(covariance))
