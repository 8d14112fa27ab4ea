# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancies of a part, and how wide their intervals are."""

import numpy as np
import pytest

from occupy_core.comparing.inner_noise import Noise
from occupy_core.comparing.limits import INTERVAL_SIGMAS, OTHER_ERROR, REFERENCE_ERROR
from occupy_core.comparing.occupancies import Interval, read_occupancies, weighted_mean


def read(values, sigma=0.0, full=0.9):
    densities = np.repeat(np.array(values, dtype=np.float32)[:, None], 50, axis=1)
    count = len(values)
    noise = Noise(np.full(count, sigma), sigma * 2**0.5 * (1 - np.eye(count)), 1.0)
    return read_occupancies(densities, np.full((count, 50), full, dtype=np.float32), noise)


def test_strongest_class_reads_its_scale_and_the_others_their_share_of_it():
    reading = read([2.0, 1.0, 0.5])
    assert [item.value for item in reading.occupancies] == pytest.approx([0.9, 0.45, 0.225])
    assert reading.difference.value == pytest.approx(0.675) and reading.pair == (0, 2)


def test_intervals_hold_noise_and_the_errors_that_noise_does_not_make():
    quiet, noisy = (read([2.0, 1.0], sigma).occupancies[1] for sigma in (0.0, 0.2))
    least = INTERVAL_SIGMAS * np.hypot(REFERENCE_ERROR * 0.45, OTHER_ERROR)
    assert quiet.high - quiet.value == pytest.approx(least) and quiet.value - quiet.low == pytest.approx(least)
    # 0.2 of a density of 2, of the class itself and, by half, of the strongest class
    expected = INTERVAL_SIGMAS * np.sqrt((0.9 * 0.1) ** 2 * (1 + 0.25) + (least / INTERVAL_SIGMAS) ** 2)
    assert noisy.high - noisy.value == pytest.approx(expected)


def test_difference_counts_in_standard_deviations_of_its_noise():
    assert read([2.0, 1.0], 0.1).sigmas == pytest.approx(1 / (0.1 * 2**0.5))


def test_intervals_end_at_0_and_1():
    reading = read([2.0, 0.0], 0.1, full=1.0)
    assert reading.occupancies[0].high == 1 and reading.occupancies[1].low == 0


def test_mean_over_all_particles_weighs_values_and_errors():
    mean = weighted_mean([Interval(0.8, 0.9, 1.0), Interval(0.1, 0.3, 0.5)], [0.5, 0.5])
    assert mean.value == pytest.approx(0.6)
    assert mean.high - mean.value == pytest.approx(np.hypot(0.1, 0.2) / 2)
