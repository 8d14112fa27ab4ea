# SPDX-License-Identifier: GPL-3.0-or-later
"""Medians and percentiles of many values: equal to numpy's to the bit, but only values near the result are sorted."""

from __future__ import annotations

import math
from typing import List, Sequence

import numpy as np

from occupy_core.arrays.types import Floats

# Number of values up to which numpy's functions are as fast.
_MANY = 1 << 14
_SAMPLE_SIZE = 1 << 12
_MARGIN = 6.0  # how far around the rank the sample is searched, in standard deviations of the rank in a random sample


def median(values: Floats) -> float:
    """Return `numpy.median` of finite values.

    Parameters
    ----------
    values : float32 array, 1D
    """
    if len(values) < _MANY:
        return float(np.median(values))
    return float(np.mean(_pair_at_rank(values, (len(values) - 1) // 2)[: 2 - len(values) % 2]))


def percentiles(values: Floats, percents: Sequence[float]) -> List[float]:
    """Return `numpy.percentile` of finite values.

    Parameters
    ----------
    values : float32 array, 1D
    percents : sequence of float
        0..100.
    """
    if len(values) < _MANY:
        return [float(result) for result in np.percentile(values, percents)]
    results = []
    for percent in percents:
        rank = percent / 100 * (len(values) - 1)
        # A list of one fraction: for a single number numpy interpolates in single precision.
        (result,) = np.quantile(_pair_at_rank(values, math.floor(rank)), [rank - math.floor(rank)])
        results.append(float(result))
    return results


def _pair_at_rank(values: Floats, rank: int) -> Floats:
    """Return the value of a rank (0 for the lowest value) and the next higher one.

    A sorted sample gives two bounds between which the value very likely lies; only values between them are sorted.
    """
    sample = np.sort(values[:: len(values) // _SAMPLE_SIZE])
    fraction = rank / len(values)
    margin = _MARGIN * (1 + math.sqrt(len(sample) * fraction * (1 - fraction)))
    first, last = math.floor(fraction * len(sample) - margin), math.ceil(fraction * len(sample) + margin)
    between = np.ones(len(values), dtype=bool)
    below = 0
    if first >= 0:
        np.greater_equal(values, sample[first], out=between)
        below = len(values) - np.count_nonzero(between)
    if last < len(sample):
        between &= values <= sample[last]
    candidates = values[between]
    if not below <= rank < below + len(candidates) - 1:
        candidates, below = values, 0  # the sample was not representative, for example of a periodic array
    ranks = [rank - below, min(rank - below + 1, len(candidates) - 1)]
    pair: Floats = np.partition(candidates, ranks)[ranks]
    return pair
