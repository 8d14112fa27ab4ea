# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
import inspect
import os
import pickle
import typing

import numpy as np
import pytest

import occupy_core
from occupy_core import (
    MapError,
    Settings,
    SettingsError,
    amplify,
    attenuate,
    local_scale,
    process_map,
    read_map,
    sigmoid,
)
from occupy_core.settings.settings import default_of

FUNCTIONS = [local_scale, amplify, attenuate, sigmoid, occupy_core.compare]
NOT_SETTINGS = {"volume", "maps", "power", "voxel_size", "threads", "shares"}


def test_the_local_scale_of_an_array_is_that_of_its_file_and_of_a_job(three_parts, phantom_file):
    settings = Settings(mode="occupancy", normalisation="calibrated")
    expected = process_map(read_map(phantom_file), settings)
    of_file = local_scale(phantom_file, mode="occupancy", normalisation="calibrated")
    of_array = local_scale(
        three_parts.volume, voxel_size=three_parts.voxel_size, mode="occupancy", normalisation="calibrated", threads=2
    )
    for found in (of_file, of_array):
        np.testing.assert_array_equal(found.scale, expected.scale)
        np.testing.assert_array_equal(found.confidence, expected.confidence)
        assert found.mode == "occupancy" and found.lowpass == expected.parameters.lowpass
        assert found.reference_value == expected.reference.value and found.zero_value == expected.reference.zero
        assert found.median_scale == expected.median_scale and found.warnings == expected.warnings
        assert found.voxel_size == three_parts.voxel_size


@pytest.mark.parametrize(
    ("function", "arguments", "settings"),
    [
        (amplify, {"power": 2.0}, Settings(amplify=2.0)),
        (attenuate, {"exclude_solvent": True}, Settings(attenuate=3.0, exclude_solvent=True)),
        (attenuate, {"seed": 7}, Settings(attenuate=3.0, seed=7)),
        (sigmoid, {"pivot": 0.4, "lowpass_output": 12.0}, Settings(sigmoid=4.0, pivot=0.4, lowpass_output=12.0)),
    ],
)
def test_modified_maps_are_those_of_a_job(three_parts, phantom_file, function, arguments, settings):
    expected = process_map(read_map(phantom_file), settings)
    ((_, volume),) = expected.modified.items()
    found = function(three_parts.volume, voxel_size=three_parts.voxel_size, **arguments)
    np.testing.assert_array_equal(found.map, volume)
    np.testing.assert_array_equal(found.scale, expected.scale)


def test_the_array_is_not_changed(three_parts):
    volume = three_parts.volume.copy()
    volume.flags.writeable = False
    local_scale(volume, voxel_size=3.0, mode="occupancy")
    attenuate(volume, voxel_size=3.0)
    np.testing.assert_array_equal(volume, three_parts.volume)


def test_masks_are_arrays_or_paths(three_parts, phantom_file, write_mrc):
    mask = np.asarray(three_parts.parts[1] > 0.5, dtype=np.float32)
    path = write_mrc(mask, "mask.mrc", three_parts.voxel_size)
    settings = {"normalisation": "calibrated", "solvent_def": path}
    of_path = local_scale(phantom_file, target_mask=[path], **settings)
    settings["solvent_def"] = mask
    of_array = local_scale(phantom_file, target_mask=[mask > 0], **settings)
    (first,), (second,) = of_path.targets, of_array.targets
    assert dataclasses.replace(first, path="") == dataclasses.replace(second, path="")
    assert second.path == "<array target_mask 1>" and of_path.solvent_mean == of_array.solvent_mean
    np.testing.assert_array_equal(of_path.scale, of_array.scale)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_defaults_are_those_of_the_settings(function):
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in NOT_SETTINGS and not (function is occupy_core.compare and name == "reference"):
            assert parameter.default == default_of(name) and parameter.kind is parameter.KEYWORD_ONLY, name
    assert inspect.signature(attenuate).parameters["power"].default == 3.0


def test_results_are_frozen(three_parts):
    found = local_scale(three_parts.volume, voxel_size=3.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.scale = None


def test_bad_input_is_refused_with_the_way_out(three_parts):
    with pytest.raises(MapError, match="an array has no voxel size, expected one in Å; give voxel_size"):
        local_scale(three_parts.volume)
    with pytest.raises(MapError, match=r"found an array of shape \(64, 64\), expected one 3D map"):
        local_scale(three_parts.volume[0], voxel_size=3.0)
    with pytest.raises(MapError, match="found an array of complex64, expected real numbers"):
        local_scale(three_parts.volume * 1j, voxel_size=3.0)
    with pytest.raises(MapError, match="got voxel_size -1.0, expected one positive number in Å"):
        local_scale(three_parts.volume, voxel_size=-1.0)
    with pytest.raises(SettingsError, match="got one mask, expected a sequence of masks"):
        local_scale(three_parts.volume, voxel_size=3.0, target_mask=three_parts.parts[0])
    with pytest.raises(MapError, match="<array target_mask 1>: the target mask has box 8 x 8 x 8 instead of"):
        mask = np.zeros((8, 8, 8))
        mask[2] = 1
        local_scale(three_parts.volume, voxel_size=3.0, target_mask=[mask])
    with pytest.raises(MapError, match="got voxel_size '3', expected one positive number in Å"):
        local_scale(three_parts.volume, voxel_size="3")
    with pytest.raises(SettingsError, match="threads: got 0, expected a whole number from 1"):
        amplify(three_parts.volume, voxel_size=3.0, threads=0)
    with pytest.raises(SettingsError, match="amplify: got '3', expected a number: > 1"):
        amplify(three_parts.volume, "3", voxel_size=3.0)
    with pytest.raises(SettingsError, match="amplify: got 0.5, expected > 1"):
        amplify(three_parts.volume, 0.5, voxel_size=3.0)


def test_a_file_is_never_taken_for_an_array_of_the_same_name(
    three_parts, phantom_file, write_mrc, monkeypatch, tmp_path
):
    small = np.zeros(three_parts.volume.shape, dtype=np.float32)
    small[30:34, 30:34, 30:34] = 1
    large = np.asarray(three_parts.parts[0], dtype=np.float32)
    monkeypatch.chdir(tmp_path)
    for name in ("solvent_def", "<array solvent_def>"):
        path = write_mrc(small, name, three_parts.voxel_size)
        found = local_scale(phantom_file, solvent_def=large, target_mask=[os.path.basename(path), large])
        assert [target.volume for target in found.targets] == [64 * 27.0, large.sum() * 27.0]


def test_numbers_of_numpy_are_settings_too(three_parts):
    expected = amplify(three_parts.volume, 2.0, voxel_size=3.0, kernel_size=5, max_box=32, lowpass=12.0, nlrc=True)
    found = amplify(
        three_parts.volume,
        np.float32(2),
        voxel_size=np.float32(3),
        kernel_size=np.int64(5),
        max_box=np.int32(32),
        lowpass=np.float32(12),
        nlrc=np.bool_(True),
        threads=np.int64(1),
    )
    np.testing.assert_array_equal(found.map, expected.map)


def test_a_map_that_was_read_before_can_be_given(phantom_file):
    source = read_map(phantom_file)
    np.testing.assert_array_equal(local_scale(source).scale, local_scale(phantom_file).scale)
    with pytest.raises(MapError, match="has a voxel size already, expected none; leave out voxel_size"):
        local_scale(source, voxel_size=3.0)


@pytest.mark.parametrize(
    "change", [np.float64, np.asfortranarray, lambda values: values[::-1], lambda values: values.tolist()]
)
def test_arrays_of_any_layout_are_taken(three_parts, change):
    volume = change(three_parts.volume)
    expected = local_scale(np.ascontiguousarray(volume, dtype=np.float32), voxel_size=3.0)
    np.testing.assert_array_equal(local_scale(volume, voxel_size=3.0).scale, expected.scale)


def test_arrays_with_values_that_do_not_count_are_refused(three_parts):
    with pytest.raises(MapError, match="found a masked array, expected all values; fill the masked values first"):
        local_scale(np.ma.masked_less(three_parts.volume, 0), voxel_size=3.0)
    with pytest.raises(MapError, match="values NaN or infinite"):
        local_scale(three_parts.volume.astype(np.float64) * 1e300, voxel_size=3.0)
    with pytest.raises(SettingsError, match="amplify: got None, expected a number"):
        amplify(three_parts.volume, None, voxel_size=3.0)
    with pytest.raises(SettingsError, match="target_mask: got None as a mask"):
        local_scale(three_parts.volume, voxel_size=3.0, target_mask=[None])


def test_results_can_be_pickled_and_compared_by_identity(three_parts):
    found = local_scale(three_parts.volume, voxel_size=3.0)
    copy = pickle.loads(pickle.dumps(found))
    assert found == found and found != copy and len({found, copy}) == 2
    np.testing.assert_array_equal(copy.scale, found.scale)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_types_of_the_arguments_can_be_resolved(function):
    assert typing.get_type_hints(function)["threads"] is int


@pytest.mark.parametrize("function", [local_scale, amplify, attenuate, sigmoid])
def test_inverted_maps_are_read_with_invert(three_parts, function):
    volume = -three_parts.volume
    found = function(volume, voxel_size=3.0, invert=True)
    expected = function(three_parts.volume, voxel_size=3.0)
    np.testing.assert_array_equal(found.scale, expected.scale)
    if function is not local_scale:
        np.testing.assert_array_equal(found.map, expected.map)
    np.testing.assert_array_equal(volume, -three_parts.volume)
