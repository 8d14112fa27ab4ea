# SPDX-License-Identifier: GPL-3.0-or-later
"""Group volumes by their composition, and find which parts exclude or require each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence

import numpy as np
from numpy.typing import NDArray

from occupy_core.comparing.limits import FALSE_ALARM
from occupy_core.comparing.occupancies import Interval
from occupy_core.ensembles.limits import CLUSTER_WIDTH, MAX_CLUSTERS, MAX_EXCEPTIONS

# Volumes: up to this many are grouped by the distances between all of them; of more, an even sample is, and the others
# join the nearest group.
_MAX_COMPARED = 2000


@dataclass(frozen=True)
class Clusters:
    """Volumes grouped by their composition.

    Attributes
    ----------
    numbers : int array (volume)
        Number of each volume's cluster, from 1; cluster 1 has the most volumes.
    order : int array (volume)
        All volumes, alike ones beside each other, cluster by cluster.
    """

    numbers: NDArray[np.int64]
    order: NDArray[np.int64]


@dataclass(frozen=True)
class Rule:
    """A rule on two parts that nearly all volumes follow.

    Attributes
    ----------
    one, other : int
        Indices of the parts.
    kind : str
        "excludes" (never together), "requires" (the first only together with the second) or "equals" (both or none).
    exceptions, volumes : int
        Volumes that break the rule, and volumes that it is about.
    """

    one: int
    other: int
    kind: str
    exceptions: int
    volumes: int


def cluster_volumes(occupancies: NDArray[np.float64]) -> Clusters:
    """Group volumes whose occupancies differ by at most a half in every part.

    Parameters
    ----------
    occupancies : float array (volume, part)
        0..1.

    Notes
    -----
    Complete linkage of the largest difference over the parts, so that no two volumes of a cluster differ by more; the
    limit grows where there would be more than twelve clusters.
    """
    count, parts = occupancies.shape
    if parts == 0 or count < 2:
        return Clusters(np.ones(count, dtype=np.int64), np.arange(count))
    from scipy.cluster import hierarchy  # loaded only where volumes are grouped

    sampled = np.arange(0, count, count // _MAX_COMPARED + 1)
    tree = hierarchy.linkage(occupancies[sampled], "complete", "chebyshev")
    labels = hierarchy.fcluster(tree, CLUSTER_WIDTH, "distance")
    if labels.max() > MAX_CLUSTERS:
        labels = hierarchy.fcluster(tree, MAX_CLUSTERS, "maxclust")
    rank = np.empty(len(sampled))
    rank[hierarchy.leaves_list(tree)] = np.arange(len(sampled))
    nearest = np.arange(count) if len(sampled) == count else _nearest(occupancies, occupancies[sampled])
    labels, rank = labels[nearest], rank[nearest]
    sizes = np.bincount(labels)
    by_size = sorted(set(labels.tolist()), key=lambda label: (-sizes[label], label))
    new = np.zeros(len(sizes), dtype=np.int64)
    new[by_size] = np.arange(1, len(by_size) + 1)
    numbers = new[labels]
    return Clusters(numbers, np.lexsort((np.arange(count), rank, numbers)))


def _nearest(values: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(centres).query(values, p=np.inf)[1], dtype=np.int64)


def find_rules(readings: Sequence[Sequence[Interval]]) -> List[Rule]:
    """Find the pairs of parts of which one excludes or requires the other.

    Parameters
    ----------
    readings : sequence (part) of sequence (volume) of Interval
        Occupancies, 0..1.

    Notes
    -----
    A part is present above 0.5 and absent below; a volume whose interval holds 0.5 says nothing. A rule may have one
    exception in twenty, and must be one that parts hardly follow by chance (Fisher's exact test, one-sided, at the
    false alarm of one in all pairs).
    """
    present = np.array([[item.low > 0.5 for item in row] for row in readings], dtype=bool)
    absent = np.array([[item.high < 0.5 for item in row] for row in readings], dtype=bool)
    pairs = len(readings) * (len(readings) - 1) // 2
    rules = []
    for one in range(len(readings)):
        for other in range(one + 1, len(readings)):
            rules += _rules_of(one, other, present, absent, FALSE_ALARM / max(pairs, 1))
    return rules


def _rules_of(one: int, other: int, present: NDArray[np.bool_], absent: NDArray[np.bool_], chance: float) -> List[Rule]:
    """Return the rules on two parts."""
    known = (present | absent)[[one, other]].all(axis=0)
    first, second = present[one, known], present[other, known]
    both, only_first, only_second = (
        int(np.sum(chosen)) for chosen in (first & second, first & ~second, ~first & second)
    )
    neither = len(first) - both - only_first - only_second
    if min(both + only_first, both + only_second, neither + only_first, neither + only_second) == 0:
        return []  # a part that is always or never there says nothing
    few = [both + only_first, both + only_second]
    # The number of volumes with both parts, by chance: Fisher's exact test.
    from scipy.stats import hypergeom  # loaded only where there are two parts

    by_chance = hypergeom(len(first), *few)
    if both <= MAX_EXCEPTIONS * min(few):
        return [] if by_chance.cdf(both) >= chance else [Rule(one, other, "excludes", both, min(few))]
    if by_chance.sf(both - 1) >= chance:
        return []
    needs = only_first <= MAX_EXCEPTIONS * few[0], only_second <= MAX_EXCEPTIONS * few[1]
    if all(needs):
        return [Rule(one, other, "equals", only_first + only_second, len(first))]
    if needs[0]:
        return [Rule(one, other, "requires", only_first, few[0])]
    return [Rule(other, one, "requires", only_second, few[1])] if needs[1] else []
