# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
import inspect

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
    assert second.path == "target_mask 1" and of_path.solvent_mean == of_array.solvent_mean
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
    with pytest.raises(MapError, match="found a voxel size of -1.0, expected a positive number"):
        local_scale(three_parts.volume, voxel_size=-1.0)
    with pytest.raises(SettingsError, match="got one mask, expected a sequence of masks"):
        local_scale(three_parts.volume, voxel_size=3.0, target_mask=three_parts.parts[0])
    with pytest.raises(MapError, match="target_mask 1: the target mask has box 8 x 8 x 8 instead of 64 x 64 x 64"):
        mask = np.zeros((8, 8, 8))
        mask[2] = 1
        local_scale(three_parts.volume, voxel_size=3.0, target_mask=[mask])
    with pytest.raises(MapError, match="got a voxel size of '3', expected a number in Å"):
        local_scale(three_parts.volume, voxel_size="3")
    with pytest.raises(SettingsError, match="threads: got 0, expected a whole number from 1"):
        amplify(three_parts.volume, voxel_size=3.0, threads=0)
    with pytest.raises(SettingsError, match="amplify: got '3', expected a number: > 1"):
        amplify(three_parts.volume, "3", voxel_size=3.0)
    with pytest.raises(SettingsError, match="amplify: got 0.5, expected > 1"):
        amplify(three_parts.volume, 0.5, voxel_size=3.0)
