# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how far a scale map is from the known occupancies of a simulated map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from scipy.stats import spearmanr

from benchmarks.occupancy.simulate import Simulated
from occupy_core.estimate.targets import occupancy_interval, quartiles

_FULL = 1.0


@dataclass(frozen=True)
class Reading:
    """The scale that one method reads in one chain.

    Attributes
    ----------
    chain : str
        Name of the chain.
    truth : float
        True occupancy, 0..1.
    lower_quartile, median, upper_quartile : float
        Quartiles of the scale over the voxels of the chain, 0..1.
    flexible : bool
        Whether the chain is flexible.
    full_spread : float
        Interquartile range of the calibrated scale over the region that counts as 1; 0 for other normalisations.
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
        """The 90 % interval of the occupancy that a job reports for a calibrated scale."""
        return occupancy_interval(self.lower_quartile, self.median, self.upper_quartile, full_spread=self.full_spread)

    @property
    def covered(self) -> bool:
        """Whether the true occupancy lies in the interval."""
        low, high = self.interval
        return low <= self.truth <= high


def readings(scale: np.ndarray, simulated: Simulated, full_spread: float) -> List[Reading]:
    """Read a scale map (z, y, x) in each chain; `full_spread` as in `Reading`."""
    result = []
    for number, name in enumerate(simulated.names):
        values = quartiles(scale, simulated.chains == number)
        result.append(Reading(name, simulated.occupancies[number], *values, simulated.flexible[number], full_spread))
    return result


def absolute_error(chains: Sequence[Reading]) -> float:
    """Return the mean over the chains of |median - truth|."""
    return float(np.mean([abs(item.median - item.truth) for item in chains]))


def relative_error(chains: Sequence[Reading]) -> float:
    """Return the mean of |median / median of a fully occupied chain - truth|.

    The mean is over all pairs of a chain and another, fully occupied chain; NaN when no chain is fully occupied.
    """
    errors = [
        abs(item.median / full.median - item.truth)
        for full in chains
        for item in chains
        if full.truth == _FULL and full.median > 0 and item is not full
    ]
    return float(np.mean(errors)) if errors else float("nan")


def rank_correlation(chains: Sequence[Reading]) -> float:
    """Return Spearman's rank correlation of medians and true occupancies.

    The result is NaN for fewer than four chains, and when all medians or all true occupancies are equal.
    """
    medians, truths = [item.median for item in chains], [item.truth for item in chains]
    if len(chains) < 4 or len(set(truths)) == 1 or len(set(medians)) == 1:
        return float("nan")
    return float(spearmanr(medians, truths)[0])
