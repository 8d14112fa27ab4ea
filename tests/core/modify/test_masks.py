# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest

from occupy_core.maps.reading import read_map
from occupy_core.modify.factors import sigmoid
from occupy_core.modify.masks import kept_by_attenuation, kept_by_sigmoid, solvent_definition, subtraction_mask
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings

SCALE = np.linspace(0, 1, 101, dtype=np.float32)


@pytest.mark.parametrize("power", [1.5, 3.0, 7.0])
def test_attenuation_keeps_a_power_of_the_scale(power):
    np.testing.assert_allclose(kept_by_attenuation(SCALE, power=power), SCALE.astype(float) ** (power - 1), rtol=1e-5)


@pytest.mark.parametrize("pivot", [0.01, 0.3, 0.99])
@pytest.mark.parametrize("power", [1.5, 4.0, 30.0])
def test_the_sigmoid_keeps_its_factor_below_the_pivot_and_all_above(power, pivot):
    scale = np.concatenate([SCALE, np.float32([pivot, 1e-45, 1e-30])])
    kept = kept_by_sigmoid(scale, power=power, pivot=pivot)
    assert kept[0] == 0 and kept.min() >= 0
    assert np.all(kept[scale >= np.float32(pivot)] == 1)
    below = (scale < np.float32(pivot)) & (scale > 0)
    np.testing.assert_allclose(
        kept[below] * scale[below], sigmoid(scale[below], power=power, pivot=pivot), rtol=1e-5, atol=1e-37
    )
    rising = kept[:101]
    assert np.all(np.diff(rising) >= 0)


def test_solvent_is_kept_only_where_confidence_is_left_out():
    kept, confidence = np.float32([1, 1, 0.5]), np.float32([0, 0.5, 1])
    np.testing.assert_array_equal(subtraction_mask(kept.copy(), confidence), [0, 0.5, 0.5])
    np.testing.assert_array_equal(subtraction_mask(kept, None), [1, 1, 0.5])


def test_a_solvent_definition_is_0_and_1():
    found = solvent_definition(SCALE, 0.25)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, SCALE > np.float32(0.25))


BOTH = Settings(attenuate=3.0, sigmoid=4.0, subtraction_mask=True)


@pytest.fixture
def source(phantom_file):
    return read_map(phantom_file)


@pytest.mark.parametrize("hedge", [1.0, 3.0])
def test_mask_times_input_is_the_modified_map_without_solvent(source, hedge):
    """What remains after subtraction is the modified map of the same settings."""
    settings = dataclasses.replace(BOTH, exclude_solvent=True, hedge_confidence=hedge)
    result = process_map(source, settings)
    trusted = result.scale >= settings.scale_limit
    low, high = source.data.min(), source.data.max()
    for name, where in (("attenuated", trusted), ("sigmoid", trusted & (result.scale < settings.pivot))):
        left = np.clip(result.masks[f"subtraction_mask_{name}"] * source.data, low, high)
        assert where.sum() > 1000
        np.testing.assert_allclose(left[where], result.modified[name][where], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("box", [256, 48])
@pytest.mark.parametrize("more", [{}, {"nlrc": True}, {"normalisation": "calibrated"}, {"omit_confidence": True}])
def test_masks_lie_within_0_and_1_and_are_0_without_scale(source, box, more):
    result = process_map(source, dataclasses.replace(BOTH, max_box=box, solvent_threshold=0.2, **more))
    assert sorted(result.masks) == ["solvent_definition", "subtraction_mask_attenuated", "subtraction_mask_sigmoid"]
    for name, values in result.masks.items():
        assert values.shape == source.data.shape and values.dtype == np.float32, name
        assert values.min() >= 0 and values.max() <= 1, name
        assert np.all(values[result.scale == 0] == 0), name
    np.testing.assert_array_equal(result.masks["solvent_definition"], result.scale > np.float32(0.2))


def test_masks_keep_what_is_whole(source, three_parts):
    result = process_map(source, BOTH)
    whole, _, weak = three_parts.parts
    for name, values in result.masks.items():
        assert np.median(values[whole]) > 0.9, name
        assert np.median(values[result.confidence == 0]) == 0, name
    assert np.median(result.masks["subtraction_mask_attenuated"][weak]) < 0.2


def test_without_confidence_the_scale_alone_decides(source):
    result = process_map(source, Settings(attenuate=3.0, subtraction_mask=True, omit_confidence=True))
    np.testing.assert_array_equal(result.masks["subtraction_mask_attenuated"], result.scale ** np.float32(2))


def test_only_masks_that_were_asked_for_are_made(source):
    assert process_map(source, Settings(attenuate=3.0)).masks == {}
    only = process_map(source, Settings(attenuate=3.0, amplify=2.0, subtraction_mask=True)).masks
    assert list(only) == ["subtraction_mask_attenuated"]


def test_masks_do_not_depend_on_the_grey_scale(source):
    settings = dataclasses.replace(BOTH, solvent_threshold=0.2)
    one = process_map(source, settings)
    other = process_map(dataclasses.replace(source, data=source.data * np.float32(1024)), settings)
    for name, values in one.masks.items():
        np.testing.assert_array_equal(values, other.masks[name], err_msg=name)


def test_a_definition_that_defines_nothing_is_told(source):
    def told(threshold):
        warnings = process_map(source, Settings(solvent_threshold=threshold)).warnings
        return any("defines nothing" in text for text in warnings)

    assert told(1.0) and not told(0.2)


def test_a_definition_from_the_scale_is_one_for_the_next_run(source, write_mrc, three_parts):
    definition = process_map(source, Settings(solvent_threshold=0.15)).masks["solvent_definition"]
    inside = definition > 0.9
    assert all(inside[part].mean() > 0.9 for part in three_parts.parts)
    path = write_mrc(definition, "definition.mrc", three_parts.voxel_size)
    again, plain = process_map(source, Settings(solvent_def=path)), process_map(source, Settings())
    assert again.solvent.sigma == pytest.approx(plain.solvent.sigma, rel=0.1)
    assert again.solvent.sigma != plain.solvent.sigma
