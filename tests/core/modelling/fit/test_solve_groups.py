# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancies of groups whose B-factors mostly agree."""

import time

import numpy as np
import pytest

from occupy_core.modelling.fit.solve_groups import solve_groups

OCCUPANCIES = np.array([1.0, 0.8, 0.5, 0.9, 0.6])
COUNT = len(OCCUPANCIES)


def equations(b_factors, precision, others=0):
    """Equations of groups with known occupancies and B-factors; a change of the B-factor looks like a lower occupancy.

    `precision` is that of the factor of a change with the B-factor, per Å^2, where the occupancy is known.
    """
    size = 2 * COUNT + others
    matrix = np.eye(size) * 1e4
    changes = np.arange(COUNT, 2 * COUNT)
    matrix[changes, changes] = 2 * precision**2
    matrix[changes, changes - COUNT] = matrix[changes - COUNT, changes] = -1e2 * precision
    truth = np.concatenate([OCCUPANCIES, OCCUPANCIES * b_factors, np.full(others, 3.0)])
    return matrix, matrix @ truth


@pytest.mark.parametrize("common", [-20, 0, 15])
def test_a_value_that_all_share_is_found_and_other_columns_are_left_alone(common):
    matrix, vector = equations(np.full(COUNT, float(common)), precision=0.5, others=2)
    solved = solve_groups(matrix, vector, OCCUPANCIES, np.zeros(COUNT))
    np.testing.assert_allclose(solved.values[:COUNT], OCCUPANCIES, atol=1e-4)
    np.testing.assert_allclose(solved.b_factors, 0, atol=1e-3)
    np.testing.assert_allclose(solved.values[-2:], 3)


def test_a_group_that_is_clearly_more_flexible_is_not_held():
    matrix, vector = equations(np.array([0.0, 0, 90, 0, 0]), precision=0.2)
    solved = solve_groups(matrix, vector, OCCUPANCIES, np.zeros(COUNT))
    assert solved.b_factors[2] == pytest.approx(90, abs=10)
    assert solved.values[2] == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(solved.b_factors[[0, 1, 3, 4]], 0, atol=2)


def test_distances_are_from_the_common_value():
    matrix, vector = equations(np.array([-30.0, -30, 80, -30, -30]), precision=0.2)
    solved = solve_groups(matrix, vector, OCCUPANCIES, np.zeros(COUNT))
    np.testing.assert_allclose(solved.b_factors, [0, 0, 110, 0, 0], atol=6)


def test_b_factors_that_the_map_hardly_tells_are_held_to_the_common_one():
    matrix, vector = equations(np.array([0.0, 0, 40, 0, 0]), precision=0.02)
    solved = solve_groups(matrix, vector, OCCUPANCIES, np.zeros(COUNT))
    assert abs(solved.b_factors[2]) < 3


def test_densities_that_have_their_b_factors_already_are_not_changed():
    b_factors = np.array([0.0, 5, 90, -5, 0])
    matrix, vector = equations(np.zeros(COUNT), precision=1.0)
    solved = solve_groups(matrix, vector, OCCUPANCIES, b_factors)
    np.testing.assert_allclose(solved.b_factors - solved.b_factors[0], b_factors, atol=6)
    np.testing.assert_allclose(solved.values[:COUNT], OCCUPANCIES, atol=0.05)


@pytest.mark.parametrize(("b_factor", "limit"), [(5000.0, 300), (-5000.0, -80)])
def test_b_factors_are_bounded(b_factor, limit):
    matrix, vector = equations(np.array([-40.0, -40, b_factor, -40, -40]), precision=1.0)
    solved = solve_groups(matrix, vector, OCCUPANCIES, np.zeros(COUNT))
    assert np.isfinite(solved.values).all() and solved.b_factors[2] == pytest.approx(limit, abs=1)


def test_many_groups_are_solved_in_a_second():
    count = 300
    rng = np.random.default_rng(0)
    columns = rng.standard_normal((4 * count, 2 * count + 7)) * np.repeat([10, 0.5, 10], [count, count, 7])
    matrix = columns.T @ columns
    truth = np.concatenate([np.ones(count), rng.normal(0, 3, count), np.ones(7)])
    start = time.process_time()
    solved = solve_groups(matrix, matrix @ truth, np.ones(count), np.zeros(count))
    assert time.process_time() - start < 5  # on machines that do other work
    np.testing.assert_allclose(solved.values[:count], 1, atol=0.05)
