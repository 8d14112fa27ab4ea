# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of few particles and of junk are left out; the classification's resolutions give the low-pass."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from demo.simulate import phantom
from occupy_core.comparing.compare_maps import compare_maps
from occupy_core.comparing.shared_scale import shared_scale
from occupy_core.errors import MapError
from occupy_core.settings.job_spec import ClassInfo, MapInput
from occupy_core.settings.settings import Settings

OCCUPANCIES = ((1.0, 1.0, 1.0), (1.0, 1.0, 0.2))


@pytest.fixture
def classes(write_mrc):
    """Two classes of 500 particles, in one of which a part is mostly missing."""
    maps = []
    for number, chosen in enumerate(OCCUPANCIES, start=1):
        volume = phantom(voxel_size=3.0, occupancies=chosen, noise_seed=number).volume
        info = ClassInfo(number, 0.45, 500)
        maps.append(MapInput(write_mrc(volume, f"class{number}.mrc", 3.0), "", None, info))
    return maps


def third(write_mrc, volume, particles):
    return MapInput(write_mrc(volume.astype(np.float32), "class3.mrc", 3.0), "", None, ClassInfo(3, 0.1, particles))


def test_class_of_few_particles_is_left_out_with_a_sentence(classes, write_mrc):
    noise = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((64, 64, 64)), 1.5)
    tiny = third(write_mrc, 8 * phantom(voxel_size=3.0).volume + 30 * noise, 12)
    found, alone = compare_maps([*classes, tiny], Settings()), compare_maps(classes, Settings())
    assert found.map_indices == (0, 1) and found.lowpass == alone.lowpass
    assert [item.volume for item in found.result.regions] == [item.volume for item in alone.result.regions]
    (warning,) = found.warnings
    assert "class 3 is left out" in warning and "12 particles" in warning
    many = replace(tiny, class_info=ClassInfo(3, 0.1, 60))
    assert compare_maps([*classes, many], Settings()).map_indices == (0, 1, 2)


@pytest.mark.parametrize("density", [0.35, 0.65])
def test_class_of_little_common_density_is_left_out_with_a_sentence(classes, write_mrc, density):
    junk = third(write_mrc, density * phantom(voxel_size=3.0, occupancies=(1.0, 1.0, 1.0), noise_seed=9).volume, 400)
    found = compare_maps([*classes, junk], Settings())
    assert found.map_indices == (0, 1)
    assert any("class 3 is left out" in text and "junk" in text for text in found.warnings)
    (region,) = found.result.sure_regions
    assert [item.value for item in region.occupancies] == pytest.approx([1.0, 0.2], abs=0.1)


def test_two_classes_of_unequal_common_density_are_not_compared(classes, write_mrc):
    junk = third(write_mrc, 0.65 * phantom(voxel_size=3.0, noise_seed=9).volume, 400)
    with pytest.raises(MapError, match=r"fewer than two .* class 3 is left out .* only 0\.6\d times .* in class 1"):
        compare_maps([classes[0], junk], Settings())
    without_particles = [replace(item, class_info=None) for item in (classes[0], junk)]
    assert compare_maps(without_particles, Settings()).map_indices == (0, 1)  # maps of any grey scale


def with_resolutions(maps, values):
    return [replace(item, class_info=replace(item.class_info, resolution=value)) for item, value in zip(maps, values)]


def test_low_pass_is_the_coarsest_resolution_of_the_classes(classes):
    found = compare_maps(with_resolutions(classes, (14.0, 15.0)), Settings())
    assert found.lowpass == 15.0 and found.warnings == ()
    assert compare_maps(with_resolutions(classes, (4.0, 5.0)), Settings()).lowpass == 9.0  # three voxels
    assert compare_maps(with_resolutions(classes, (14.0, 15.0)), Settings(lowpass=12.0)).lowpass == 12.0


def test_class_that_costs_the_others_their_detail_is_named(classes):
    (warning,) = compare_maps(with_resolutions(classes, (12.0, 20.0)), Settings()).warnings
    assert "20 Å, because class 2" in warning and "set lowpass 12" in warning


@pytest.mark.parametrize("normalisation", ["calibrated", "tiled"])
def test_class_of_few_particles_does_not_say_what_is_fully_occupied(classes, write_mrc, normalisation):
    dense = third(write_mrc, 3 * phantom(voxel_size=3.0, noise_seed=7).volume, 12)
    maps = [*classes, dense]
    settings = Settings(normalisation=normalisation, mode="occupancy")
    assert shared_scale(maps, settings).reference_index in (0, 1)
    many = replace(dense, class_info=ClassInfo(3, 0.1, 500))
    assert shared_scale([*classes, many], settings).reference_index == 2


@pytest.mark.slow
def test_junk_is_left_out_where_it_is_the_majority(classes, write_mrc):
    junk = []
    for number in (3, 4, 5):
        blurred = 0.4 * ndimage.gaussian_filter(phantom(voxel_size=3.0, noise_seed=number).volume, 3)
        path = write_mrc(blurred.astype(np.float32), f"junk{number}.mrc", 3.0)
        junk.append(MapInput(path, "", None, ClassInfo(number, 0.2, 500)))
    found = compare_maps([*classes, *junk], Settings())
    assert found.map_indices == (0, 1)
    (region,) = found.result.sure_regions
    assert [item.value for item in region.occupancies] == pytest.approx([1.0, 0.2], abs=0.1)
    assert sum("is left out" in text and "junk" in text for text in found.warnings) == 3


@pytest.mark.parametrize(("faint", "number"), [(0.5, 3), (0.7, 2)])
def test_classes_share_one_grey_scale_where_most_of_the_molecule_differs(write_mrc, faint, number):
    chosen = [(1.0,) * 5, *[(1.0, faint, faint, faint, 1.0)] * (number - 1)]
    maps = []
    for index, occupancies in enumerate(chosen, start=1):
        volume = phantom(voxel_size=3.0, occupancies=occupancies, noise_seed=index).volume
        maps.append(MapInput(write_mrc(volume, f"class{index}.mrc", 3.0), "", None, ClassInfo(index, 0.3, 500)))
    found = compare_maps(maps, Settings())
    assert found.result.grey_factors == pytest.approx([1.0] * number, abs=0.05)
    assert found.result.sure_regions
    for region in found.result.sure_regions:
        assert [item.value for item in region.occupancies] == pytest.approx([1.0] + [faint] * (number - 1), abs=0.1)
