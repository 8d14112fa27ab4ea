# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft masks around atoms."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from occupy_core.modelling.part_masks import mask_around


def helix(count=60, at=(60.0, 60.0, 60.0)):
    """Positions along a helix, which no grid fits."""
    turns = np.arange(count) * 1.7
    return np.array(at) + np.stack([0.5 * np.arange(count) - 15, 4 * np.cos(turns), 4 * np.sin(turns)], axis=1)


def distances(shape, voxel_size, positions):
    voxels = voxel_size * np.indices(shape).reshape(3, -1).T
    return cKDTree(positions).query(voxels)[0].reshape(shape)


@pytest.mark.parametrize("voxel_size", [0.9, 1.37, 3.0, 4.0, 5.5])
def test_masks_follow_the_distance_to_the_atoms_at_any_voxel_size(voxel_size):
    shape = tuple(int(side / voxel_size) for side in (110, 120, 130))
    mask = mask_around(helix(), shape, voxel_size)
    away = distances(shape, voxel_size, helix())
    expected = (1 - np.sin(np.pi / 2 * np.clip((away - 6) / 4, -1, 1))) / 2
    for from_atoms, allowed in ((6, 1e-5), (5, 0.02)):
        outer = away > from_atoms
        np.testing.assert_allclose(mask[outer], expected[outer], atol=allowed)
    assert (mask > expected - 1e-5).all() and mask.dtype == np.float32 and mask.max() <= 1
    assert mask[away > 10].max() == 0


def test_masks_on_coarse_voxels_are_soft():
    mask = mask_around(helix(), (30, 30, 30), 4.0)
    between = (mask > 0.02) & (mask < 0.98)
    assert between.sum() > 0.7 * (mask >= 0.5).sum()
    assert len(np.unique(mask[between].round(3))) > 100


def test_gaps_deep_inside_a_part_are_filled():
    """A ball of atoms with a spacing of 7 Å: voxels up to 6 Å from the atoms, but far below the surface."""
    lattice = 7.0 * np.indices((7, 7, 7)).reshape(3, -1).T + 39.3
    centre = np.array([60.0, 60.0, 60.0])
    ball = lattice[np.linalg.norm(lattice - centre, axis=1) < 22]
    shape = (120, 120, 120)
    mask = mask_around(ball, shape, 1.0)
    radius = np.linalg.norm(np.moveaxis(np.indices(shape), 0, -1) - centre, axis=-1)
    deep = radius < 14
    assert distances(shape, 1.0, ball)[deep].max() > 5.5
    assert mask[deep].min() > 0.99


def test_parts_may_reach_out_of_the_box():
    shape, whole = (40, 40, 40), (60, 60, 60)
    positions = helix(at=(50.0, 115.0, 60.0))
    outside = np.vstack([positions, [[500.0, 0, 0], [-80.0, 60, 60]]])
    np.testing.assert_allclose(
        mask_around(outside, shape, 3.0)[:, :36], mask_around(positions, whole, 3.0)[:40, :36, :40], atol=1e-6
    )
    assert mask_around(np.array([[500.0, 0, 0]]), shape, 3.0).max() == 0
    np.testing.assert_allclose(mask_around(np.array([[-6.0, 60, 60]]), shape, 3.0)[0, 20, 20], 0.5, atol=1e-6)
