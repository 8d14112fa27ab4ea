# SPDX-License-Identifier: GPL-3.0-or-later
"""A class in another pose is brought into the pose of the reference class, also where a part differs."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.comparing.class_data import ClassData
from occupy_core.comparing.poses import align_classes
from occupy_core.estimate.reference import Reference

SPACING = 4.0
SIDE = 44


def molecule(seed=0):
    """Return a molecule of blobs without symmetry, about 110 Å wide, and one of its parts."""
    rng = np.random.default_rng(seed)
    points = np.zeros((SIDE,) * 3, dtype=np.float32)
    positions = rng.normal(0, 6, (60, 3)).clip(-13, 13).round().astype(int) + SIDE // 2
    points[tuple(positions.T)] = rng.uniform(0.6, 1.4, 60)
    volume = ndimage.gaussian_filter(points, 1.5)
    volume /= volume.max()
    part = np.zeros(volume.shape, dtype=bool)
    part[:, :, SIDE // 2 + 5 :] = True
    return volume, part


def in_pose(volume, degrees, shift):
    """Turn a volume about its centre by these rotation angles, and shift it by so many voxels."""
    matrix = Rotation.from_euler("zyx", degrees, degrees=True).as_matrix()
    middle = np.full(3, SIDE / 2)
    return ndimage.affine_transform(volume, matrix, middle - matrix @ middle + shift, order=3)


def class_of(volume, noise, seed):
    volume = volume + noise * np.random.default_rng(seed).standard_normal(volume.shape)
    volume = ndimage.gaussian_filter(volume.astype(np.float32), 1.0)
    dense = ndimage.gaussian_filter(volume, 1.0) > 0.08
    everywhere = np.ones(volume.shape, dtype=bool)
    arrays = (volume, np.clip(volume, 0, 1), dense, dense, everywhere)
    return ClassData(Reference(1.0, 0.0, None, None, None), *(DiskArray(item) for item in arrays), SPACING)


@pytest.mark.parametrize("without", [False, True])
@pytest.mark.parametrize(
    "degrees, shift", [((2, -1, 1), (0.3, 0, -0.2)), ((5, 3, -2), (0, 1, 0.5)), ((0, 0, 0), (2, 0, 0))]
)
def test_pose_is_found_also_beside_a_missing_part(degrees, shift, without):
    volume, part = molecule()
    other = volume * ~part if without else volume
    classes = [class_of(volume, 0.02, 1), class_of(in_pose(other, degrees, shift), 0.02, 2)]
    (_, aligned), (own, pose) = align_classes(classes, 0, spacing=SPACING)
    assert own.displacement == 0
    expected = np.degrees(np.linalg.norm(Rotation.from_euler("zyx", degrees, degrees=True).as_rotvec()))
    assert pose.rotation == pytest.approx(expected, abs=0.7)
    same = ~part & (volume > 0.1)
    left = np.abs(aligned.density.load() - class_of(other, 0.02, 2).density.load())[same].mean()
    before = np.abs(classes[1].density.load() - classes[0].density.load())[same].mean()
    assert left < 0.45 * before


def test_missing_part_feigns_no_motion():
    volume, part = molecule()
    classes = [class_of(volume, 0.02, 1), class_of(volume * ~part, 0.02, 2)]
    _, (_, pose) = align_classes(classes, 0, spacing=SPACING)
    assert pose.displacement < 0.5


@pytest.mark.parametrize("seed", [1, 2])
def test_missing_part_that_is_entwined_with_the_rest_feigns_no_motion(seed):
    volume, _ = molecule(seed)
    phase = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(volume.shape), 3)
    part = phase > np.median(phase[volume > 0.1])
    classes = [class_of(volume, 0.02, 1), class_of(volume * ~part, 0.02, 2)]
    _, (_, pose) = align_classes(classes, 0, spacing=SPACING)
    assert pose.displacement == 0


@pytest.mark.parametrize("degrees, shift", [((20, 5, 0), (0, 0, 0)), ((0, 0, 0), (4, 1, 0))])
def test_large_motions_are_found(degrees, shift):
    volume, _ = molecule()
    classes = [class_of(volume, 0.02, 1), class_of(in_pose(volume, degrees, shift), 0.02, 2)]
    _, (_, pose) = align_classes(classes, 0, spacing=SPACING)
    expected = np.degrees(np.linalg.norm(Rotation.from_euler("zyx", degrees, degrees=True).as_rotvec()))
    assert pose.displacement > 12
    assert pose.rotation == pytest.approx(expected, abs=0.7)
    if not any(degrees):
        assert pose.shift == pytest.approx(SPACING * np.linalg.norm(shift), abs=0.5)


def test_large_motion_that_makes_maps_agree_less_is_not_taken():
    volume, _ = molecule()
    classes = [class_of(0.3 * volume, 0.5, seed) for seed in (4, 5)]
    _, (_, pose) = align_classes(classes, 0, spacing=SPACING)
    assert pose.displacement == 0


@pytest.mark.parametrize("reference", [0, 1])
def test_maps_that_tell_no_motion_stay_where_they_are(reference):
    ramp = np.indices((SIDE,) * 3)[2] / SIDE
    classes = [class_of(ramp, 0, 1), class_of(molecule()[0], 0.02, 2)]
    aligned, poses = align_classes(classes, reference, spacing=SPACING)
    assert all(np.isfinite(item.density.load()).all() for item in aligned)
    assert all(pose.displacement < SIDE * SPACING for pose in poses)
