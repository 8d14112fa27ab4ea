# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how far a scale map is from the known occupancies of a simulated map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.stats import spearmanr

from benchmarks.occupancy.simulate import Simulated
from occupy_core.estimate.targets import part_interval, quartiles

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
    mass : float
        Mass of the chain without hydrogen, kDa.
    interval : two float, optional
        The 90 % interval of the occupancy that a job reports with a mask of the chain; None where it reports none.
    """

    chain: str
    truth: float
    lower_quartile: float
    median: float
    upper_quartile: float
    flexible: bool
    mass: float
    interval: Optional[Tuple[float, float]]

    @property
    def covered(self) -> bool:
        """Whether the chain has an interval that holds the true occupancy."""
        return self.interval is not None and self.interval[0] <= self.truth <= self.interval[1]


def readings(
    scale: np.ndarray, simulated: Simulated, full_spread: Optional[float] = None, *, extension: float = 0.0
) -> List[Reading]:
    """Read a scale map in each chain.

    Parameters
    ----------
    scale : float array (z, y, x)
        0..1.
    simulated : Simulated
    full_spread : float, optional
        `occupy_core.process.Estimate.full_spread`: None where a job gives no interval.
    extension : float
        Width by which the mask of each chain is extended, Å.
    """
    result = []
    for number, name in enumerate(simulated.names):
        mask = simulated.chains == number
        if extension:
            mask = distance_transform_edt(~mask, sampling=simulated.voxel_size) <= extension
        interval = None
        if full_spread is not None:
            volume = float(mask.sum()) * simulated.voxel_size**3
            interval = part_interval(scale, mask, full_spread=full_spread, volume=volume)
        truth, flexible, mass = (
            values[number] for values in (simulated.occupancies, simulated.flexible, simulated.masses)
        )
        result.append(Reading(name, truth, *quartiles(scale, mask), flexible, mass, interval))
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
