# SPDX-License-Identifier: GPL-3.0-or-later
"""Components of volumes whose noise differs."""

import numpy as np
import pytest

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.ensembles.components import find_components
from occupy_core.ensembles.stored_volumes import StoredVolumes
from occupy_core.ensembles.variation import Variation, VolumeNoise
from occupy_core.maps.grid import MapGrid

SHAPE, SPACING = (12, 12, 24), 3.0
VOXELS = int(np.prod(SHAPE))


def components_of(values, noises):
    """Return the components of densities (volume, voxel) whose noise has these standard deviations."""
    molecule, mean = np.ones(SHAPE, bool), values.mean(axis=0).reshape(SHAPE)
    rows = tuple(DiskArray(row.astype(np.float32)) for row in values)
    grid = MapGrid(SHAPE, SPACING, None)
    volumes = StoredVolumes(rows, np.ones(len(rows)), (), mean, molecule, grid, 1.0, SPACING, rows=rows)
    return find_components(volumes, Variation(np.ones(VOXELS, bool), VolumeNoise({12.0: noises}), 1.0))


def noisy(occupancies, noises, *, seed=0):
    """Return densities (volume, voxel): half of the voxels follow the occupancies, all are as noisy as their volume."""
    values = np.random.default_rng(seed).standard_normal((len(noises), VOXELS)) * noises[:, None]
    values[:, : VOXELS // 2] += np.asarray(occupancies)[:, None]
    return values


@pytest.mark.parametrize("seed", range(3))
def test_noisier_volumes_are_no_components(seed):
    noises = np.ones(40)
    noises[:3] = 2.0
    present = np.arange(40) % 2
    components = components_of(noisy(present, noises, seed=seed), noises)
    assert components.scores.shape == (40, 1)
    assert abs(np.corrcoef(components.scores[:, 0], present)[0, 1]) > 0.99


@pytest.mark.parametrize("seed", range(3))
def test_part_in_one_of_the_less_noisy_volumes_is_a_component_of_its_own(seed):
    rng = np.random.default_rng(seed)
    noises = rng.uniform(1.0, 2.0, 40)
    noises[7] = 1.0
    values = noisy(rng.integers(0, 2, 40), noises, seed=seed)
    values[7, -VOXELS // 4 :] += 2.0
    components = components_of(values, noises)
    assert components.scores.shape == (40, 2)
    assert np.abs(components.scores[:, 1]).argmax() == 7


def test_components_are_orthonormal_and_sorted_by_their_shares():
    rng = np.random.default_rng(0)
    noises = rng.uniform(1.0, 1.5, 40)
    values = noisy(3.0 * rng.integers(0, 2, 40), noises)
    values[:, -VOXELS // 4 :] += rng.uniform(0, 2, (40, 1))
    components = components_of(values, noises)
    np.testing.assert_allclose(components.scores.T @ components.scores, np.eye(2), atol=1e-9)
    np.testing.assert_allclose(components.scores.mean(axis=0), 0, atol=1e-9)
    assert components.shares[0] > components.shares[1] > 0
    assert components.shares.sum() < 1
