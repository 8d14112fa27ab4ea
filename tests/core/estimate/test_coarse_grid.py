# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.estimate.coarse_grid import add_interpolated, coarse_grid, interpolate_on_map_grid


def waves(side, voxel_size, box):
    """A sum of three plane waves with whole numbers of periods in the box; the shortest has 8 Å."""
    z, y, x = (index * voxel_size for index in np.indices((side,) * 3))
    turns = 2 * np.pi * np.array([z / box, 3 * y / box, x / 8])
    return (np.cos(turns[0]) + np.sin(turns[1] + 0.3) + np.cos(turns[2] - 1)).astype(np.float32)


@pytest.mark.parametrize(
    ("side", "voxel_size", "expected"),
    [
        (96, 1.0, (32, 3.0)),
        (80, 1.2, (40, 2.4)),
        (60, 1.6, (40, 2.4)),
        (48, 2.0, (40, 2.4)),
        (40, 2.4, (40, 2.4)),
        (32, 3.0, (32, 3.0)),
        (24, 4.0, (24, 4.0)),
    ],
)
def test_low_passed_map_keeps_its_values_on_the_coarse_grid(side, voxel_size, expected):
    grid = coarse_grid((side,) * 3, voxel_size)
    assert (grid.shape[0], grid.step * voxel_size) == (expected[0], pytest.approx(expected[1]))
    volume = waves(side, voxel_size, 96.0)
    own, coarse = grid.low_passed(volume.copy(), voxel_size=voxel_size, cutoff_angstrom=8.0)
    np.testing.assert_allclose(own, volume, atol=1e-4)
    np.testing.assert_allclose(coarse, waves(expected[0], expected[1], 96.0), atol=1e-4)
    assert not np.shares_memory(own, coarse)


@pytest.mark.parametrize("voxel_size", [1.2, 2.0])
def test_nearest_takes_the_nearest_voxel(voxel_size):
    side = 48
    grid = coarse_grid((side,) * 3, voxel_size)
    z, _, x = np.indices((side,) * 3)
    columns = grid.nearest(x)[0, 0]
    assert np.abs(columns - grid.step * np.arange(len(columns))).max() <= 0.5
    assert grid.nearest(z % 2 == 0).shape == grid.shape


@pytest.mark.parametrize(("side", "voxel_size", "finest", "coarsest"), [(256, 1.6, 2.4, 2.5), (256, 2.0, 2.9, 3.0)])
def test_large_boxes_have_a_coarser_coarse_grid(side, voxel_size, finest, coarsest):
    assert finest < coarse_grid((side,) * 3, voxel_size).step * voxel_size <= coarsest


def test_coarse_grid_of_a_box_that_is_not_cubic_has_cubic_voxels():
    assert coarse_grid((40, 48, 50), 2.0).shape == (40, 48, 50)
    assert coarse_grid((41, 48, 50), 1.2).shape == (21, 24, 25)


@pytest.mark.parametrize("where", [np.s_[3:5, 2:4, 5], np.s_[-1, 0, :], np.s_[:0]], ids=["middle", "edges", "nowhere"])
def test_added_change_equals_the_interpolated_change(where):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((15, 17, 19)).astype(np.float32)
    change = np.zeros((9, 10, 11), dtype=np.float32)
    change[where] = rng.standard_normal(change[where].shape)
    expected = values + interpolate_on_map_grid(change, values.shape, spacing=1.75)
    for threads in (1, 3):
        found = values.copy()
        add_interpolated(found, change, spacing=1.75, threads=threads)
        np.testing.assert_array_equal(found, expected)
