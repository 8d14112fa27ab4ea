# SPDX-License-Identifier: GPL-3.0-or-later
import pickle
from dataclasses import replace

import numpy as np
import pytest

import occupy_core.api.classes
from demo.simulate import phantom
from occupy_core import JobError, MapError, Occupancy, SettingsError, compare

OCCUPANCIES = ((1.0, 0.9, 0.2), (1.0, 0.9, 0.9))


@pytest.fixture(scope="module")
def classes():
    return [phantom(occupancies=values, noise_seed=seed) for seed, values in enumerate(OCCUPANCIES)]


def test_arrays_and_files_give_the_same_regions(classes, write_mrc):
    arrays = [item.volume for item in classes]
    copies = [values.copy() for values in arrays]
    paths = [write_mrc(values, f"class{number}.mrc") for number, values in enumerate(arrays)]
    of_arrays = compare(arrays, voxel_size=3.0, shares=(0.25, 0.75))
    of_files = compare(paths, threads=2)
    for values, copy in zip(arrays, copies):
        np.testing.assert_array_equal(values, copy)
    ((first,), (second,)) = of_arrays.regions, of_files.regions
    assert first.occupancies == second.occupancies and first.centre == second.centre
    assert of_arrays.names == ("class 1", "class 2") and of_files.names == ("class0.mrc", "class1.mrc")
    np.testing.assert_array_equal(of_arrays.spread, of_files.spread)
    np.testing.assert_array_equal(first.mask, second.mask)
    assert of_files.regions[0].occupancy_of_all_particles is None


def test_a_region_has_occupancies_and_a_soft_mask_on_the_maps_grid(classes):
    found = compare([item.volume for item in classes], voxel_size=3.0, shares=(0.25, 0.75))
    (region,) = found.regions
    low, high = (item.value for item in region.occupancies)
    assert region.number == 1 and low == pytest.approx(0.2, abs=0.12) and high == pytest.approx(0.9, abs=0.12)
    assert region.difference.value == pytest.approx(high - low)
    of_all = region.occupancy_of_all_particles
    assert of_all.value == pytest.approx(0.25 * low + 0.75 * high)
    for item in (*region.occupancies, region.difference, of_all):
        assert isinstance(item, Occupancy) and 0 <= item.low < item.value < item.high <= 1
    assert region.is_sure and found.sure_regions == found.regions and region.sigmas > 5
    assert not region.is_flexible and region.moved_with is None
    assert region.mask.shape == classes[0].volume.shape and 0 <= region.mask.min() < 0.5 < region.mask.max() <= 1
    part = classes[0].parts[2] > 0.5
    assert region.mask[part].mean() > 0.8 > 5 * region.mask[~part].mean()


def test_maps_that_do_not_differ_have_no_region(classes):
    assert compare([classes[0].volume, classes[0].volume], voxel_size=3.0).regions == ()


def test_unsure_and_moved_regions_are_told_apart(classes, monkeypatch):
    """Change the regions of a comparison: a first one that is sure, and the same one as its partner and as unsure."""

    def changed(*args, **options):
        found = compare_maps(*args, **options)
        (region,) = found.result.regions
        regions = (replace(region, moved_with=1), replace(region, moved_with=0), replace(region, doubt="faint"))
        return replace(found, result=replace(found.result, regions=regions))

    compare_maps = occupy_core.api.classes.compare_maps
    monkeypatch.setattr(occupy_core.api.classes, "compare_maps", changed)
    found = compare([item.volume for item in classes], voxel_size=3.0)
    assert [(item.number, item.is_sure, item.moved_with) for item in found.regions] == [
        (1, True, 2),
        (2, True, 1),
        (3, False, None),
    ]
    assert found.sure_regions == found.regions[:2] and found.regions[2].doubt == "faint"
    np.testing.assert_array_equal(found.regions[2].mask, found.regions[0].mask)


def test_bad_input_is_refused_with_the_way_out(classes):
    volumes = [item.volume for item in classes]
    with pytest.raises(MapError, match="array 1: an array has no voxel size"):
        compare(volumes)
    with pytest.raises(SettingsError, match="shares: got 1 shares, expected one for each of 2 maps"):
        compare(volumes, voxel_size=3.0, shares=[1.0])
    with pytest.raises(MapError, match="maps: got 1 map, expected two or more to compare"):
        compare(volumes[:1], voxel_size=3.0)
    with pytest.raises(JobError, match="array 2"):
        compare([volumes[0], volumes[1][:-2]], voxel_size=3.0)
    for number in (0, 5):
        with pytest.raises(SettingsError, match=f"reference: got {number}, expected the number of a map, 1 to 2"):
            compare(volumes, voxel_size=3.0, reference=number)
    with pytest.raises(MapError, match="maps: got one map, expected a sequence of maps"):
        compare("class1.mrc")
    for shares in ((-0.5, 1.5), (0.5, 0.9)):
        with pytest.raises(SettingsError, match="shares: got .*, expected shares .* that add up to 1"):
            compare(volumes, voxel_size=3.0, shares=shares)
    with pytest.raises(SettingsError, match="threads: got 0, expected a whole number from 1"):
        compare(volumes, voxel_size=3.0, threads=0)
    with pytest.raises(MapError, match="array 2: every voxel is 0"):
        compare([volumes[0], np.zeros_like(volumes[0])], voxel_size=3.0)


def test_a_file_is_never_taken_for_an_array_of_the_same_name(classes, write_mrc, monkeypatch, tmp_path):
    write_mrc(classes[1].volume, "array 2")
    monkeypatch.chdir(tmp_path)
    found = compare(["array 2", classes[0].volume], voxel_size=3.0)
    assert len(found.regions) == 1 and len(set(found.names)) == 1


def test_maps_come_from_any_iterable_and_have_names_of_their_own(classes, write_mrc):
    paths = [write_mrc(item.volume, f"run{number}/map.mrc") for number, item in enumerate(classes)]
    found = compare(path for path in paths)
    assert found.names == tuple(paths) and found.reference in paths


def test_results_hold_no_open_files_and_can_be_pickled(classes):
    found = compare([item.volume for item in classes], voxel_size=3.0)
    (region,) = pickle.loads(pickle.dumps(found)).regions
    np.testing.assert_array_equal(region.mask, found.regions[0].mask)


def test_inverted_maps_are_read_with_invert(classes):
    volumes = [-item.volume for item in classes]
    found = compare(volumes, voxel_size=3.0, invert=True)
    expected = compare([item.volume for item in classes], voxel_size=3.0)
    assert [region.occupancies for region in found.regions] == [region.occupancies for region in expected.regions]
    np.testing.assert_array_equal(found.spread, expected.spread)
    for values, item in zip(volumes, classes):
        np.testing.assert_array_equal(values, -item.volume)
