# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the noise in the difference of two maps from true differences, by the differences themselves.

Efron's two-groups model with an empirical null (J. Am. Stat. Assoc. 99 (2004), 96): most voxels of a molecule differ by
noise alone, which is normally distributed about 0; the others may differ by any amount. Fitted by expectation
maximisation (Dempster, Laird & Rubin, J. R. Statist. Soc. B 39 (1977), 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Floats

Doubles = NDArray[np.float64]

# Share of the voxels that differ by noise alone at least: at most two thirds of a molecule may differ. Our choice.
SAME_SHARE = 1 / 3

# Most steps of the expectation maximisation, and the change of the log-likelihood that ends it.
_MAX_STEPS, _CONVERGED = 100, 1e-2

# Share of the voxels that differ by noise alone, from which the expectation maximisation starts.
_FIRST_SHARE = 0.7

# Standard deviation of a normal distribution, relative to its half width at half maximum, to its median absolute
# deviation, and to the half width of the interval in its middle that holds a third of all values, where the normal
# distribution holds _FIRST_SHARE of them.
_SIGMA_OF_HALF_WIDTH, _SIGMA_OF_DEVIATION = 1 / math.sqrt(2 * math.log(2)), 1 / NormalDist().inv_cdf(3 / 4)
_SIGMA_OF_THIRD = 1 / NormalDist().inv_cdf((1 + SAME_SHARE / _FIRST_SHARE) / 2)

# Standard deviation of the Gaussian that smooths a histogram before its peak is measured, relative to that of the peak.
_PEAK_SMOOTHING = 0.25

# Bins of that histogram, and its half width in standard deviations of the peak.
_BINS, _HALF_RANGE = 401, 4.0

# Smallest standard deviation, relative to the range of the values: keeps quotients finite where maps are equal.
_MIN_SIGMA = 1e-6

# Values are fitted in about so many groups of neighbours in size.
_GROUPS = 1000

# Keeps quotients and logarithms finite.
_TINY = float(np.finfo(np.float64).tiny)

# Standard deviations from the middle, beyond which a value has no weight: a normal distribution is below 1e-13 of its
# height there.
_REACH = 8.0


@dataclass(frozen=True)
class TwoGroups:
    """Two groups of voxels: in one, maps differ by noise alone; in the other, by any amount.

    Attributes
    ----------
    sigma : float
        Standard deviation of the noise, in the grey scale of the values.
    share : float
        Share of the voxels that differ by noise alone, 0..1.
    coefficients : float64 array (column)
        Factor of each column that explains the values of the first group.
    """

    sigma: float
    share: float
    coefficients: Doubles


def fit_two_groups(values: Floats, columns: Optional[NDArray[Any]] = None) -> TwoGroups:
    """Fit the two-groups model to the differences of two maps.

    Parameters
    ----------
    values : float array (voxel)
        Differences of the maps; finite.
    columns : float array (voxel, column), optional
        Patterns, of which the differences may hold any multiple, as they come from a shift or from another grey scale.
        By default one constant column.

    Returns
    -------
    TwoGroups
        The better of two fits: one starts from 0, one from the least squares over all voxels or, with one constant
        column, from the shortest interval that holds a third of the values. The better one leaves less of the third of
        the voxels that it explains best (least quantile of squares; Rousseeuw, J. Am. Stat. Assoc. 79 (1984), 871).
    """
    numbers = values.astype(np.float64)
    if columns is None:
        return _fit_constant(numbers)
    columns = np.asarray(columns, dtype=np.float64)
    lengths = np.sqrt((columns**2).mean(axis=0)) + _TINY
    columns = columns / lengths
    from_all = np.linalg.lstsq(columns, numbers, rcond=None)[0]
    fits = [_maximise(numbers, columns, start) for start in (np.zeros_like(from_all), from_all)]
    best = min(fits, key=lambda fit: _closeness(numbers - columns @ fit.coefficients))
    return TwoGroups(best.sigma, best.share, best.coefficients / lengths)


class Peak(NamedTuple):
    """The highest peak of a distribution: the most frequent value, and the standard deviation about it."""

    middle: float
    sigma: float


def find_peak(values: NDArray[Any]) -> Peak:
    """Find the highest peak of a distribution; its standard deviation is taken from its half width at half maximum.

    Parameters
    ----------
    values : float array (voxel)
        At least one value.
    """
    ordered = np.sort(values)
    middle = float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    sigma = _SIGMA_OF_DEVIATION * float(np.median(np.abs(ordered - middle)))
    for _ in range(4):
        if sigma <= 0:
            break
        edges = np.linspace(middle - _HALF_RANGE * sigma, middle + _HALF_RANGE * sigma, _BINS + 1)
        counts = np.diff(np.searchsorted(ordered, edges))
        width = edges[1] - edges[0]
        offsets = np.arange(-_BINS // 2, _BINS // 2 + 1) * width
        smoothing = _PEAK_SMOOTHING * sigma
        curve = np.convolve(counts, np.exp(-0.5 * (offsets / smoothing) ** 2), mode="same")
        peak = int(curve.argmax())
        low = np.flatnonzero(curve < curve[peak] / 2)
        before, after = low[low < peak], low[low > peak]
        sides = [float(peak - before[-1])] if before.size else []
        sides += [float(after[0] - peak)] if after.size else []
        if not sides:
            break
        half_width = min(sides) * width * _SIGMA_OF_HALF_WIDTH
        sigma = math.sqrt(max(half_width**2 - smoothing**2, (width / 2) ** 2))
        middle = float((edges[peak] + edges[peak + 1]) / 2)
    return Peak(middle, sigma)


class _Grouped(NamedTuple):
    """Values in groups, in rising order: how many, their sum and the sum of their squares, in each group."""

    counts: Doubles
    sums: Doubles
    squares: Doubles


def _fit_constant(values: Doubles) -> TwoGroups:
    """Fit the model with one constant column, as `fit_two_groups` does, to values in groups of neighbours in size.

    The fits start from 0, and from the shortest interval that holds a third of the values. The numbers that the model
    is fitted by, such as the weighted mean, are exact sums over all values; only the weight, which changes little
    across a group, is one for the values of a group.
    """
    ordered = np.sort(values)
    span = float(ordered[-1] - ordered[0])
    if not math.isfinite(span):
        raise ValueError("expected finite differences of maps, found NaN or infinity")
    if span <= 0:
        return TwoGroups(0.0, 1.0, np.zeros(1))
    firsts = np.arange(0, len(ordered), len(ordered) // _GROUPS + 1)
    sums, squares = (np.add.reduceat(item, firsts) for item in (ordered, ordered**2))
    grouped = _Grouped(np.diff(firsts, append=len(ordered)).astype(np.float64), sums, squares)
    middle, half_width = _shortest_interval(ordered)
    starts = [(middle, half_width)]
    if abs(middle) > half_width:
        starts.append((0.0, _closeness(values)))
    fits = [_maximise_constant(grouped, span, start, _SIGMA_OF_THIRD * width) for start, width in starts]
    return min(fits, key=lambda fit: _closeness(values - fit.coefficients[0])) if len(fits) > 1 else fits[0]


def _shortest_interval(ordered: Doubles) -> Tuple[float, float]:
    """Return the middle and the half width of the shortest interval that holds a third of the values, sorted."""
    held = math.ceil(SAME_SHARE * len(ordered))
    widths = ordered[held - 1 :] - ordered[: len(ordered) - held + 1]
    first = int(widths.argmin())
    return float(ordered[first] + widths[first] / 2), float(widths[first] / 2)


def _maximise_constant(grouped: _Grouped, span: float, middle: float, sigma: float) -> TwoGroups:
    """Fit the model with one constant column from this first coefficient and standard deviation.

    Parameters
    ----------
    grouped : _Grouped
        The values.
    span : float
        Their range.
    middle, sigma : float
    """
    centres, up_to = grouped.sums / grouped.counts, np.concatenate([[0.0], np.cumsum(grouped.counts)])
    share, last, least = _FIRST_SHARE, -math.inf, _MIN_SIGMA * span
    sigma = max(sigma, least)
    for _ in range(_MAX_STEPS):
        first, end = np.searchsorted(centres, (middle - _REACH * sigma, middle + _REACH * sigma))
        counts, sums, squares = (item[first:end] for item in grouped)  # values farther off have no weight
        noise = np.exp(-0.5 * ((centres[first:end] - middle) / sigma) ** 2)
        noise *= share / (sigma * math.sqrt(2 * math.pi))
        other = max((1 - share) / span, _TINY)
        total = noise + other
        likelihood = float(counts @ np.log(total)) + (up_to[-1] - up_to[end] + up_to[first]) * math.log(other)
        if likelihood - last < _CONVERGED:
            break
        last = likelihood
        weights = noise / total
        weight = float(weights @ counts)
        if weight < 1:  # no voxel is left in the first group
            break
        middle = float(weights @ sums) / weight
        share = weight / float(up_to[-1])
        variance = float(weights @ (squares - 2 * middle * sums + middle**2 * counts)) / weight
        sigma = max(math.sqrt(max(variance, 0.0)), least)
    return TwoGroups(sigma, share, np.array([middle]))


def _maximise(values: Doubles, columns: Doubles, start: Doubles) -> TwoGroups:
    """Fit the model from these first coefficients."""
    span = float(np.ptp(values))
    if span <= 0:
        return TwoGroups(0.0, 1.0, np.zeros(columns.shape[1]))
    coefficients, share, last = start, _FIRST_SHARE, -math.inf
    rows = np.ascontiguousarray(columns.T)  # (column, voxel)
    rest = values - coefficients @ rows
    least = _MIN_SIGMA * span
    sigma = max(find_peak(rest).sigma, least)
    noise, total, work = (np.empty_like(rest) for _ in range(3))  # reused: this loop takes most of a comparison's time
    for _ in range(_MAX_STEPS):
        np.divide(rest, sigma, out=noise)
        np.square(noise, out=noise)
        noise *= -0.5
        np.exp(noise, out=noise)
        noise *= share / (sigma * math.sqrt(2 * math.pi))
        np.add(noise, (1 - share) / span, out=total)
        np.maximum(total, _TINY, out=work)
        likelihood = float(np.log(work, out=work).sum())
        if likelihood - last < _CONVERGED:
            break
        last = likelihood
        weights = np.divide(noise, total, out=noise)
        if weights.sum() < 1:  # no voxel is left in the first group
            break
        weighted = rows * weights
        coefficients = np.linalg.lstsq(weighted @ rows.T, weighted @ values, rcond=None)[0]
        np.subtract(values, coefficients @ rows, out=rest)
        share = float(weights.mean())
        np.square(rest, out=work)
        work *= weights
        sigma = max(math.sqrt(float(work.sum() / weights.sum())), least)
    return TwoGroups(sigma, share, coefficients)


def _closeness(rest: Doubles) -> float:
    """Return the largest absolute value in the third of the voxels where it is smallest."""
    return float(np.quantile(np.abs(rest), SAME_SHARE))
