# SPDX-License-Identifier: GPL-3.0-or-later
"""Medians and percentiles of many values: numpy's to the bit, sorted out among the values near them alone."""

from __future__ import annotations

import math
from typing import List, Sequence

import numpy as np

from occupy_core.arrays.types import Floats

_FEW = 1 << 14  # values, of which numpy's way takes no longer
_SAMPLE = 1 << 12
_MARGIN = 6.0  # standard deviations of a place in a random sample


def median(values: Floats) -> float:
    """`numpy.median` of finite float32 values in a row."""
    if len(values) < _FEW:
        return float(np.median(values))
    return float(np.mean(_neighbours(values, (len(values) - 1) // 2)[: 2 - len(values) % 2]))


def percentiles(values: Floats, percents: Sequence[float]) -> List[float]:
    """`numpy.percentile` of finite float32 values in a row."""
    if len(values) < _FEW:
        return [float(found) for found in np.percentile(values, percents)]
    found = []
    for percent in percents:
        place = percent / 100 * (len(values) - 1)
        # A list, since numpy interpolates in single precision where only one is asked for.
        (between,) = np.quantile(_neighbours(values, math.floor(place)), [place - math.floor(place)])
        found.append(float(between))
    return found


def _neighbours(values: Floats, place: int) -> Floats:
    """The value at a place in the order of all, and the next one."""
    sample = np.sort(values[:: len(values) // _SAMPLE])
    share = place / len(values)
    margin = _MARGIN * (1 + math.sqrt(len(sample) * share * (1 - share)))
    first, last = math.floor(share * len(sample) - margin), math.ceil(share * len(sample) + margin)
    near = np.ones(len(values), dtype=bool)
    below = 0
    if first >= 0:
        np.greater_equal(values, sample[first], out=near)
        below = len(values) - np.count_nonzero(near)
    if last < len(sample):
        near &= values <= sample[last]
    chosen = values[near]
    if not below <= place < below + len(chosen) - 1:
        chosen, below = values, 0  # the sample was none of a kind
    wanted = [place - below, min(place - below + 1, len(chosen) - 1)]
    found: Floats = np.partition(chosen, wanted)[wanted]
    return found
