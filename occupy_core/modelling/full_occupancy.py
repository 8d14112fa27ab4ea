# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose what counts as fully occupied (1), and put several maps on one scale.

A fit gives occupancies in units of its own. Only ratios have a meaning: no map shows whether anything is there in every
particle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from occupy_core.comparing.limits import INTERVAL_SIGMAS

# Standard deviation of an occupancy for other reasons than noise: errors of the model, and of what counts as 1. Ours:
# intervals then hold in 90 % of the chains of the benchmark (docs/model.md).
MODEL_ERROR = 0.03
# The same by the mass of the group: of heavy groups, and what is added for a group of 1 kDa, which falls with the root
# of the mass. Ours: intervals then hold alike in small and large chains of the benchmark.
_ERROR_OF_HEAVY, _ERROR_OF_SMALL = 0.018, 0.075
# The same of the ratio of the occupancies of one group in two maps, where errors of the model mostly cancel. Ours.
_RATIO_ERROR = 0.02
# Standard deviation of an occupancy, relative, of nucleic acid where protein counts as 1, and the other way round:
# their contrast in ice follows from the volumes of their atoms, on which tables differ by so much. Ours.
_CONTRAST_ERROR = 0.06
# Occupancy relative to the highest, below which a group does not tell the grey scale of a map. Ours.
_MIN_FOR_SCALE = 0.25
# Standard deviation by which fully occupied groups differ in a map without noise, for errors of the model and of its
# contrast in ice: of heavy groups, and what is added for a group of 1 kDa. Errors of atoms average out, so that falls
# with the root of the mass. Ours: heavy chains of the benchmark differ by the first (docs/model.md); small helices have
# read 1.2 times too dense in maps of another simulator, and must not make all other occupancies too low.
_SPREAD_OF_WHOLE, _SPREAD_OF_SMALL = 0.03, 0.22
# Probability that noise lets any fully occupied group read higher than what counts as 1 allows. Ours.
_CHANCE_ABOVE = 0.05
# Values from which the fitted occupancy of fully occupied groups is sought, and iterations by which it converges.
_STARTS = 20
_ITERATIONS = 10
# kDa: lighter groups do not set what counts as 1 where there are heavier ones: of many small and noisy values some are
# high by chance. Ours.
MIN_MASS_OF_WHOLE = 5.0


@dataclass(frozen=True)
class Scale:
    """The fitted occupancy that counts as 1, and the grey scales of the maps.

    Attributes
    ----------
    unit : float
        Fitted occupancy that counts as 1, in a map with the factor 1; NaN or not positive if no part has density.
    groups : tuple of int
        Index of each group that counts as fully occupied: in all maps, if there is such a group, else in one.
    factors : tuple of float
        For each map, the fitted occupancy of a part that has the same occupancy in all maps, relative to one of the
        maps; NaN for a map that shows no part.
    """

    unit: float
    groups: Tuple[int, ...]
    factors: Tuple[float, ...]


def common_factors(
    occupancies: Sequence[NDArray[np.float64]], errors: Sequence[NDArray[np.float64]], masses: NDArray[np.float64]
) -> Tuple[float, ...]:
    """Return the grey scale of each map, from the ratio to one of them that holds for most of the mass.

    The one is the first that shows a part. A map that shows none has the grey scale NaN.

    Parameters
    ----------
    occupancies, errors : sequences of float arrays (groups)
        For each map, fitted occupancies and their standard deviations; NaN where a group has none.
    masses : float array (groups)
        kDa.
    """
    highest = [float(np.max(values, where=np.isfinite(values), initial=-np.inf)) for values in occupancies]
    reference = next((index for index, value in enumerate(highest) if value > 0), 0)
    first, first_errors = occupancies[reference], errors[reference]
    factors: List[float] = []
    for index, (values, value_errors) in enumerate(zip(occupancies, errors)):
        if index == reference or not highest[index] > 0:
            factors.append(1.0 if index == reference else np.nan)
            continue
        usable = np.isfinite(values) & np.isfinite(first)
        usable &= (values > _MIN_FOR_SCALE * highest[index]) & (first > _MIN_FOR_SCALE * highest[reference])
        if not usable.any():
            factors.append(highest[index] / highest[reference])
            continue
        ratios = np.log(values[usable] / first[usable])
        spread = np.hypot(value_errors[usable] / values[usable], first_errors[usable] / first[usable])
        spread = np.hypot(spread, _RATIO_ERROR)
        factors.append(float(np.exp(_most_frequent(ratios, spread, masses[usable]))))
    return tuple(factors)


def _most_frequent(values: NDArray[np.float64], spread: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the value with which most of the weight agrees, refined to the weighted mean of what agrees with it."""
    agreeing = np.exp(-0.5 * ((values[:, None] - values) / np.hypot(spread[:, None], spread)) ** 2)
    best = int(np.argmax(agreeing @ (weights / np.sqrt(spread))))
    near = agreeing[best] * weights / spread**2
    return float((near * values).sum() / near.sum())


def find_scale(
    occupancies: Sequence[NDArray[np.float64]], errors: Sequence[NDArray[np.float64]], masses: NDArray[np.float64]
) -> Scale:
    """Find the fitted occupancy that counts as 1.

    Each group is either fully occupied or has any occupancy from 0 to 1, with equal probability. 1 is the mean of the
    fully occupied groups for which the fitted occupancies of all groups are most likely (expectation maximisation, from
    many starts). Noise alone then does not choose the largest.

    Parameters
    ----------
    occupancies, errors, masses
        As in `common_factors`.
    """
    factors = common_factors(occupancies, errors, masses)
    values = np.array([item / factor for item, factor in zip(occupancies, factors)])
    sigmas = np.array([item / factor for item, factor in zip(errors, factors)])
    shown = np.isfinite(values)
    counted = shown & (masses >= MIN_MASS_OF_WHOLE)
    if not counted.any():
        counted = shown
    if not counted.any() or not values[counted].max() > 0:
        return Scale(np.nan, (), factors)
    small = _SPREAD_OF_SMALL / np.sqrt(np.maximum(masses, MIN_MASS_OF_WHOLE))
    spreads = np.broadcast_to(np.hypot(_SPREAD_OF_WHOLE, small), values.shape)
    unit = _most_likely_unit(values[counted], sigmas[counted], spreads[counted])
    reach = values + INTERVAL_SIGMAS * np.hypot(sigmas, MODEL_ERROR * unit)
    whole = counted & (reach >= unit)
    in_all = (whole | ~shown).all(axis=0) & shown.any(axis=0)  # a group that is whole in one class only is not named
    named = in_all if in_all.any() else whole.any(axis=0)
    return Scale(unit, tuple(int(index) for index in np.flatnonzero(named)), factors)


def _most_likely_unit(values: NDArray[np.float64], sigmas: NDArray[np.float64], spreads: NDArray[np.float64]) -> float:
    """Return the mean of the fully occupied groups for which the fitted occupancies of all groups are most likely.

    It is not less than what the highest values allow: of so many, noise lets none be higher by more. `spreads` are the
    relative standard deviations of the groups, if fully occupied, for other reasons than noise.
    """
    most_above = stats.norm.isf(_CHANCE_ABOVE / len(values))
    least = float((values - most_above * np.hypot(sigmas, spreads * values)).max())

    def densities(unit: float) -> Tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the weights of the values, and their probability densities in fully and partially occupied groups."""
        spread = np.hypot(sigmas, spreads * unit)
        partial = (stats.norm.cdf(values / spread) - stats.norm.cdf((values - unit) / spread)) / unit
        weights: NDArray[np.float64] = spread**-2.0
        return weights, stats.norm.pdf(values, unit, spread), np.maximum(partial, np.finfo(float).tiny)

    best_unit, best_likelihood = float(values.max()), -np.inf
    for start in best_unit * np.linspace(1, 0, _STARTS, endpoint=False):
        unit = max(float(start), least)
        for _ in range(_ITERATIONS):
            weights, whole, partial = densities(unit)
            unit = max(float(np.average(values, weights=weights * whole / (whole + partial))), least)
        _, whole, partial = densities(unit)
        likelihood = float(np.log(whole + partial).sum())
        if likelihood > best_likelihood:
            best_unit, best_likelihood = unit, likelihood
        if start < least:
            break
    return best_unit


def scale_of_named(
    occupancies: Sequence[NDArray[np.float64]], errors: Sequence[NDArray[np.float64]], groups: Sequence[int]
) -> Scale:
    """Take named groups as fully occupied in every map: their mean, weighted by their precision, is 1.

    A factor is NaN where the named groups have no density in a map, and so is the unit if they have none in any.
    """
    chosen: List[int] = list(groups)
    units = []
    for values, sigmas in zip(occupancies, errors):
        weights = np.hypot(sigmas[chosen], MODEL_ERROR * np.abs(values[chosen])) ** -2
        units.append(float((weights * values[chosen]).sum() / weights.sum()))
    units = [unit if unit > 0 else np.nan for unit in units]
    reference = next((unit for unit in units if unit > 0), np.nan)
    return Scale(reference, tuple(chosen), tuple(unit / reference for unit in units))


def model_errors(masses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each group's occupancy for other reasons than noise, by its mass (kDa)."""
    errors: NDArray[np.float64] = np.hypot(_ERROR_OF_HEAVY, _ERROR_OF_SMALL / np.sqrt(masses))
    return errors


def contrast_errors(nucleic: NDArray[np.float64], masses: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """Return the relative error of each group's occupancy from the contrast of nucleic acid to protein.

    It is 0 for groups of the kind that most of the mass has which counts as 1.

    Parameters
    ----------
    nucleic : float array (groups)
        Share of nucleic acid in each group, 0..1.
    masses : float array (groups)
        kDa.
    scale : Scale
    """
    whole = list(scale.groups)
    of_whole = float(np.average(nucleic[whole], weights=masses[whole]))
    return _CONTRAST_ERROR * np.abs(nucleic - of_whole)
