# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise inside the molecule: more than in solvent where classes differ there, and not what truly differs."""

import numpy as np
import pytest

from occupy_core.comparing.inner_noise import Noise, NoiseOfMeans, averaged_volume, most_under_narrower, noise_inside
from occupy_core.comparing.limits import EXCESS_MARGIN

VOXELS = 8000


def classes(noises, seed=0):
    """Return maps of one molecule of density 1, with noise of these standard deviations."""
    rng = np.random.default_rng(seed)
    return np.stack([1 + noise * rng.standard_normal(VOXELS) for noise in noises]).astype(np.float32)


def test_noise_inside_exceeds_that_of_damped_solvent():
    noise = noise_inside(classes([0.06, 0.08]), [0.015, 0.02])
    assert noise.of_pairs[0, 1] == pytest.approx(0.1, rel=0.05)
    assert noise.excess == pytest.approx(4, rel=0.05)
    assert noise.of_classes == pytest.approx([0.06, 0.08], rel=0.05)


def test_noise_is_at_least_that_of_the_solvent():
    noise = noise_inside(classes([0.01, 0.01]), [0.03, 0.04])
    assert noise.of_pairs[0, 1] == pytest.approx(0.05) and noise.excess == pytest.approx(1)


def test_true_difference_of_one_class_is_no_noise_of_its_pairs():
    maps = classes([0.05, 0.05, 0.05])
    # The third class differs all over the molecule, by any amount: its pairs alone cannot tell noise from difference.
    maps[2] -= np.linspace(0, 0.9, VOXELS, dtype=np.float32)
    noise = noise_inside(maps, [0.05, 0.05, 0.05])
    expected = 0.05 * 2**0.5
    assert noise.of_pairs[0, 1] == pytest.approx(expected, rel=0.05)
    assert noise.of_pairs[0, 2] <= EXCESS_MARGIN * expected * 1.05


def test_missing_part_of_one_class_is_no_noise_of_its_pairs():
    maps = classes([0.05, 0.05, 0.05])
    maps[2, : VOXELS // 4] -= np.linspace(0, 0.5, VOXELS // 4, dtype=np.float32)
    noise = noise_inside(maps, [0.05, 0.05, 0.02])
    # The third class differs by noise alone from no other: it has as little more noise than its solvent as they have.
    assert noise.of_classes[2] == pytest.approx(0.02, rel=0.1)


def test_true_difference_of_two_states_is_no_noise_of_their_pairs():
    maps = classes([0.05] * 4)
    # The last two classes differ from the others all over the molecule, by any amount, but not from one another.
    maps[2:] -= np.linspace(0, 0.9, VOXELS, dtype=np.float32)
    noise = noise_inside(maps, [0.05] * 4)
    expected = 0.05 * 2**0.5
    assert (noise.of_pairs[0, 1], noise.of_pairs[2, 3]) == pytest.approx((expected, expected), rel=0.05)
    assert noise.of_pairs[0, 2] <= EXCESS_MARGIN * expected * 1.05


def test_class_that_differs_from_all_others_everywhere_is_noisy_itself():
    noise = noise_inside(classes([0.02, 0.02, 0.15]), [0.02, 0.02, 0.03])
    assert noise.of_classes == pytest.approx([0.02, 0.02, 0.15], rel=0.1)
    assert noise.of_pairs[0, 2] == pytest.approx(np.hypot(0.02, 0.15), rel=0.05)
    assert noise.of_pairs[0, 1] == pytest.approx(0.02 * 2**0.5, rel=0.05)


def test_noise_of_a_region_lies_between_those_of_the_smoothings():
    def noise(value):
        return Noise(np.full(2, value), np.full((2, 2), value), 1.0)

    means = NoiseOfMeans({12.0: noise(0.1), 20.0: noise(0.05), 30.0: noise(0.02)})
    at = [float(means.at_volume(averaged_volume(width)).of_classes[0]) for width in (5.0, 12.0, 15.0, 20.0, 30.0, 50.0)]
    assert at[0] == pytest.approx(0.1) and at[1] == pytest.approx(0.1)
    assert 0.05 < at[2] < 0.1
    assert at[3:] == pytest.approx([0.05, 0.02, 0.02])


def test_noise_under_a_narrow_smoothing_is_at_most_what_white_noise_would_have():
    white = 0.02 * (averaged_volume(24.0) / averaged_volume(12.0)) ** 0.5
    assert white == pytest.approx(0.02 * 8**0.5)
    assert most_under_narrower(0.02, 24.0, 12.0) == pytest.approx(EXCESS_MARGIN * white)
