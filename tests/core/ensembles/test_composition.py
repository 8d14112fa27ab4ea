# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of volumes by composition, and rules on pairs of parts."""

import numpy as np
import pytest

from occupy_core.comparing.occupancies import Interval
from occupy_core.ensembles.composition import cluster_volumes, find_rules
from occupy_core.ensembles.limits import CLUSTER_WIDTH, MAX_CLUSTERS


def intervals(values, half=0.1):
    return [Interval(max(0.0, value - half), value, min(1.0, value + half)) for value in values]


def test_volumes_of_a_cluster_differ_by_no_more_than_its_width():
    values = np.random.default_rng(0).uniform(0, 1, (40, 1))
    clusters = cluster_volumes(values)
    for number in set(clusters.numbers.tolist()):
        assert np.ptp(values[clusters.numbers == number]) <= CLUSTER_WIDTH
    sizes = np.bincount(clusters.numbers)[1:]
    assert list(sizes) == sorted(sizes, reverse=True)


def test_volumes_of_a_cluster_stand_beside_each_other():
    values = np.random.default_rng(1).integers(0, 2, (60, 3)).astype(float)
    clusters = cluster_volumes(values)
    ordered = clusters.numbers[clusters.order]
    assert sorted(clusters.order.tolist()) == list(range(60))
    assert (np.diff(ordered) >= 0).all()
    assert len(set(ordered.tolist())) == len({tuple(row) for row in values})


def test_there_are_no_more_clusters_than_pages_can_show():
    values = np.random.default_rng(2).integers(0, 2, (300, 6)).astype(float)
    assert cluster_volumes(values).numbers.max() <= MAX_CLUSTERS


def test_thousands_of_volumes_are_clustered_by_a_sample():
    values = np.random.default_rng(3).integers(0, 2, (5000, 2)).astype(float)
    numbers = cluster_volumes(values).numbers
    assert len({(number, *row) for number, row in zip(numbers, values)}) == 4


def test_volumes_without_parts_are_one_cluster():
    assert set(cluster_volumes(np.zeros((5, 0))).numbers.tolist()) == {1}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1] * 15 + [0] * 15, [0] * 15 + [1] * 15, [("excludes", 0, 1)]),
        ([1] * 15 + [0] * 15, [1] * 15 + [0] * 15, [("equals", 0, 1)]),
        ([1] * 10 + [0] * 20, [1] * 16 + [0] * 14, [("requires", 0, 1)]),
        ([1] * 16 + [0] * 14, [1] * 10 + [0] * 20, [("requires", 1, 0)]),
        ([1, 0] * 15, [1, 1, 0] * 10, []),
        ([1] * 29 + [0], [0] + [1] * 29, []),  # chance explains that both are there
    ],
)
def test_rules_are_those_that_chance_does_not_explain(one, other, expected):
    rules = find_rules([intervals(one), intervals(other)])
    assert [(rule.kind, rule.one, rule.other) for rule in rules] == expected


def test_volume_whose_interval_holds_one_half_says_nothing():
    one, other = [1] * 15 + [0] * 15, [0] * 15 + [1] * 15
    other[:5] = [0.6] * 5
    (rule,) = find_rules([intervals(one, 0.2), intervals(other, 0.2)])
    assert (rule.kind, rule.exceptions, rule.volumes) == ("excludes", 0, 10)


def test_one_exception_in_thirty_is_counted():
    one, other = [1] * 30 + [0] * 30, [0] * 30 + [1] * 30
    other[0] = 1
    (rule,) = find_rules([intervals(one), intervals(other)])
    assert (rule.kind, rule.exceptions) == ("excludes", 1)


def test_few_volumes_make_no_rule():
    assert find_rules([intervals([1, 1, 0, 0]), intervals([0, 0, 1, 1])]) == []
