# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancies of a part, and how wide their intervals are."""

import numpy as np
import pytest

from occupy_core.comparing.inner_noise import Noise
from occupy_core.comparing.limits import INTERVAL_SIGMAS, MIXED_ERROR, NOISE_MARGIN, OTHER_ERROR, REFERENCE_ERROR
from occupy_core.comparing.occupancies import Interval, mixing_with, read_occupancies, weighted_mean


def read(values, sigma=0.0, full=0.9, mixing=0.0, sigma_of_half=None):
    densities = np.repeat(np.array(values, dtype=np.float32)[:, None], 50, axis=1)
    count = len(values)
    noise, of_half = (
        Noise(np.full(count, value), value * 2**0.5 * (1 - np.eye(count)), 1.0)
        for value in (sigma, sigma if sigma_of_half is None else sigma_of_half)
    )
    return read_occupancies(densities, np.full((count, 50), full), np.full(50, mixing), noise, of_half)


def test_strongest_class_reads_its_scale_and_the_others_their_share_of_it():
    reading = read([2.0, 1.0, 0.5])
    assert [item.value for item in reading.occupancies] == pytest.approx([0.9, 0.45, 0.225])
    assert reading.difference.value == pytest.approx(0.675) and reading.pair == (0, 2)


def test_intervals_hold_noise_and_the_errors_that_noise_does_not_make():
    quiet, noisy = (read([2.0, 1.0], sigma).occupancies[1] for sigma in (0.0, 0.2))
    mixed = 4 * 0.45 * 0.55 * MIXED_ERROR
    least = INTERVAL_SIGMAS * np.sqrt((REFERENCE_ERROR * 0.45) ** 2 + mixed**2 + OTHER_ERROR**2)
    assert quiet.high - quiet.value == pytest.approx(least) and quiet.value - quiet.low == pytest.approx(least)
    # 0.2 of a density of 2, of the class itself and, by half, of the strongest class
    noise = 0.9 * 0.1 * np.sqrt(1 + 0.25)
    expected = np.hypot(INTERVAL_SIGMAS * NOISE_MARGIN * noise, least)
    assert noisy.high - noisy.value == pytest.approx(expected)


@pytest.mark.parametrize("value, half_width", [(0.0, 0.033), (0.5, 0.124), (1.0, 0.074)])
def test_half_widths_that_the_published_measurements_were_made_with(value, half_width):
    low, middle, high = read([2.0, 2.0 * value], full=1.0).occupancies[1]
    assert max(high - middle, middle - low) == pytest.approx(half_width, abs=0.0005)


def test_difference_counts_in_standard_deviations_of_its_noise():
    assert read([2.0, 1.0], 0.1).sigmas == pytest.approx(1 / (0.1 * 2**0.5))


def test_intervals_end_at_0_and_1():
    reading = read([2.0, 0.0], 0.1, full=1.0)
    assert reading.occupancies[0].high == 1 and reading.occupancies[1].low == 0


def test_mean_over_all_particles_weighs_values_and_limits():
    mean = weighted_mean([Interval(0.8, 0.9, 1.0), Interval(0.1, 0.3, 0.5)], [0.5, 0.5])
    assert mean.value == pytest.approx(0.6)
    assert (mean.low, mean.high) == pytest.approx((0.45, 0.75))  # the classes share their errors
    assert weighted_mean([Interval(0.8, 0.9, 1.0), Interval(0.1, 0.3, 0.5)], [3, 1]).value == pytest.approx(0.75)


def test_occupancies_are_read_where_the_part_is_least_mixed_with_its_surroundings():
    densities = np.ones((2, 50), dtype=np.float32)
    densities[1, :25], densities[1, 25:] = 0.1, 0.6  # the second half lies beside a neighbour that does not differ
    noise = Noise(np.zeros(2), np.zeros((2, 2)), 1.0)
    reading = read_occupancies(densities, np.ones((2, 50)), np.repeat([0.1, 0.4], 25), noise, noise)
    assert reading.occupancies[1].value == pytest.approx(0.1)


def test_interval_reaches_down_to_the_occupancy_without_the_surroundings():
    alone, mixed = (read([1.0, 0.4], full=1.0, mixing=mixing) for mixing in (0.0, 0.4))
    assert mixed.occupancies[1].low == 0 < alone.occupancies[1].low
    assert mixed.occupancies[1].high == pytest.approx(alone.occupancies[1].high)
    assert mixed.difference.high == 1 > alone.difference.high
    assert mixed.occupancies[0] == pytest.approx(alone.occupancies[0])  # the strongest class is read from its scale


def test_interval_reaches_0_where_a_missing_part_reads_its_surroundings():
    # the strongest class holds a half of the part, and 0.3 of a complete part's density is mixed in
    low = 0.3 / (0.7 * 0.5 + 0.3)
    assert read([1.0, low], full=0.5, mixing=0.3).occupancies[1].low == 0


def test_interval_reaches_down_to_the_occupancy_of_a_part_that_is_partly_there():
    # the strongest class holds a half of the part and the other a quarter, 0.3 of a complete part's density is mixed in
    low = (0.7 * 0.25 + 0.3) / (0.7 * 0.5 + 0.3)
    mixed, alone = (read([1.0, low], full=0.5, mixing=mixing).occupancies[1] for mixing in (0.3, 0.0))
    assert mixed.value - mixed.low == pytest.approx(np.hypot(alone.value - alone.low, alone.value - 0.25))


def test_intervals_take_the_noise_of_the_half_and_sigmas_that_of_the_part():
    reading, usual = read([2.0, 1.0], 0.1, sigma_of_half=0.4), read([2.0, 1.0], 0.4)
    assert reading.occupancies == usual.occupancies and reading.difference == usual.difference
    assert reading.sigmas == pytest.approx(4 * usual.sigmas)


def test_difference_is_that_of_the_values_that_are_read():
    densities = np.ones((3, 50), dtype=np.float32)
    densities[1, :25], densities[1, 25:] = 0.5, 0.1
    densities[2] = 0.4  # the weakest in the half that is read, but not over all voxels
    noise = Noise(np.zeros(3), np.zeros((3, 3)), 1.0)
    reading = read_occupancies(densities, np.ones((3, 50)), np.repeat([0.1, 0.4], 25), noise, noise)
    assert reading.difference.value == pytest.approx(0.6) and reading.pair == (0, 2)


def test_part_that_no_class_holds_gives_finite_intervals():
    reading = read([1.0, 0.5], full=0.0, mixing=0.3)
    assert all(0 <= item.low <= item.value <= item.high <= 1 for item in reading.occupancies)


def test_half_of_the_density_at_a_border_is_the_neighbour_s():
    part, rest = np.zeros((20, 20, 20), dtype=bool), np.zeros((20, 20, 20), dtype=bool)
    part[:, :, 5:10], rest[:, :, 10:15] = True, True
    border, far = (part & (np.arange(20) == x) for x in (9, 5))
    assert mixing_with(rest, part, border, 3.0).mean() == pytest.approx(0.4, abs=0.1)
    assert mixing_with(rest, part, far, 3.0).mean() < 0.01
    assert not mixing_with(np.zeros_like(rest), part, border, 3.0).any()
