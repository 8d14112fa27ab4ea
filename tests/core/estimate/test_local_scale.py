# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
import math

import numpy as np
import pytest

from occupy_core.errors import MapError
from occupy_core.estimate.local_scale import local_scale, recalibrate, variability_limit
from occupy_core.estimate.reference import Reference, _count_in_tiles, kernel_reference, tiled_reference


def tiles_one_by_one(volume, tau, edge):
    """Return the highest and the lowest tile (first voxel, percentile) of a cubic box, tile by tile by the formula."""
    side = volume.shape[0]
    count = min(20, side - edge + 1)
    step = edge + math.floor((side - count * edge) / (count - 1))
    first = math.floor((side - ((count - 1) * step + edge)) / 2)
    values = {}
    for index in itertools.product(range(count), repeat=3):
        if math.dist(index, [count / 2] * 3) < count / 2 - 1:
            z, y, x = (first + step * number for number in index)
            tile = np.sort(volume[z : z + edge, y : y + edge, x : x + edge], axis=None)
            values[(z, y, x)] = float(tile[math.floor(tau * edge**3)])
    return max(values.items(), key=lambda item: item[1]), min(values.items(), key=lambda item: item[1])


@pytest.mark.parametrize(("side", "edge"), [(40, 12), (30, 12), (33, 12), (48, 5), (24, 7)])
def test_tiled_reference_follows_the_formula(side, edge):
    volume = np.random.default_rng(side).standard_normal((side,) * 3).astype(np.float32)
    highest, lowest = tiles_one_by_one(volume, 0.89, edge)
    found = tiled_reference(volume, tau=0.89, tile_size=edge)
    assert (found.highest_tile, found.value) == highest
    assert found.lowest_tile == lowest[0]
    assert found.tile_size == edge


@pytest.mark.parametrize("edge", [5, 255, 256, 300])
def test_voxels_are_counted_in_tiles_of_every_size(edge):
    chosen = np.random.default_rng(0).random((edge, edge + 7, edge + 4)) < 0.99
    y_starts, x_starts = np.array([0, 3, 7]), np.array([1, 4])
    found = _count_in_tiles(chosen, y_starts, x_starts)
    expected = [[chosen[:, y : y + edge, x : x + edge].sum() for x in x_starts] for y in y_starts]
    np.testing.assert_array_equal(found, expected)


def test_tiled_reference_does_not_depend_on_the_size_of_chunks(monkeypatch):
    volume = np.random.default_rng(2).standard_normal((40, 40, 40)).astype(np.float32)
    expected = tiled_reference(volume, tau=0.9, tile_size=12)
    monkeypatch.setattr("occupy_core.estimate.reference._CHUNK_VALUES", 5000)
    assert tiled_reference(volume, tau=0.9, tile_size=12) == expected


@pytest.mark.parametrize("shape", [(8, 40, 40), (13, 12, 60), (5, 5, 5)])
def test_tiled_reference_works_in_odd_and_thin_boxes(shape):
    volume = np.ones(shape, dtype=np.float32)
    found = tiled_reference(volume, tau=0.9, tile_size=12)
    assert found.value == 1
    assert found.tile_size == min(12, *shape)


def test_kernel_reference_is_tau_times_the_maximum():
    volume = np.zeros((10, 12, 14), dtype=np.float32)
    volume[3, 4, 5], volume[6, 7, 8] = 2, -1
    found = kernel_reference(volume, tau=0.9)
    assert found.value == pytest.approx(1.8)
    assert (found.highest_tile, found.lowest_tile) == ((3, 4, 5), (6, 7, 8))


@pytest.mark.parametrize(
    "function", [lambda v: tiled_reference(v, tau=0.9, tile_size=8), lambda v: kernel_reference(v, tau=0.9)]
)
def test_map_without_positive_density_is_refused(function):
    with pytest.raises(MapError, match="contrast inverted"):
        function(-np.ones((20, 20, 20), dtype=np.float32))


def test_scale_is_relative_to_the_reference_and_clipped():
    volume = np.linspace(-1, 3, 27, dtype=np.float32).reshape(3, 3, 3)
    reference = kernel_reference(volume, tau=2 / 3)
    scale = local_scale(volume, reference)
    np.testing.assert_allclose(scale, np.clip(volume / 2, 0, 1), rtol=1e-6)
    assert variability_limit(volume, scale, reference) == pytest.approx(volume[volume >= 2].mean() / 2)
    assert math.isnan(variability_limit(volume, scale * 0.5, reference))


def test_recalibration_moves_the_zero_of_the_scale():
    scale = np.array([0, 0.2, 0.6, 1], dtype=np.float32)
    np.testing.assert_allclose(recalibrate(scale, 0.2), [0, 0, 0.5, 1], atol=1e-7)


def test_a_reference_value_too_small_for_single_precision_is_refused():
    volume = np.random.default_rng(0).random((24, 24, 24), dtype=np.float32) * np.float32(1e-36)
    with pytest.raises(MapError, match="the reference value is .*e-37, expected positive density"):
        tiled_reference(volume, tau=0.89, tile_size=12)


def test_values_far_above_full_scale_are_full_scale():
    maximum = np.array([[[-1e30, 5e-21, 1e-20, 1e30]]], np.float32)
    full = Reference(1e-20, (0, 0, 0), (0, 0, 0), 1)
    np.testing.assert_allclose(local_scale(maximum, full), [[[0, 0.5, 1, 1]]])
