# SPDX-License-Identifier: GPL-3.0-or-later
"""Weighting by confidence: solvent goes, the molecule stays."""

import numpy as np
import pytest

from demo.simulate import phantom
from occupy_core.errors import MapError
from occupy_core.fourier.resize import resize
from occupy_core.weighting.class_maps import mean_map
from occupy_core.weighting.confidence import confidence_mask, sphere_of, weight_by_confidence


@pytest.fixture(scope="module")
def noisy():
    return phantom(noise=0.2)


def test_solvent_goes_and_the_molecule_stays(noisy):
    mask = confidence_mask(noisy.volume, voxel_size=noisy.voxel_size)
    found = weight_by_confidence(noisy.volume, mask)
    assert all(mask[part].mean() > 0.95 for part in noisy.parts[:2])
    assert np.median(mask) < 0.01 and mask.min() >= 0 and mask.max() <= 1
    np.testing.assert_array_equal(found.values, noisy.volume * mask)
    assert found.values.dtype == np.float32
    assert found.kept == pytest.approx(np.square(found.values).sum() / np.square(noisy.volume).sum(), rel=1e-4)


def test_mask_has_a_soft_edge(noisy):
    """Over the length of a low-pass, here 9 Å (3 voxels)."""
    mask = confidence_mask(noisy.volume, voxel_size=noisy.voxel_size)
    steps = [np.abs(np.diff(mask, axis=axis)).max() for axis in range(3)]
    assert max(steps) < 0.5


def test_mask_of_the_mean_has_what_one_class_lacks():
    whole, lacking = (phantom(occupancies=(1.0, 1.0, third), noise=0.1, noise_seed=7) for third in (1.0, 0.0))
    part, voxel_size = whole.parts[2], whole.voxel_size
    mean = mean_map([lacking.volume, whole.volume], [0.5, 0.5])
    assert confidence_mask(mean, voxel_size=voxel_size)[part].min() > 0.9
    assert confidence_mask(lacking.volume, voxel_size=voxel_size)[part].mean() < 0.7


def test_mean_has_the_shares(noisy):
    other = phantom(noise=0.2, noise_seed=5)
    mean = mean_map([noisy.volume, other.volume], [0.1, 0.3])
    np.testing.assert_allclose(mean, 0.25 * noisy.volume + 0.75 * other.volume, atol=1e-6)


def test_mask_does_not_depend_on_the_grey_scale(noisy):
    mask = confidence_mask(noisy.volume, voxel_size=noisy.voxel_size)
    scaled = confidence_mask(noisy.volume * np.float32(1e-3), voxel_size=noisy.voxel_size)
    assert np.abs(scaled - mask).mean() < 1e-3


def test_solvent_outside_the_particle_diameter_tells_nothing(noisy):
    """RELION sets the images to 0 outside the diameter: the noise there is too weak."""
    diameter = 0.9 * noisy.volume.shape[0] * noisy.voxel_size
    sphere = sphere_of(noisy.volume.shape, noisy.voxel_size, diameter)
    quiet = np.where(sphere, noisy.volume, noisy.volume * np.float32(0.01))
    expected = confidence_mask(noisy.volume, voxel_size=noisy.voxel_size, diameter=diameter).mean()
    found, without = (
        confidence_mask(quiet, voxel_size=noisy.voxel_size, diameter=value).mean() for value in (diameter, None)
    )
    assert found == pytest.approx(expected, rel=0.2) and without > 1.3 * found


def test_coarser_detail_reaches_farther_around_the_molecule(noisy):
    fine, coarse = (
        confidence_mask(noisy.volume, voxel_size=noisy.voxel_size, smooth=smooth) for smooth in (None, 24.0)
    )
    assert 1.2 * np.count_nonzero(fine > 0.5) < np.count_nonzero(coarse > 0.5)


def test_fine_voxels_change_nothing(noisy):
    """The mask follows no detail finer than the low-pass, so it is made on a coarse grid."""
    coarse = confidence_mask(noisy.volume, voxel_size=noisy.voxel_size, smooth=9.0)
    padded = resize(noisy.volume, (128, 128, 128))
    fine = confidence_mask(padded, voxel_size=noisy.voxel_size / 2, smooth=9.0)
    assert fine.shape == padded.shape and fine.max() <= 1 and fine.min() >= 0
    assert np.abs(fine[::2, ::2, ::2] - coarse).max() < 0.05


@pytest.mark.parametrize("kind", ["flat", "noise"])
def test_map_without_a_molecule_is_an_error(kind):
    rng = np.random.default_rng(1)
    volume = np.zeros((40, 40, 40), np.float32)
    if kind == "noise":
        volume = -np.abs(rng.normal(size=volume.shape)).astype(np.float32)
    with pytest.raises(MapError):
        confidence_mask(volume, voxel_size=4.0)


def test_sphere_has_the_diameter():
    assert np.flatnonzero(sphere_of((40, 40, 40), 4.0, 80.0)[20, 20]).tolist() == list(range(11, 30))
