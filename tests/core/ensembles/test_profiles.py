# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles of parts whose occupancies are alike."""

import numpy as np
import pytest

from occupy_core.ensembles.profiles import find_profiles

SHAPE, SPACING = (12, 12, 24), 3.0
VOXELS = int(np.prod(SHAPE))


def two_parts(cosine, *, noise, seed=0):
    """Return the loadings (voxel, component) of two parts side by side, which are strongest where they mix."""
    across = np.clip((np.arange(SHAPE[2]) - SHAPE[2] / 2 + 0.5) / 2, -1, 1)
    angles = (0.5 + across / 2) * np.arccos(cosine)
    strength = 1.0 + 0.2 * (np.abs(across) < 1)
    line = np.stack([strength * np.cos(angles), strength * np.sin(angles)], axis=1)
    loadings = np.broadcast_to(line, (*SHAPE, 2)).reshape(-1, 2)
    return (loadings + noise * np.random.default_rng(seed).standard_normal(loadings.shape)).astype(np.float32)


def profiles_of(changes):
    return find_profiles(changes, np.ones(VOXELS, bool), np.ones(SHAPE, bool), SPACING)


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_parts_of_alike_occupancies_have_two_profiles_where_their_mixture_is_strongest(noise):
    profiles = profiles_of(two_parts(0.8, noise=noise))
    assert len(profiles) == 2
    assert float(profiles[0] @ profiles[1]) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_noise_does_not_split_a_profile(noise, seed):
    assert len(profiles_of(two_parts(1.0, noise=noise, seed=seed))) == 1


def test_directions_that_are_evenly_distributed_are_not_split():
    """The middles of their halves differ enough for two profiles, but the halves touch."""
    angles = np.radians(58) * np.linspace(0, 1, SHAPE[2])
    line = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    line *= 1 + 0.2 * np.exp(-(np.linspace(-4, 4, SHAPE[2]) ** 2))[:, None]  # the search begins in the middle
    changes = np.broadcast_to(line, (*SHAPE, 2)).reshape(-1, 2).astype(np.float32)
    assert len(profiles_of(changes)) == 1


def test_one_component_has_one_profile():
    assert len(profiles_of(np.linspace(0.5, 1.0, VOXELS, dtype=np.float32)[:, None])) == 1


def test_too_few_voxels_have_no_profile():
    varying = np.zeros(VOXELS, bool)
    varying[:3] = True
    assert find_profiles(np.ones((VOXELS, 1), np.float32), varying, np.ones(SHAPE, bool), SPACING) == []
