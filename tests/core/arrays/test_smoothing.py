# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from occupy_core.arrays.smoothing import (
    gaussian_mean_in_mask,
    gaussian_smooth,
    gaussian_smooth_at,
    sampling_step,
    sigma_from_fwhm,
)

WIDTH = 5.0  # voxels


@pytest.fixture
def values():
    return np.random.default_rng(0).standard_normal((37, 40, 50)).astype(np.float32)


@pytest.fixture(params=["in the middle", "at an edge", "at a corner"])
def mask(request, values):
    mask = np.zeros(values.shape, dtype=bool)
    parts = {"in the middle": np.s_[17:20, 18:24, 20:28], "at an edge": np.s_[:3, 18:24, 20:28]}
    mask[parts.get(request.param, np.s_[-4:, -2:, :5])] = True
    mask[18, 20, 24] = False
    return mask


ROUNDING = 3e-7  # float32, relative to the values


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("width", [0.5, WIDTH, 25.0])
def test_smoothing_is_that_of_scipy_and_the_same_for_any_number_of_threads(values, threads, width):
    expected = gaussian_filter(values.astype(np.float64), sigma_from_fwhm(width), truncate=2.5)
    smooth = gaussian_smooth(values, width, threads=threads)
    np.testing.assert_allclose(smooth, expected, rtol=ROUNDING, atol=ROUNDING)
    np.testing.assert_array_equal(smooth, gaussian_smooth(values, width))
    gaussian_smooth(values, width, threads=threads, out=values)
    np.testing.assert_array_equal(values, smooth)


@pytest.mark.parametrize("step", [2, 3, 60])
def test_every_so_many_voxels_are_computed_alone(values, mask, step):
    every = (slice(None, None, step),) * 3
    smooth = gaussian_smooth(values, WIDTH, threads=2, step=step)
    np.testing.assert_allclose(smooth, gaussian_smooth(values, WIDTH)[every], rtol=ROUNDING, atol=ROUNDING)
    wide = np.ones_like(mask)
    wide[:, :5] = False  # less than the Gaussian reaches: the box that is smoothed is the complete array
    means = np.zeros(mask.shape, dtype=np.float32)
    means[wide] = gaussian_mean_in_mask(values, wide, WIDTH)
    expected = means[every][wide[every]]
    np.testing.assert_allclose(gaussian_mean_in_mask(values, wide, WIDTH, step=step), expected, rtol=1e-4, atol=1e-6)


def test_long_axes_are_smoothed_in_blocks():
    values = np.random.default_rng(1).standard_normal((5, 150, 129)).astype(np.float32)
    expected = gaussian_filter(values.astype(np.float64), sigma_from_fwhm(WIDTH), truncate=2.5)
    np.testing.assert_allclose(gaussian_smooth(values, WIDTH), expected, rtol=ROUNDING, atol=ROUNDING)


def test_views_are_smoothed_like_arrays(values):
    view, out = values[3:30, ::2, 5:45], np.zeros((30, 20, 50), dtype=np.float32)[2:29, :, 4:44]
    gaussian_smooth(view, WIDTH, out=out)
    np.testing.assert_array_equal(out, gaussian_smooth(view.copy(), WIDTH))


def test_smoothing_inside_a_mask_is_equal_to_smoothing_the_complete_array(values, mask):
    expected = gaussian_smooth(values, WIDTH)[mask]
    np.testing.assert_allclose(gaussian_smooth_at(values, mask, WIDTH), expected, rtol=ROUNDING, atol=ROUNDING)
    assert gaussian_smooth_at(values, np.zeros_like(mask), WIDTH).size == 0


def test_mean_in_a_mask_does_not_depend_on_values_outside(values, mask):
    np.testing.assert_allclose(gaussian_mean_in_mask(np.where(mask, np.float32(3), values), mask, WIDTH), 3, rtol=1e-6)
    total, weight = (
        gaussian_filter(part, sigma_from_fwhm(WIDTH), truncate=2.5)[mask]
        for part in (np.where(mask, values, 0), mask * 1.0)
    )
    np.testing.assert_allclose(gaussian_mean_in_mask(values, mask, WIDTH), total / weight, rtol=1e-4)


def test_small_and_thin_masks_are_sampled_at_every_voxel():
    everywhere, thin = np.ones((40, 40, 40), dtype=bool), np.zeros((40, 40, 40), dtype=bool)
    thin[31] = True
    assert [sampling_step(everywhere, width) for width in (2.0, 5.0, 8.0)] == [1, 2, 3]
    assert sampling_step(thin, 8.0) == 1  # every third plane is none of it
    assert sampling_step(everywhere, 12.0) == 1  # 512 values would be too few
