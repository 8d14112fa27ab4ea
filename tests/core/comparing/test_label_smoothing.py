# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of voxels and borders between patterns, in noise that hides the pattern of any single voxel."""

import numpy as np
import pytest
from scipy import ndimage

from occupy_core.comparing.label_smoothing import smooth_labels
from occupy_core.comparing.patterns import nearest_patterns

SPACING = 2.5
SIDE = 32
SAME, GONE = np.ones(3), np.array([1.0, 0.0, 1.0])


def halves(noise, gone=GONE):
    """Return densities (map, voxel), equal in one half and with the pattern `gone` in the other, and true labels."""
    truth = np.zeros((SIDE,) * 3, dtype=np.uint8)
    truth[SIDE // 2 :] = 1
    rng = np.random.default_rng(1)
    contents = np.stack([SAME, gone])[truth.ravel()].T
    return (contents + noise * rng.standard_normal(contents.shape)).astype(np.float32), truth.ravel()


def test_smoothing_corrects_labels_that_noise_makes_wrong():
    densities, truth = halves(0.7)
    molecule = np.ones((SIDE,) * 3, dtype=bool)
    distances = [((densities - pattern[:, None]) ** 2).sum(axis=0) for pattern in (SAME, GONE)]
    alone = np.argmin(distances, axis=0).astype(np.uint8)
    assert (alone != truth).mean() > 0.2
    found = smooth_labels(alone, [SAME, GONE], densities, [0.7] * 3, molecule, SPACING)
    assert (found != truth).mean() < 0.01


@pytest.mark.parametrize("moved", [-2, 2])
def test_border_moves_to_where_the_maps_have_it(moved):
    densities, truth = halves(0.02)
    labels = np.zeros((SIDE,) * 3, dtype=np.uint8)
    labels[SIDE // 2 + moved :] = 1
    molecule = np.ones((SIDE,) * 3, dtype=bool)
    found = smooth_labels(labels.ravel(), [SAME, GONE], densities, [0.02] * 3, molecule, SPACING)
    np.testing.assert_array_equal(found, truth)


@pytest.mark.parametrize("gone", [GONE, np.array([0.0, 0.0, 1.0])], ids=["in one map", "in two maps"])
@pytest.mark.parametrize("lowest", [0.0, 0.4], ids=["true pattern", "pattern mixed with its neighbour"])
def test_border_is_in_the_middle_of_the_blur(gone, lowest):
    contents = np.stack([SAME] * SIDE)
    contents[SIDE // 2 :] = gone
    blurred = ndimage.gaussian_filter1d(contents, 4.0, axis=0)
    densities = np.repeat(blurred.T, SIDE**2, axis=1).astype(np.float32)
    truth = np.repeat(np.arange(SIDE) >= SIDE // 2, SIDE**2)
    labels = np.repeat(np.arange(SIDE) >= SIDE // 2 - 4, SIDE**2).astype(np.uint8)
    molecule = np.ones((SIDE,) * 3, dtype=bool)
    found = smooth_labels(labels, [SAME, np.maximum(gone, lowest)], densities, [0.02] * 3, molecule, SPACING)
    np.testing.assert_array_equal(found, truth)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_labels_that_are_all_noise_leave_none(count):
    molecule = np.ones((SIDE,) * 3, dtype=bool)
    densities = np.ones((3, SIDE**3), dtype=np.float32)
    labels = np.zeros(SIDE**3, dtype=np.uint8)
    labels[:: SIDE**3 // max(1, count)][:count] = 1
    assert not smooth_labels(labels, [SAME, GONE], densities, [0.7] * 3, molecule, SPACING).any()


def test_voxels_outside_the_molecule_do_not_count_as_neighbours():
    densities, truth = halves(0.7)
    molecule = np.zeros((SIDE,) * 3, dtype=bool)
    molecule[::2, ::2, ::2] = True
    chosen = molecule.ravel()
    found = smooth_labels(truth[chosen], [SAME, GONE], densities[:, chosen], [0.7] * 3, molecule, SPACING)
    # No voxel has a neighbour, so each label follows from the voxel's own densities.
    assert 0.1 < (found != truth[chosen]).mean() < 0.3


def test_blur_beside_a_part_does_not_draw_its_pattern_to_the_neighbour():
    values = np.concatenate([np.full(100, 0.1), np.linspace(0.45, 0.65, 400), np.full(100, 1.0)])
    relative = np.stack([np.ones(values.size), values]).astype(np.float32)
    labels = nearest_patterns(relative, [np.ones(2), np.array([1.0, 0.15])], np.ones(values.size, dtype=bool))
    # The pattern moves to 0.1, so its border with 1 is at 0.55.
    assert labels[values < 0.5].all() and not labels[values > 0.6].any()


def test_pattern_without_voxels_near_it_keeps_its_number():
    relative = np.stack([np.ones(60), np.full(60, 0.1), np.full(60, 0.1)]).astype(np.float32)
    patterns = [np.ones(3), np.array([0.1, 1.0, 0.6]), np.array([1.0, 0.15, 0.15])]
    assert (nearest_patterns(relative, patterns, np.ones(60, dtype=bool)) == 2).all()
