# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from occupy_core.coarse_grid import sigma_of
from occupy_core.smoothing import masked_average, smoothed, smoothed_around

WIDTH = 5.0  # voxels


@pytest.fixture
def values():
    return np.random.default_rng(0).standard_normal((37, 40, 50)).astype(np.float32)


@pytest.fixture(params=["in the middle", "at an edge", "at a corner"])
def mask(request, values):
    mask = np.zeros(values.shape, dtype=bool)
    places = {"in the middle": np.s_[17:20, 18:24, 20:28], "at an edge": np.s_[:3, 18:24, 20:28]}
    mask[places.get(request.param, np.s_[-4:, -2:, :5])] = True
    mask[18, 20, 24] = False
    return mask


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_smoothing_in_threads_is_that_of_scipy(values, threads):
    expected = gaussian_filter(values, sigma_of(WIDTH), truncate=2.5)
    np.testing.assert_array_equal(smoothed(values, WIDTH, threads=threads), expected)
    smoothed(values, WIDTH, threads=threads, out=values)
    np.testing.assert_array_equal(values, expected)


def test_smoothing_around_a_mask_is_that_of_the_whole(values, mask):
    np.testing.assert_array_equal(smoothed_around(values, mask, WIDTH), smoothed(values, WIDTH)[mask])
    assert smoothed_around(values, np.zeros_like(mask), WIDTH).size == 0


def test_an_average_within_a_mask_sees_nothing_else(values, mask):
    np.testing.assert_allclose(masked_average(np.where(mask, np.float32(3), values), mask, WIDTH), 3, rtol=1e-6)
    total, weight = (
        gaussian_filter(part, sigma_of(WIDTH), truncate=2.5)[mask] for part in (np.where(mask, values, 0), mask * 1.0)
    )
    np.testing.assert_allclose(masked_average(values, mask, WIDTH), total / weight, rtol=1e-4)
