# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft masks of regions, on the grid of the map."""

import numpy as np
import pytest

from occupy_core.comparing.region_masks import soft_mask
from occupy_core.estimate.coarse_grid import interpolate_on_map_grid


def ball(side, radius, centre):
    grid = np.indices((side,) * 3)
    return sum((axis - middle) ** 2 for axis, middle in zip(grid, centre)) <= radius**2


@pytest.mark.parametrize("spacing", [1.0, 2.0, 2.5])
def test_mask_of_a_ball_is_a_ball_on_the_grid_of_the_map(spacing):
    region = ball(24, 7, (12, 11, 10))
    mask = soft_mask(region, (50, 51, 52), spacing=spacing, voxel_size=2.0)
    assert mask.dtype == np.float32 and mask.shape == (50, 51, 52)
    assert mask.min() == 0 and mask.max() == 1
    inside = mask > 0.5
    assert np.argwhere(inside).mean(axis=0) == pytest.approx([12 * spacing, 11 * spacing, 10 * spacing], abs=0.3)
    # Interpolation rounds the steps off.
    assert inside.sum() == pytest.approx(region.sum() * spacing**3, rel=0.12)


def test_soft_edge_is_8_angstrom_wide():
    slab = np.zeros((40, 40, 40), dtype=bool)
    slab[:20] = True
    line = soft_mask(slab, (40, 40, 40), spacing=1.0, voxel_size=1.0)[:, 20, 20]
    assert np.all(np.diff(line) <= 0)
    assert line[19] > 0.5 > line[20]
    assert line[15] == 1 and line[24] == 0
    assert ((line > 0) & (line < 1)).sum() == 8


def test_interpolation_is_linear_and_starts_at_voxel_0():
    ramp = np.arange(5, dtype=np.float32)
    volume = ramp[:, None, None] + 10 * ramp[:, None] + 100 * ramp
    fine = interpolate_on_map_grid(volume, (9, 9, 9), spacing=2.0)
    half = np.arange(9) / 2
    np.testing.assert_allclose(fine, half[:, None, None] + 10 * half[:, None] + 100 * half, rtol=1e-6)
