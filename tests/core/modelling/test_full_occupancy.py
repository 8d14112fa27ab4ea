# SPDX-License-Identifier: GPL-3.0-or-later
"""Scale of occupancies: the parts that count as fully occupied, and the grey scales of several maps."""

import numpy as np
import pytest

from occupy_core.modelling.full_occupancy import common_factors, find_scale, scale_of_named

HEAVY = np.full(20, 30.0)


def one(values, errors=0.02, masses=None):
    values = np.array(values, float)
    errors = np.broadcast_to(errors, values.shape).astype(float)
    return find_scale([values], [errors], HEAVY[: len(values)] if masses is None else np.array(masses, float))


def test_noise_does_not_choose_the_largest():
    rng = np.random.default_rng(1)
    units = [one(1 + rng.normal(0, 0.05, 20), errors=0.05).unit for _ in range(100)]
    assert np.mean(units) == pytest.approx(1.0, abs=0.01) and np.std(units) < 0.03


@pytest.mark.parametrize("groups, maps, noise", [(60, 1, 0.1), (12, 10, 0.1), (180, 1, 0.1), (60, 5, 0.06)])
def test_noise_does_not_choose_the_largest_of_many(groups, maps, noise):
    rng = np.random.default_rng(2)
    errors = [np.full(groups, noise)] * maps
    for _ in range(40):
        values = list(1 + noise * rng.normal(size=(maps, groups)))
        assert find_scale(values, errors, np.full(groups, 50.0)).unit == pytest.approx(1.0, abs=0.1)


def test_a_noisy_class_does_not_set_what_counts_as_1_in_a_good_one():
    values = [np.ones(12), np.append(np.ones(11), 1.6)]
    assert find_scale(values, [np.full(12, 0.03), np.full(12, 0.2)], HEAVY[:12]).unit == pytest.approx(1.0, abs=0.03)


def test_a_value_without_meaning_does_not_set_what_counts_as_1():
    assert one([5.0, 1, 1, 1, 1, 1], errors=[5.0, *[0.05] * 5]).unit == pytest.approx(1.0, abs=0.03)


def test_the_unit_of_the_fit_does_not_count():
    values = [1.0, 0.98, 0.5, 0.2]
    assert one(values).unit == pytest.approx(0.99, abs=0.02)
    scaled = one(np.array(values) * 7e-4, errors=0.02 * 7e-4)
    assert scaled.unit == pytest.approx(7e-4 * one(values).unit) and scaled.groups == one(values).groups == (0, 1)


def test_light_groups_do_not_set_what_counts_as_1():
    found = one([1.0, 1.0, 1.6, 1.5], errors=[0.02, 0.02, 0.2, 0.2], masses=[40, 30, 0.6, 0.6])
    assert found.unit == pytest.approx(1.0, abs=0.01) and found.groups[:2] == (0, 1)
    precise = one([1.0, 1.0, 1.5], masses=[40, 30, 0.6])
    assert precise.unit == pytest.approx(1.0, abs=0.01)


def test_the_highest_of_several_whole_groups_does_not_set_what_counts_as_1():
    """Errors of the model spread whole groups by some per cent; the others are partial."""
    found = one([1.0, 0.95, 0.96, 0.97, 0.96, 1.12, 1.1, 0.5, 0.3])
    assert found.unit == pytest.approx(1.01, abs=0.03)


def test_a_small_group_that_reads_too_dense_does_not_set_what_counts_as_1():
    """A helix of 5.8 kDa that reads 1.2 times too dense, beside whole and partial groups."""
    found = one([1.0, 0.61, 0.87, 0.4, 1.23, 0.58], errors=0.01, masses=[39.3, 7.7, 6.7, 10.3, 5.8, 12.9])
    assert found.unit == pytest.approx(1.0, abs=0.05) and 0 in found.groups


def test_groups_whose_interval_ends_below_1_are_not_said_to_count():
    assert one([1.0, 1.0, 1.0, 0.92]).groups == (0, 1, 2)


def test_light_groups_count_where_there_are_no_others():
    assert one([1.0, 0.4], masses=[3.0, 2.0]).unit == pytest.approx(1.0)


def test_groups_that_are_not_shown_do_not_count():
    found = one([np.nan, 1.0, 0.3], errors=[np.nan, 0.02, 0.02])
    assert found.unit == pytest.approx(1.0) and found.groups == (1,)


def two(first, second, errors=0.01):
    values = [np.array(first, float), np.array(second, float)]
    return common_factors(values, [np.full(len(item), errors) for item in values], HEAVY[: len(first)])


def test_factors_tell_the_grey_scales_of_maps():
    """Most of the mass is in both maps; what differs does not count."""
    assert two([1, 1, 1, 0.3], [5, 5, 0.5, 5]) == pytest.approx((1.0, 5.0), rel=0.01)
    assert two([1, 1, np.nan, 1], [0.2, 0.2, 0.2, np.nan]) == pytest.approx((1.0, 0.2), rel=0.01)


def test_factors_of_maps_with_no_part_in_common():
    assert two([1, np.nan], [np.nan, 3]) == pytest.approx((1.0, 3.0))


@pytest.mark.parametrize("nothing", [[np.nan] * 3, [-1.0, -0.2, np.nan], [0.0] * 3])
def test_maps_that_show_no_part_have_no_grey_scale(nothing):
    shown = [2.0, 2.0, 1.0]
    assert np.isnan(two(shown, nothing)[1]) and np.isnan(two(nothing, shown)[0])
    for first, second in ((shown, nothing), (nothing, shown)):
        values = [np.array(first), np.array(second)]
        found = find_scale(values, [np.full(3, 0.01)] * 2, HEAVY[:3])
        assert found.unit == pytest.approx(2.0) and found.groups == (0, 1)
    alone = find_scale([np.array(nothing)], [np.full(3, 0.01)], HEAVY[:3])
    assert not alone.unit > 0


def test_the_best_group_of_all_maps_counts_as_1():
    values = [np.array([1.0, 1.0, 0.3]), np.array([2.0, 2.0, 2.6])]
    found = find_scale(values, [np.full(3, 0.01), np.full(3, 0.02)], HEAVY[:3])
    assert found.factors == pytest.approx((1.0, 2.0), rel=0.01)
    assert found.unit == pytest.approx(1.3, rel=0.02) and found.groups == (2,)


def test_a_group_that_is_whole_in_one_class_only_is_not_said_to_count():
    values = [np.array([1.0, 1.0, 0.1]), np.array([2.0, 2.0, 2.0])]
    found = find_scale(values, [np.full(3, 0.01), np.full(3, 0.02)], HEAVY[:3])
    assert found.unit == pytest.approx(1.0, abs=0.01) and found.groups == (0, 1)


def test_named_groups_are_1_in_every_map():
    values = [np.array([1.0, 0.5, 0.2]), np.array([4.0, 3.0, 2.0])]
    found = scale_of_named(values, [np.full(3, 0.01)] * 2, [1])
    assert found.unit == pytest.approx(0.5) and found.factors == pytest.approx((1.0, 6.0)) and found.groups == (1,)


def test_named_groups_count_by_their_precision():
    found = scale_of_named([np.array([1.0, 2.0])], [np.array([0.001, 100.0])], [0, 1])
    assert found.unit == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("absent", [0.0, -0.1])
def test_named_groups_that_a_map_lacks_set_no_grey_scale(absent):
    values = [np.array([1.0, 0.5]), np.array([1.0, absent])]
    errors = [np.full(2, 0.01)] * 2
    assert np.isnan(scale_of_named(values, errors, [1]).factors[1])
    turned = scale_of_named(values[::-1], errors, [1])
    assert np.isnan(turned.factors[0]) and turned.unit == pytest.approx(0.5)
