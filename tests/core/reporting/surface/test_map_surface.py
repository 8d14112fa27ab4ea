# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.reporting.surface import map_surface as module
from occupy_core.reporting.surface.map_surface import averaged, map_surface, without_dust
from tests.core.reporting.balls import ball


def test_a_surface_is_cropped_to_the_molecule_and_closed_at_its_faces():
    volume = 3 * ball(12, radius=6)
    surface = map_surface(volume, volume / 3, 1.5, voxel_size=2.5)
    assert surface.density.shape == surface.values.shape == (17, 17, 17)  # 13 voxels and two on each side
    assert surface.density.max() == 2 and surface.spacing == 2.5
    for axis in range(3):
        assert np.take(surface.density, (0, -1), axis=axis).max() < 1
    assert surface.values[8, 8, 8] == 1
    assert surface.corner == (4, 8, 8)
    np.testing.assert_array_equal(surface.density[1:-1, 1:-1, 1:-1], volume[5:20, 9:24, 9:24] / np.float32(1.5))


def test_a_molecule_at_the_edge_of_the_box_has_a_surface_there():
    volume = np.ones((10, 11, 12), "f4")
    surface = map_surface(volume, volume, 0.5, voxel_size=1.0)
    assert surface.density.shape == (12, 13, 14) and surface.corner == (-1, -1, -1)
    assert surface.density[0].max() == 0 and surface.values.min() == 1


def test_dust_is_not_shown_and_small_parts_are():
    volume = ball(10, radius=7) + ball(26, radius=2)
    volume[21, 10, 10:13] = 1  # in the box around the other parts
    mask = volume > 0.5
    shown = without_dust(mask)
    assert not shown[21].any() and shown[26].any() and shown[10].sum() == mask[10].sum()
    surface = map_surface(volume, volume, 0.5, voxel_size=1.0)
    assert (surface.density >= 1).sum() == mask.sum() - 3


@pytest.mark.parametrize("level", [2.0, 0.0, -1.0, float("nan")])
def test_a_map_below_the_level_has_no_surface(level):
    volume = ball(16)
    assert map_surface(volume, volume, level, voxel_size=1.0) is None


@pytest.mark.parametrize("threads", [1, 2])
def test_large_maps_are_averaged(monkeypatch, threads):
    volume = np.random.default_rng(1).random((13, 10, 11), dtype="f4")
    expected = volume[:12, :9, :9].reshape(4, 3, 3, 3, 3, 3).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(averaged(volume, 3, threads=threads), expected, rtol=1e-5)
    monkeypatch.setattr(module, "_MAX_SIDE", 16)
    surface = map_surface(ball(16, radius=8), ball(16, radius=8), 0.5, voxel_size=1.5, threads=threads)
    assert surface.spacing == 3 and max(surface.density.shape) == 12


def test_averages_of_single_voxels_are_a_copy():
    volume = np.zeros((3, 4, 5), "f4")
    assert not np.shares_memory(averaged(volume, 1), volume)
