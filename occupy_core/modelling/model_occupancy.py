# SPDX-License-Identifier: GPL-3.0-or-later
"""The occupancy of the parts of a fitted atomic model in one map, or in several under one scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import stats

from occupy_core.arrays.slabs import for_each
from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError, ModelError
from occupy_core.fourier.resize import resize
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.grid import MapGrid
from occupy_core.modelling.atomic_model import AtomicModel
from occupy_core.modelling.frame import Frame, find_frame, positions_in_map
from occupy_core.modelling.full_occupancy import INTERVAL_SIGMAS, MODEL_ERROR, Scale, find_scale, scale_of_named
from occupy_core.modelling.group_density import GroupDensity, group_density
from occupy_core.modelling.group_fit import GroupFit, Place, Weights, fit_groups, normal_equations, taper
from occupy_core.modelling.groups import Group, Window

# Å, and voxels: the finest detail that is fitted is the coarser of both. Finer detail says more about noisy maps, and
# depends more on the B-factors (docs/model.md). Ours.
_FINEST, _FINEST_VOXELS = 6.0, 2.5
_SAMPLES = 3.0  # points of the grid in the finest detail
# Share of a group that must lie in the box and outside flat areas to have an occupancy. Ours.
_MIN_SEEN = 0.7
# Cosine between the densities of two groups, above which no map tells them apart. Ours.
_MAX_ALIKE = 0.95
# Standard deviation, before the map is seen, of a window's occupancy about that of its group. Ours.
_WINDOW_SPREAD = 0.3
# The part of a window's standard deviation that is not noise. Ours, from the benchmark.
_WINDOW_ERROR = 0.06
# Correlation of the fitted model with the map, below which the occupancies are not to be trusted. Ours.
_MIN_CORRELATION = 0.3
# B-factors are taken relative to their median, and as much as this lower or higher, Å^2. Ours.
_B_RANGE = (-60.0, 100.0)
_MEAN_B = 80.0
# Difference between maps that is called a difference: its size, and the probability that noise alone makes one in any
# group and pair of maps.
_MIN_DIFFERENCE, _FALSE_ALARM = 0.15, 1e-3


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
    """

    model: AtomicModel = field(repr=False)
    groups: Tuple[Group, ...]
    windows: Tuple[Window, ...] = field(repr=False)
    occupancies: Tuple[Tuple[PartOccupancy, ...], ...]
    traces: Tuple[Tuple[PartOccupancy, ...], ...] = field(repr=False)
    differences: Tuple[PartDifference, ...]
    correlations: Tuple[float, ...]
    whole: Tuple[str, ...]
    is_whole_given: bool
    frame: Frame
    grid: MapGrid = field(repr=False)
    finest: float
    warnings: Tuple[str, ...]


@dataclass(frozen=True)
class _Fitted:
    """One map's fit; NaN for the groups and windows that the map does not show."""

    occupancies: NDArray[np.float64]
    errors: NDArray[np.float64]
    windows: NDArray[np.float64]
    window_errors: NDArray[np.float64]
    correlation: float


def measure_model(
    readers: Sequence[Callable[[], DensityMap]],
    model: AtomicModel,
    groups: Sequence[Group],
    windows: Sequence[Window],
    *,
    whole: Sequence[str] = (),
    lowpass: Optional[float] = None,
    names: Sequence[str] = (),
    threads: int = 1,
    step: Callable[[float, str], object] = lambda done, text: None,
) -> ModelOccupancy:
    """Measure how occupied the parts of a model are in one or several maps.

    Parameters
    ----------
    readers : sequence of callables
        Each reads one map; called one after the other, so that one map is in memory at a time. All maps lie on one grid.
    model : AtomicModel
        In the frame of the maps.
    groups : sequence of Group
        All atoms of the model, each in one group.
    windows : sequence of Window
        Parts of chains for the traces; may be empty.
    whole : sequence of str
        Names of the groups that count as fully occupied in every map; found when empty.
    lowpass : float, optional
        Finest detail to fit, Å; by default 6 Å or 2.5 voxels.
    names : sequence of str
        Names of the maps in messages.
    threads : int
    step : callable
        Called with the fraction of the work that is done (0..1) and a text that names the next piece.

    Raises
    ------
    ModelError
        If the model does not lie in the maps, or `whole` names no group.
    MapError
        If two maps do not lie on one grid, or a map cannot be read.
    """
    named = _indices(whole, groups)
    warnings = list(model.warnings)
    names = list(names) or [f"map {number}" for number in range(1, len(readers) + 1)]
    first: Optional[_Placed] = None
    fits: List[_Fitted] = []
    for number, read in enumerate(readers):
        step(number / len(readers), f"model in {names[number]}")
        source = read()
        if first is None:
            first = _place(source, model, groups, windows, lowpass, warnings, threads)
        elif first.grid.difference(source.grid):
            raise MapError(f"{source.path}: {first.grid.difference(source.grid)}, expected the grid of the first map")
        fits.append(_fit(source, first, len(groups), threads))
        if fits[-1].correlation < _MIN_CORRELATION:
            warnings.append(
                f"the model explains little of {names[number]}: their correlation from 30 to 10 Å is "
                f"{fits[-1].correlation:.2f}. Do not trust these occupancies before you have looked at model and map"
            )
    assert first is not None
    warnings += _missing(groups, fits, names)
    masses = np.array([group.mass for group in groups])
    values, errors = [fit.occupancies for fit in fits], [fit.errors for fit in fits]
    if named and any(np.isnan(item[named]).any() for item in values):
        raise ModelError("model_whole: names a part that a map does not show; name parts that lie in all maps")
    if all(np.isnan(item).all() for item in values):
        raise ModelError(f"{model.path}: no part of the model lies where the map has density")
    scale = scale_of_named(values, errors, named) if named else find_scale(values, errors, masses)
    if not scale.unit > 0:
        raise ModelError(f"{model.path}: the map has no density where the parts lie that should be fully occupied")
    return ModelOccupancy(
        model,
        tuple(groups),
        tuple(windows),
        tuple(_scaled(fit.occupancies, fit.errors, scale, index, MODEL_ERROR) for index, fit in enumerate(fits)),
        tuple(_scaled(fit.windows, fit.window_errors, scale, index, _WINDOW_ERROR) for index, fit in enumerate(fits)),
        _differences(values, errors, scale),
        tuple(fit.correlation for fit in fits),
        tuple(groups[index].name for index in scale.groups),
        bool(named),
        first.frame,
        first.grid,
        first.finest,
        tuple(warnings),
    )


@dataclass(frozen=True)
class _Placed:
    """The densities of groups and windows on the grid on which the maps are fitted."""

    grid: MapGrid
    frame: Frame
    finest: float
    shape: Tuple[int, ...]
    steps: Tuple[float, ...]
    densities: Tuple[GroupDensity, ...]
    owner: Tuple[int, ...]  # index of the density that each group belongs to: alike groups share one
    positions: NDArray[np.float64]
    b_factors: NDArray[np.float64]
    windows: Tuple[Window, ...]
    group_of_atom: NDArray[np.intp]
    elements: Tuple[str, ...]

    def density_of(self, atoms: NDArray[np.intp]) -> GroupDensity:
        elements = [self.elements[index] for index in atoms]
        return group_density(self.positions[atoms], elements, self.b_factors[atoms], self.steps)


def _place(
    source: DensityMap,
    model: AtomicModel,
    groups: Sequence[Group],
    windows: Sequence[Window],
    lowpass: Optional[float],
    warnings: List[str],
    threads: int,
) -> _Placed:
    """Find the frame of the model in the first map and compute the densities of all groups."""
    grid = source.grid
    finest = lowpass or max(_FINEST, _FINEST_VOXELS * grid.voxel_size)
    coarse_shape, coarse_steps = _working_grid(grid, 9.0)
    frame = find_frame(model, _on_grid(source, coarse_shape, threads), coarse_steps, grid)
    shape, steps = _working_grid(grid, finest)
    b_factors = _usable_b_factors(model, warnings)
    group_of_atom = np.empty(len(model.elements), np.intp)
    for number, group in enumerate(groups):
        group_of_atom[group.atoms] = number
    placed = _Placed(
        grid,
        frame,
        finest,
        shape,
        steps,
        (),
        (),
        positions_in_map(model, frame, grid),
        b_factors,
        tuple(windows),
        group_of_atom,
        model.elements,
    )
    densities: List[Optional[GroupDensity]] = [None] * len(groups)

    def compute(number: int) -> None:
        densities[number] = placed.density_of(groups[number].atoms)

    for_each(range(len(groups)), compute, threads=threads)
    own = [item for item in densities if item is not None]
    owner = _merge_alike(own, groups, finest, shape, warnings)
    kept = sorted(set(owner))
    merged = [
        own[index]
        if owner.count(index) == 1
        else placed.density_of(np.concatenate([g.atoms for g, o in zip(groups, owner) if o == index]))
        for index in kept
    ]
    fields = {**vars(placed), "densities": tuple(merged), "owner": tuple(kept.index(index) for index in owner)}
    return _Placed(**fields)


def _working_grid(grid: MapGrid, finest: float) -> Tuple[Tuple[int, ...], Tuple[float, ...]]:
    """Return shape and spacings (Å) of a grid that holds the finest detail; no finer than the map's own."""
    shape = tuple(
        min(side, int(scipy.fft.next_fast_len(int(np.ceil(side * grid.voxel_size * _SAMPLES / finest)), real=True)))
        for side in grid.shape
    )
    return shape, tuple(side * grid.voxel_size / new for side, new in zip(grid.shape, shape))


def _on_grid(source: DensityMap, shape: Tuple[int, ...], threads: int) -> Volume:
    return source.data if source.data.shape == shape else resize(source.data, shape, threads=threads)


def _usable_b_factors(model: AtomicModel, warnings: List[str]) -> NDArray[np.float64]:
    """Return the B-factors about a common mean; one for all atoms where the file has none, or the confidence of a
    predicted structure in their place."""
    values = model.b_factors
    spread = float(np.ptp(values))
    if spread < 1 or _is_predicted(model):
        warnings.append(
            f"{model.path} has no B-factors"
            + (" (it is a predicted structure, with its confidence in their place)" if spread >= 1 else "")
            + ": all atoms count as equally flexible"
        )
        return np.full(len(values), _MEAN_B)
    return _MEAN_B + np.clip(values - np.median(values), *_B_RANGE)


def _is_predicted(model: AtomicModel) -> bool:
    """Return whether a file says that it is a prediction: AlphaFold and others keep their confidence as B-factors."""
    text = " ".join([*model.structure.info.values(), *model.structure.raw_remarks[:20]]).upper()
    return any(word in text for word in ("ALPHAFOLD", "PREDICTION", "PREDICTED", "PLDDT", "ESMFOLD"))


def _merge_alike(
    densities: Sequence[GroupDensity], groups: Sequence[Group], finest: float, shape: Sequence[int], warnings: List[str]
) -> List[int]:
    """Return for each group the index of the first group that it cannot be told from: mostly its own."""
    parts = [item.filtered(taper(item.frequencies(), finest)) for item in densities]
    places = [Place.of(item, shape) for item in densities]
    everywhere = np.ones(tuple(shape), np.float32)
    products, _, _ = normal_equations(parts, places, everywhere, everywhere)
    lengths = np.sqrt(np.maximum(np.diag(products), np.finfo(float).tiny))
    alike = products / np.outer(lengths, lengths) > _MAX_ALIKE
    owner = list(range(len(groups)))
    for one in range(len(groups)):
        for other in range(one):
            if alike[one, other] and owner[one] == one:
                owner[one] = owner[other]
                warnings.append(
                    f"{groups[other].name} and {groups[one].name} lie in one place with one shape: no map tells them "
                    "apart, so both have the occupancy that they have together"
                )
    return owner


def _fit(source: DensityMap, placed: _Placed, count: int, threads: int) -> _Fitted:
    """Fit one map."""
    seen = _seen(source, placed)
    volume = _on_grid(source, placed.shape, threads)
    shown = [index for index in range(len(placed.densities)) if seen[index] >= _MIN_SEEN]
    occupancies = np.full(len(placed.densities), np.nan)
    errors = occupancies.copy()
    if not shown:
        nothing = np.full(len(placed.windows), np.nan)
        return _Fitted(np.full(count, np.nan), np.full(count, np.nan), nothing, nothing, 0.0)
    fit = fit_groups(volume, [placed.densities[index] for index in shown], finest=placed.finest, threads=threads)
    occupancies[shown], errors[shown] = fit.occupancies, np.sqrt(np.diag(fit.covariance))
    owner = np.array(placed.owner)
    of_groups, of_errors = occupancies[owner], errors[owner]
    windows, window_errors = _fit_windows(fit, placed, of_groups, of_errors, threads)
    return _Fitted(of_groups, of_errors, windows, window_errors, fit.correlation)


def _seen(source: DensityMap, placed: _Placed) -> List[float]:
    """Return for each density the share of its atoms that lie in the box, outside areas of one constant value."""
    corner = source.data[0, 0, 0]
    shape = np.array(source.data.shape)
    result = []
    owner = np.array(placed.owner)[placed.group_of_atom]
    index = np.round(placed.positions / placed.grid.voxel_size).astype(int)
    inside = np.all((index >= 0) & (index < shape), axis=1)
    flat = np.zeros(len(index), bool)
    at_atoms = source.data[tuple(index[inside].T)]
    flat[inside] = at_atoms == corner
    for number in range(len(placed.densities)):
        own = owner == number
        result.append(float(np.mean(inside[own] & ~flat[own])))
    return result


def _fit_windows(
    fit: GroupFit, placed: _Placed, occupancies: NDArray[np.float64], errors: NDArray[np.float64], threads: int
) -> Tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit by how much the windows of each chain differ from their groups, the other chains being as fitted."""
    values = np.full(len(placed.windows), np.nan)
    sigmas = values.copy()
    chains: Dict[str, List[int]] = {}
    for number, window in enumerate(placed.windows):
        chains.setdefault(window.chain, []).append(number)

    def fit_chain(numbers: List[int]) -> None:
        groups = [int(np.bincount(placed.group_of_atom[placed.windows[n].atoms]).argmax()) for n in numbers]
        kept = [(n, g) for n, g in zip(numbers, groups) if np.isfinite(occupancies[g])]
        if not kept:
            return
        densities = [placed.density_of(placed.windows[n].atoms) for n, _ in kept]
        deviations, spread = _deviations(fit, densities, np.nanmax(occupancies))
        for (number, group), deviation, sigma in zip(kept, deviations, spread):
            values[number] = occupancies[group] + deviation
            sigmas[number] = np.hypot(errors[group], sigma)

    for_each(list(chains.values()), fit_chain, threads=threads)
    return values, sigmas


def _deviations(
    fit: GroupFit, densities: Sequence[GroupDensity], full: float
) -> Tuple[NDArray[np.float64], NDArray[np.float64]]:
    weights: Weights = fit.weights
    columns = [weights.column(item) for item in densities]
    places = [Place.of(item, fit.residual.shape) for item in densities]
    matrix, vector, _ = normal_equations(columns, places, fit.residual, weights.near)
    matrix[np.diag_indices_from(matrix)] += (_WINDOW_SPREAD * full) ** -2
    covariance = np.linalg.inv(matrix)
    return covariance @ vector, np.sqrt(np.diag(covariance))


def _scaled(
    values: NDArray[np.float64], errors: NDArray[np.float64], scale: Scale, index: int, model_error: float
) -> Tuple[PartOccupancy, ...]:
    """Return occupancies with intervals, from the fit of the map with an index."""
    unit = scale.unit * scale.factors[index]
    result = []
    for value, noise in zip(values / unit, errors / unit):
        half = INTERVAL_SIGMAS * float(np.hypot(noise, model_error))
        low, middle, high = (float(np.clip(item, 0, 1)) for item in (value - half, value, value + half))
        result.append(PartOccupancy(low, middle, high, float(noise)))
    return tuple(result)


def _differences(
    values: Sequence[NDArray[np.float64]], errors: Sequence[NDArray[np.float64]], scale: Scale
) -> Tuple[PartDifference, ...]:
    """Find the groups that differ between maps by more than noise explains; noise of two maps is independent."""
    if len(values) < 2:
        return ()
    scaled = np.array([item / scale.unit / factor for item, factor in zip(values, scale.factors)])
    noise = np.array([item / scale.unit / factor for item, factor in zip(errors, scale.factors)])
    count = len(scaled)
    needed = stats.norm.isf(_FALSE_ALARM / (scaled.shape[1] * count * (count - 1) / 2) / 2)
    found = []
    for group in range(scaled.shape[1]):
        shown = np.flatnonzero(np.isfinite(scaled[:, group]))
        if len(shown) < 2:
            continue
        limited = np.clip(scaled[shown, group], 0, 1)
        lowest, highest = int(shown[limited.argmin()]), int(shown[limited.argmax()])
        value = float(limited.max() - limited.min())
        sigma = float(np.hypot(np.hypot(noise[lowest, group], noise[highest, group]), MODEL_ERROR * value))
        if value >= _MIN_DIFFERENCE and value > needed * sigma:
            half = INTERVAL_SIGMAS * float(np.hypot(sigma, MODEL_ERROR))
            found.append(PartDifference(group, lowest, highest, value - half, value, min(value + half, 1.0)))
    return tuple(sorted(found, key=lambda item: -item.value))


def _indices(names: Sequence[str], groups: Sequence[Group]) -> List[int]:
    known = [group.name for group in groups]
    for name in names:
        if name not in known:
            raise ModelError(f"model_whole: found {name!r}, expected names of parts: {', '.join(known)}")
    return [known.index(name) for name in names]


def _missing(groups: Sequence[Group], fits: Sequence[_Fitted], names: Sequence[str]) -> List[str]:
    """Name the groups that a map does not show."""
    texts = []
    for fit, name in zip(fits, names):
        unseen = [group.name for group, value in zip(groups, fit.occupancies) if np.isnan(value)]
        if unseen:
            texts.append(
                f"{', '.join(unseen)} lie outside the box of {name} or where it is flat, as outside a mask: they have no "
                "occupancy there"
            )
    return texts
