# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole comparisons of made classes: parts that moved, that are blurred, and classes in other poses."""

import numpy as np
import pytest
from scipy import ndimage

from demo.simulate import phantom
from occupy_core.comparing.compare_maps import compare_maps
from occupy_core.settings.job_spec import ClassInfo, MapInput
from occupy_core.settings.settings import Settings

VOXEL_SIZE, NOISE = 3.0, 0.05
WHOLE = (1.0, 1.0, 1.0, 1.0, 1.0)


@pytest.fixture
def compare(write_mrc):
    """Compare noise-free volumes as classes of 500 particles, each with noise of its own."""

    def run(*volumes):
        maps = []
        for number, volume in enumerate(volumes, start=1):
            noise = phantom(occupancies=(0.0,) * 5, noise=NOISE, noise_seed=number).volume
            path = write_mrc((volume + noise).astype(np.float32), f"class{number}.mrc", VOXEL_SIZE)
            maps.append(MapInput(path, "", None, ClassInfo(number, 1 / len(volumes), 500)))
        return compare_maps(maps, Settings())

    return run


def molecule(*occupancies):
    return phantom(voxel_size=VOXEL_SIZE, occupancies=occupancies, noise=0.0).volume


def turned(volume, degrees):
    return ndimage.rotate(volume, degrees, axes=(1, 2), reshape=False, order=3)


def test_part_in_two_places_is_one_part_that_moved(compare):
    found = compare(molecule(1, 1, 0, 1, 1), molecule(1, 0, 1, 1, 1))
    one, other = found.result.sure_regions
    assert found.result.regions[one.moved_with] is other and found.result.regions[other.moved_with] is one


def test_parts_that_are_missing_together_have_not_moved(compare):
    found = compare(molecule(*WHOLE), molecule(1, 0, 0, 1, 1))
    assert found.result.sure_regions
    assert all(region.moved_with is None for region in found.result.regions)


def test_blurred_part_is_flexible_and_missing_part_is_not(compare):
    whole, without = molecule(*WHOLE), molecule(1, 1, 1, 1, 0)
    blurred = without + ndimage.gaussian_filter(whole - without, 12 / VOXEL_SIZE)
    (region,) = compare(whole, blurred).result.sure_regions
    assert region.is_flexible
    (region,) = compare(whole, without).result.sure_regions
    assert not region.is_flexible


def test_rotated_class_gives_a_warning_and_no_false_region(compare):
    found = compare(molecule(*WHOLE), turned(molecule(*WHOLE), 5.0))
    assert found.result.sure_regions == ()
    assert found.result.poses[1 - found.result.reference].rotation == pytest.approx(5.0, abs=1.0)
    assert any("is rotated by" in text for text in found.warnings)


def test_missing_part_of_a_rotated_class_is_the_only_region(compare):
    (region,) = compare(molecule(*WHOLE), turned(molecule(1, 1, 1, 1, 0), 5.0)).result.sure_regions
    assert region.occupancies[0].value > 0.9 and region.occupancies[1].value < 0.15
