# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.ndimage import maximum_filter
from scipy.optimize import brentq

from occupy_core.estimate.kernel import ball_mask, ball_maximum, default_kernel_size, solve_tau


@pytest.mark.parametrize(("voxels", "tau"), [(1, 0.5), (19, 0.8902), (93, 0.9647), (257, 0.9840)])
def test_tau_has_the_published_values(voxels, tau):
    assert solve_tau(voxels) == pytest.approx(tau, abs=5e-5)
    assert solve_tau(voxels) == pytest.approx(brentq(lambda x: x**voxels + x - 1, 0, 1, xtol=1e-15), abs=1e-15)
    assert solve_tau(voxels) ** voxels + solve_tau(voxels) - 1 == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("lowpass", "voxel_size", "size"),
    [(8, 1, 9), (8, 1.5, 5), (8, 2, 5), (10.62, 3.54, 3), (8, 0.5, 9), (40, 20, 3), (8, np.float32(1.6), 5)],
)
def test_kernel_size_follows_low_pass_and_voxel_size(lowpass, voxel_size, size):
    assert default_kernel_size(lowpass, voxel_size) == size


@pytest.mark.parametrize(("size", "radius", "voxels"), [(3, 1.5, 19), (5, 2.0, 33), (9, 4.0, 257), (3, 0.9, 1)])
def test_ball_has_the_expected_number_of_voxels(size, radius, voxels):
    assert ball_mask(size, radius).sum() == voxels
    # A whole-number radius, minus the rounding of the header's voxel size to float32.
    assert ball_mask(size, radius * (1 - 6e-8)).sum() == voxels


@pytest.mark.parametrize("shape", [(20, 20, 20), (17, 23, 9), (5, 40, 8), (3, 3, 3)])
@pytest.mark.parametrize(("size", "radius"), [(3, 1.5), (5, 2.67), (9, 4.0), (9, 2.0), (7, 9.0), (3, 0.5)])
def test_ball_maximum_equals_the_mirrored_maximum_filter(shape, size, radius):
    volume = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    kernel = ball_mask(size, radius)
    expected = maximum_filter(volume, footprint=kernel, mode="reflect")
    for threads in (1, 3):
        result = ball_maximum(volume, kernel, threads=threads)
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("piece", [1, 300, 2000])
@pytest.mark.parametrize(
    ("shape", "size", "radius"), [((20, 21, 22), 3, 1.5), ((70, 5, 6), 9, 4.0), ((3, 50, 4), 11, 5.5)]
)
def test_ball_maximum_does_not_depend_on_the_length_of_pieces(monkeypatch, piece, shape, size, radius):
    monkeypatch.setattr("occupy_core.estimate.kernel._PIECE_VALUES", piece)
    volume = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    expected = maximum_filter(volume, footprint=ball_mask(size, radius), mode="reflect")
    for threads in (1, 3):
        np.testing.assert_array_equal(ball_maximum(volume, ball_mask(size, radius), threads=threads), expected)


def test_ball_maximum_of_a_deep_box_may_overwrite_its_input():
    volume = np.random.default_rng(1).standard_normal((70, 8, 9)).astype(np.float32)
    kernel = ball_mask(7, 3.2)
    expected = maximum_filter(volume, footprint=kernel, mode="reflect")
    np.testing.assert_array_equal(ball_maximum(volume, kernel, threads=3), expected)
    for threads in (1, 3):
        overwritten = volume.copy()
        assert ball_maximum(overwritten, kernel, threads=threads, out=overwritten) is overwritten
        np.testing.assert_array_equal(overwritten, expected)
