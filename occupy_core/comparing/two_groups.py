# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the noise in the difference of two maps from true differences, by the differences themselves.

Efron's two-groups model with an empirical null (J. Am. Stat. Assoc. 99 (2004), 96): most voxels of a molecule differ by
noise alone, which is normally distributed about 0; the others may differ by any amount. Fitted by expectation
maximisation (Dempster, Laird & Rubin, J. R. Statist. Soc. B 39 (1977), 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray
from scipy import special

from occupy_core.arrays.types import Floats

Doubles = NDArray[np.float64]

# Share of the voxels that differ by noise alone at least: at most two thirds of a molecule may differ. Our choice.
SAME_SHARE = 1 / 3

# Most steps of the expectation maximisation, and the change of the log-likelihood that ends it.
_MAX_STEPS, _CONVERGED = 100, 1e-2

# Standard deviation of a normal distribution, relative to its half width at half maximum, and to its median absolute
# deviation.
_SIGMA_OF_HALF_WIDTH, _SIGMA_OF_DEVIATION = 1 / math.sqrt(2 * math.log(2)), 1 / float(special.ndtri(3 / 4))

# Standard deviation of the Gaussian that smooths a histogram before its peak is measured, relative to that of the peak.
_PEAK_SMOOTHING = 0.25

# Bins of that histogram, and its half width in standard deviations of the peak.
_BINS, _HALF_RANGE = 401, 4.0

# Smallest standard deviation, relative to the range of the values: keeps quotients finite where maps are equal.
_MIN_SIGMA = 1e-6


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
        Differences of the maps.
    columns : float array (voxel, column), optional
        Patterns, of which the differences may hold any multiple, as they come from a shift or from another grey scale.
        By default one constant column.

    Returns
    -------
    TwoGroups
        The better of two fits: one starts from all voxels, one from the voxels in the peak of the distribution. The
        better one leaves less of the third of the voxels that it explains best (least quantile of squares; Rousseeuw,
        J. Am. Stat. Assoc. 79 (1984), 871).
    """
    numbers = values.astype(np.float64)
    columns = np.ones((len(numbers), 1)) if columns is None else np.asarray(columns, dtype=np.float64)
    lengths = np.sqrt((columns**2).mean(axis=0)) + np.finfo(np.float64).tiny
    columns = columns / lengths
    from_all = np.linalg.lstsq(columns, numbers, rcond=None)[0]
    fits = [_maximise(numbers, columns, start) for start in (np.zeros_like(from_all), from_all)]
    best = min(fits, key=lambda fit: _closeness(numbers - columns @ fit.coefficients))
    return TwoGroups(best.sigma, best.share, best.coefficients / lengths)


class Peak(NamedTuple):
    """The highest peak of a distribution: the most frequent value, and the standard deviation about it."""

    middle: float
    sigma: float


def find_peak(values: Floats) -> Peak:
    """Find the highest peak of a distribution; its standard deviation is taken from its half width at half maximum.

    Parameters
    ----------
    values : float array (voxel)
        At least one value.
    """
    middle = float(np.median(values))
    sigma = _SIGMA_OF_DEVIATION * float(np.median(np.abs(values - middle)))
    for _ in range(4):
        if sigma <= 0:
            break
        counts, edges = np.histogram(values, _BINS, (middle - _HALF_RANGE * sigma, middle + _HALF_RANGE * sigma))
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


def _maximise(values: Doubles, columns: Doubles, start: Doubles) -> TwoGroups:
    """Fit the model from these first coefficients."""
    span = float(np.ptp(values))
    if span <= 0:
        return TwoGroups(0.0, 1.0, np.zeros(columns.shape[1]))
    coefficients, share, last = start, 0.7, -math.inf
    rest = values - columns @ coefficients
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
        np.maximum(total, np.finfo(np.float64).tiny, out=work)
        likelihood = float(np.log(work, out=work).sum())
        if likelihood - last < _CONVERGED:
            break
        last = likelihood
        weights = np.divide(noise, total, out=noise)
        if weights.sum() < 1:  # no voxel is left in the first group
            break
        weighted = columns * weights[:, None]
        coefficients = np.linalg.lstsq(weighted.T @ columns, weighted.T @ values, rcond=None)[0]
        rest = values - columns @ coefficients
        share = float(weights.mean())
        np.square(rest, out=work)
        work *= weights
        sigma = max(math.sqrt(float(work.sum() / weights.sum())), least)
    return TwoGroups(sigma, share, coefficients)


def _closeness(rest: Doubles) -> float:
    """Return the largest absolute value in the third of the voxels where it is smallest."""
    return float(np.quantile(np.abs(rest), SAME_SHARE))
