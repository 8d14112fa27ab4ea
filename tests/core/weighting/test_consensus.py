# SPDX-License-Identifier: GPL-3.0-or-later
"""Consensus: one map for all classes except where they differ."""

import numpy as np
import pytest

from demo.simulate import phantom
from occupy_core.errors import MapError
from occupy_core.weighting.class_maps import mean_map
from occupy_core.weighting.confidence import confidence_mask
from occupy_core.weighting.consensus import difference_weight, weight_by_consensus


@pytest.fixture(scope="module")
def classes():
    """Two classes in noise of their own; the third part is whole in the first and nearly missing in the second."""
    return [phantom(occupancies=(1.0, 0.8, third), noise=0.1, noise_seed=seed) for third, seed in ((1.0, 1), (0.1, 2))]


def consensus_of(first, second, **values):
    mask = confidence_mask(mean_map([first.volume, second.volume], [0.3, 0.7]), voxel_size=first.voxel_size)
    words = {"voxel_size": first.voxel_size, "smooth": 12.0, **values}
    return weight_by_consensus(first.volume, [second.volume], [0.3, 0.7], mask, **words)


def test_equal_parts_become_the_mean_and_different_parts_stay(classes):
    first, second = classes
    found = consensus_of(first, second)
    mean = np.float32(0.3) * first.volume + np.float32(0.7) * second.volume
    mask = confidence_mask(mean, voxel_size=first.voxel_size)
    equal, different = first.parts[0], first.parts[2]
    from_mean = np.abs(found.values - mean * mask)
    typical = np.median(np.abs(first.volume - mean)[different])
    assert np.median(from_mean[equal]) < 0.01 * typical
    own = first.volume * mask
    assert np.median(np.abs(found.values - own)[different]) < 0.01 * typical < np.median(from_mean[different])
    assert 0 < found.kept < 1 and found.values.dtype == np.float32


def test_classes_that_do_not_differ_become_one(classes):
    first, third = classes[0], phantom(occupancies=(1.0, 0.8, 1.0), noise=0.1, noise_seed=3)
    differing, same = consensus_of(*classes), consensus_of(first, third)
    assert same.kept < 0.2 * differing.kept


def test_weight_rises_from_two_to_four_standard_deviations():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(40, 40, 40)).astype(np.float32)
    molecule = np.ones(noise.shape, bool)
    weight = difference_weight(noise, [np.zeros_like(noise)], molecule, width=4.0)
    assert 0.02 < (weight > 0).mean() < 0.08  # 4.6 % of a Gaussian lie beyond two standard deviations
    assert (weight == 1).mean() < 0.005


def test_default_smoothing_follows_the_resolution_within_limits(classes):
    found = [consensus_of(*classes, smooth=None, resolution=value) for value in (None, 10.0, 20.0, 36.0, 50.0)]
    kept = [item.kept for item in found]
    assert kept[0] == kept[1] == kept[2] and kept[3] == kept[4] != kept[2]


def test_equal_maps_and_empty_molecules_are_errors(classes):
    volume = classes[0].volume
    with pytest.raises(MapError, match="the same map"):
        difference_weight(volume, [volume], np.ones(volume.shape, bool), width=4.0)
    with pytest.raises(MapError, match="the mask is empty"):
        difference_weight(volume, [-volume], np.zeros(volume.shape, bool), width=4.0)
