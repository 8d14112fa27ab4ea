# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of a part that differ in occupancy: their spread, and none where they are one part."""

import numpy as np
import pytest

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.ensembles.stored_volumes import StoredVolumes
from occupy_core.ensembles.unevenness import spreads_within
from occupy_core.ensembles.variation import VolumeNoise
from occupy_core.maps.grid import MapGrid

SHAPE, SPACING, COUNT = (12, 12, 24), 3.0, 30
NOISE = 0.02  # of the mean of a piece


def spread_of(left, right):
    """Return the spread within a part whose two halves have these occupancies, and surroundings mixed in unequally."""
    rng = np.random.default_rng(0)
    densities, mixed = [], rng.uniform(0, 0.2, SHAPE)
    for one, other in zip(left, right):
        volume = np.full(SHAPE, one) * (1 - mixed) + mixed
        volume[:, :, SHAPE[2] // 2 :] += (other - one) * (1 - mixed[:, :, SHAPE[2] // 2 :])
        # Noise of the mean of any piece, by noise that is the same in blocks as large as a piece.
        volume += np.repeat(np.repeat(NOISE * rng.standard_normal((2, 2, 4)), 6, 0), 6, 1).repeat(6, 2)
        densities.append(DiskArray(volume.astype(np.float32)))
    whole, grid = np.ones(SHAPE, bool), MapGrid(SHAPE, SPACING, None)
    volumes = StoredVolumes(tuple(densities), np.ones(COUNT), (), np.ones(SHAPE), whole, grid, 1.0, SPACING)
    noise = VolumeNoise({12.0: np.full(COUNT, NOISE)})
    (spread,) = spreads_within(volumes, [whole], [(left + right) / 2], noise)
    return spread


def present(seed):
    return np.random.default_rng(seed).uniform(0, 1, COUNT)


def test_part_that_is_one_has_no_spread_whatever_is_mixed_into_its_pieces():
    assert (spread_of(present(1), present(1)) == 0).all()


def test_volumes_in_which_the_halves_differ_have_their_difference_as_spread():
    left, right = present(1), present(1)
    right[[3, 7]] = 1 - np.round(left[[3, 7]])
    left[[3, 7]] = np.round(left[[3, 7]])
    spread = spread_of(left, right)
    assert spread[[3, 7]] == pytest.approx(0.5, abs=0.1)
    assert np.delete(spread, [3, 7]).max() < 0.1
