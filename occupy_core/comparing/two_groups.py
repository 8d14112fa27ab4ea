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
from typing import Any, List, NamedTuple, Tuple

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


def fit_two_groups(values: Floats, columns: NDArray[Any]) -> TwoGroups:
    """Fit the two-groups model to the differences of two maps, which may hold any multiple of some patterns.

    Parameters
    ----------
    values : float array (voxel)
        Differences of the maps; finite.
    columns : float array (voxel, column)
        Patterns, of which the differences may hold any multiple, as they come from a shift or from another grey scale.

    Returns
    -------
    TwoGroups
        The better of two fits: one starts from 0, one from the least squares over all voxels. The better one leaves
        less of the third of the voxels that it explains best (least quantile of squares; Rousseeuw, J. Am. Stat. Assoc.
        79 (1984), 871).
    """
    numbers = values.astype(np.float64)
    columns = np.asarray(columns, dtype=np.float64)
    lengths = np.sqrt((columns**2).mean(axis=0)) + _TINY
    columns = columns / lengths
    from_all = np.linalg.lstsq(columns, numbers, rcond=None)[0]
    fits = [_maximise(numbers, columns, start) for start in (np.zeros_like(from_all), from_all)]
    best = min(fits, key=lambda fit: _closeness(numbers - columns @ fit.coefficients))
    return TwoGroups(best.sigma, best.share, best.coefficients / lengths)


def fit_constants(values: Floats) -> List[TwoGroups]:
    """Fit the two-groups model, with one constant column, to each of several differences of maps.

    Parameters
    ----------
    values : float array (difference, voxel)
        Differences of maps; finite, one voxel or more.

    Returns
    -------
    list of TwoGroups
        For each difference the better of two fits, as in `fit_two_groups`: one starts from 0, one from the shortest
        interval that holds a third of the values.

    Notes
    -----
    The values are fitted in groups of neighbours in size. The numbers that the model is fitted by, such as the weighted
    mean, are exact sums over all values; only the weight, which changes little across a group, is one for the values of
    a group. All differences are fitted together, which is faster than one by one.
    """
    ordered = np.sort(values.astype(np.float64), axis=1)
    spans = ordered[:, -1] - ordered[:, 0]
    if not np.isfinite(spans).all():
        raise ValueError("expected finite differences of maps, found NaN or infinity")
    fits: List[List[TwoGroups]] = [[] if span > 0 else [TwoGroups(0.0, 1.0, np.zeros(1))] for span in spans]
    starts = [(row, *start) for row in np.flatnonzero(spans > 0) for start in _starts(ordered[row])]
    if starts:
        rows, middles, widths = (np.array(item) for item in zip(*starts))
        found = _maximise_constants(_grouped(ordered), spans, rows, middles, _SIGMA_OF_THIRD * widths)
        for row, fit in zip(rows, found):
            fits[row].append(fit)
    return [
        min(of_row, key=lambda fit: _closeness(row - fit.coefficients[0])) if len(of_row) > 1 else of_row[0]
        for row, of_row in zip(ordered, fits)
    ]


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
    """Values in groups, in rising order: how many (group), their sum and the sum of their squares (row, group)."""

    counts: Doubles
    sums: Doubles
    squares: Doubles


def _grouped(ordered: Doubles) -> _Grouped:
    """Group the values of sorted rows."""
    size = ordered.shape[1]
    firsts = np.arange(0, size, size // _GROUPS + 1)
    sums, squares = (np.add.reduceat(item, firsts, axis=1) for item in (ordered, ordered**2))
    return _Grouped(np.diff(firsts, append=size).astype(np.float64), sums, squares)


def _starts(ordered: Doubles) -> List[Tuple[float, float]]:
    """Return the middles, and the half widths of the interval that holds a third of the values, of the first fits."""
    held = math.ceil(SAME_SHARE * len(ordered))
    widths = ordered[held - 1 :] - ordered[: len(ordered) - held + 1]
    first = int(widths.argmin())
    middle, half_width = float(ordered[first] + widths[first] / 2), float(widths[first] / 2)
    return [(middle, half_width)] if abs(middle) <= half_width else [(middle, half_width), (0.0, _closeness(ordered))]


def _maximise_constants(
    grouped: _Grouped, spans: Doubles, rows: NDArray[np.intp], middle: Doubles, sigma: Doubles
) -> List[TwoGroups]:
    """Fit the model with one constant column to rows of values, from these first coefficients and sigmas.

    Parameters
    ----------
    grouped : _Grouped
        The values.
    spans : float64 array (row)
        Their range.
    rows : int array (fit)
        The row that each fit is of.
    middle, sigma : float64 arrays (fit)
    """
    counts = grouped.counts
    least = _MIN_SIGMA * spans[rows]
    sigma, share, last = np.maximum(sigma, least), np.full(len(rows), _FIRST_SHARE), np.full(len(rows), -math.inf)
    active = np.arange(len(rows))
    sums, squares = grouped.sums[rows], grouped.squares[rows]
    for _ in range(_MAX_STEPS):
        noise = sums / counts
        noise -= middle[active, None]
        noise /= sigma[active, None]
        np.square(noise, out=noise)
        noise *= -0.5
        np.exp(noise, out=noise)
        noise *= (share[active] / (sigma[active] * math.sqrt(2 * math.pi)))[:, None]
        total = noise + np.maximum((1 - share[active]) / spans[rows[active]], _TINY)[:, None]
        weights = np.divide(noise, total, out=noise)
        likelihood, weight = np.log(total, out=total) @ counts, weights @ counts
        # Without a weight of one voxel, none is left in the first group.
        going = (likelihood - last[active] >= _CONVERGED) & (weight >= 1)
        if not going.all():
            active, sums, squares = active[going], sums[going], squares[going]
            likelihood, weights, weight = likelihood[going], weights[going], weight[going]
            if not active.size:
                break
        last[active] = likelihood
        share[active] = weight / counts.sum()
        of_sums, of_squares = ((weights * item).sum(axis=1) / weight for item in (sums, squares))
        middle[active] = of_sums
        sigma[active] = np.maximum(np.sqrt(np.maximum(of_squares - of_sums**2, 0)), least[active])
    return [TwoGroups(float(s), float(part), np.array([m])) for s, part, m in zip(sigma, share, middle)]


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
