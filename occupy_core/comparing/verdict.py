# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether a region is sure."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Sequence, Tuple

from occupy_core.comparing.limits import FALSE_ALARM, NOISE_MARGIN

# Why no region is sure if nothing is the same in all classes.
NO_COMMON_PART = "the classes have no common part, which would tell their grey scales and their noise"

# Noise inside the molecule relative to solvent, above which a class counts as badly aligned rather than as noisy. Ours.
_POOR_ALIGNMENT = 2.0


def sure_sigmas(places: float, pairs: int) -> float:
    """Return how many standard deviations of noise a region's difference must exceed to be sure.

    Parameters
    ----------
    places : float
        Number of independent places for a region of this size, 1 or more.
    pairs : int
        Number of pairs of classes.

    Notes
    -----
    Bonferroni's correction: noise makes a region at any place, between any two classes, with the probability
    `FALSE_ALARM`; the noise may be underestimated by `NOISE_MARGIN`.
    """
    tail = FALSE_ALARM / (2 * places * pairs)
    return NOISE_MARGIN * -NormalDist().inv_cdf(tail)


def doubt(sigmas: float, needed: float, excess: float, pair: Tuple[int, int], names: Sequence[str]) -> str:
    """Return why a region is unsure, in words; an empty text for a sure region.

    Parameters
    ----------
    sigmas, needed : float
        Difference of the region in standard deviations of noise, and what `sure_sigmas` asks for.
    excess : float
        Noise of the difference inside the molecule relative to solvent.
    pair : two int
        The classes with the highest and the lowest occupancy.
    names : sequence of str
        Names of the classes.
    """
    if sigmas >= needed:
        return ""
    one, other = (names[index] for index in sorted(pair))
    measured = f"{sigmas:.1f} times the noise of a region of this size, where {needed:.1f} is sure"
    if math.isfinite(excess) and excess > _POOR_ALIGNMENT:
        return (
            f"{one} and {other} differ all over the molecule by more than the noise in solvent, as badly aligned "
            f"classes and maps in a tight mask do; here the difference is {measured}"
        )
    return f"small or faint beside the noise of {one} and {other}: the difference is {measured}"
