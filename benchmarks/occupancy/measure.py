# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a scale map is from the known occupancies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from scipy.stats import spearmanr

from benchmarks.occupancy.simulate import Simulated
from occupy_core.estimate.targets import occupancy_interval, quartiles

_WHOLE = 1.0


@dataclass(frozen=True)
class Reading:
    """What one method says of one chain: quartiles of the scale over its voxels, beside the truth; all 0..1.

    `full_spread` is the interquartile range of what counts as full, of a calibrated scale.
    """

    chain: str
    truth: float
    lower_quartile: float
    median: float
    upper_quartile: float
    flexible: bool
    full_spread: float

    @property
    def interval(self) -> Tuple[float, float]:
        """The 90 % interval that the job would give for a calibrated scale."""
        return occupancy_interval(self.lower_quartile, self.median, self.upper_quartile, full_spread=self.full_spread)

    @property
    def covered(self) -> bool:
        """Whether the truth lies in the interval."""
        low, high = self.interval
        return low <= self.truth <= high


def readings(scale: np.ndarray, made: Simulated, full_spread: float) -> List[Reading]:
    """A reading for each chain."""
    result = []
    for number, name in enumerate(made.names):
        found = quartiles(scale, made.chains == number)
        result.append(Reading(name, made.occupancies[number], *found, made.flexible[number], full_spread))
    return result


def absolute_error(chains: Sequence[Reading]) -> float:
    """Mean over the chains of |median - truth|."""
    return float(np.mean([abs(item.median - item.truth) for item in chains]))


def relative_error(chains: Sequence[Reading]) -> float:
    """The same after division by a whole chain, averaged over the whole chains; NaN where there is none."""
    errors = [
        abs(item.median / whole.median - item.truth)
        for whole in chains
        for item in chains
        if whole.truth == _WHOLE and whole.median > 0 and item is not whole
    ]
    return float(np.mean(errors)) if errors else float("nan")


def rank_correlation(chains: Sequence[Reading]) -> float:
    """Spearman's, of median and truth; NaN for less than four chains or where all are alike."""
    medians, truths = [item.median for item in chains], [item.truth for item in chains]
    if len(chains) < 4 or len(set(truths)) == 1 or len(set(medians)) == 1:
        return float("nan")
    return float(spearmanr(medians, truths)[0])
