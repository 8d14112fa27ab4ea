# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest

from occupy_core.maps.reading import read_map
from occupy_core.modify.factors import sigmoid
from occupy_core.modify.masks import attenuation_mask, sigmoid_mask, solvent_definition, subtraction_mask
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings

SCALE = np.linspace(0, 1, 101, dtype=np.float32)


@pytest.mark.parametrize("power", [1.5, 3.0, 7.0])
def test_attenuation_mask_is_a_power_of_the_scale(power):
    np.testing.assert_allclose(attenuation_mask(SCALE, power=power), SCALE.astype(float) ** (power - 1), rtol=1e-5)


@pytest.mark.parametrize("pivot", [0.01, 0.3, 0.99])
@pytest.mark.parametrize("power", [1.5, 4.0, 30.0])
def test_sigmoid_mask_is_the_factor_below_the_pivot_and_1_above(power, pivot):
    scale = np.concatenate([SCALE, np.float32([pivot, 1e-45, 1e-30])])
    mask = sigmoid_mask(scale, power=power, pivot=pivot)
    assert mask[0] == 0 and mask.min() >= 0
    assert np.all(mask[scale >= np.float32(pivot)] == 1)
    below = (scale < np.float32(pivot)) & (scale > 0)
    np.testing.assert_allclose(
        mask[below] * scale[below], sigmoid(scale[below], power=power, pivot=pivot), rtol=1e-5, atol=1e-37
    )
    rising = mask[:101]
    assert np.all(np.diff(rising) >= 0)


def test_subtraction_mask_holds_solvent_only_without_confidence():
    share, confidence = np.float32([1, 1, 0.5]), np.float32([0, 0.5, 1])
    np.testing.assert_array_equal(subtraction_mask(share.copy(), confidence), [0, 0.5, 0.5])
    np.testing.assert_array_equal(subtraction_mask(share, None), [1, 1, 0.5])


def test_solvent_definition_is_0_or_1():
    found = solvent_definition(SCALE, 0.25)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, SCALE > np.float32(0.25))


BOTH = Settings(attenuate=3.0, sigmoid=4.0, subtraction_mask=True)


@pytest.fixture
def source(phantom_file):
    return read_map(phantom_file)


@pytest.mark.parametrize("hedge", [1.0, 3.0])
def test_mask_times_input_is_the_modified_map_without_solvent(source, hedge):
    """Subtraction leaves the mask times the input: the modified map of these settings without solvent."""
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
def test_masks_lie_within_0_and_1_and_are_0_at_scale_0(source, box, more):
    result = process_map(source, dataclasses.replace(BOTH, max_box=box, solvent_threshold=0.2, **more))
    assert sorted(result.masks) == ["solvent_definition", "subtraction_mask_attenuated", "subtraction_mask_sigmoid"]
    for name, values in result.masks.items():
        assert values.shape == source.data.shape and values.dtype == np.float32, name
        assert values.min() >= 0 and values.max() <= 1, name
        assert np.all(values[result.scale == 0] == 0), name
    np.testing.assert_array_equal(result.masks["solvent_definition"], result.scale > np.float32(0.2))


def test_subtraction_masks_keep_the_fully_occupied_part(source, three_parts):
    result = process_map(source, BOTH)
    full, _, weak = three_parts.parts
    for name, values in result.masks.items():
        assert np.median(values[full]) > 0.9, name
        assert np.median(values[result.confidence == 0]) == 0, name
    assert np.median(result.masks["subtraction_mask_attenuated"][weak]) < 0.2


def test_subtraction_mask_without_confidence_follows_the_scale_alone(source):
    result = process_map(source, Settings(attenuate=3.0, subtraction_mask=True, omit_confidence=True))
    np.testing.assert_array_equal(result.masks["subtraction_mask_attenuated"], result.scale ** np.float32(2))


def test_only_requested_masks_are_made(source):
    assert process_map(source, Settings(attenuate=3.0)).masks == {}
    only = process_map(source, Settings(attenuate=3.0, amplify=2.0, subtraction_mask=True)).masks
    assert list(only) == ["subtraction_mask_attenuated"]


def test_masks_do_not_depend_on_the_grey_scale(source):
    settings = dataclasses.replace(BOTH, solvent_threshold=0.2)
    one = process_map(source, settings)
    other = process_map(dataclasses.replace(source, data=source.data * np.float32(1024)), settings)
    for name, values in one.masks.items():
        np.testing.assert_array_equal(values, other.masks[name], err_msg=name)


def test_constant_solvent_definition_gives_a_warning(source):
    def is_warned(threshold):
        warnings = process_map(source, Settings(solvent_threshold=threshold)).warnings
        return any("has no border" in text for text in warnings)

    assert is_warned(1.0) and not is_warned(0.2)


def test_solvent_definition_from_the_scale_can_be_used_in_the_next_run(source, write_mrc, three_parts):
    definition = process_map(source, Settings(solvent_threshold=0.15)).masks["solvent_definition"]
    inside = definition > 0.9
    assert all(inside[part].mean() > 0.9 for part in three_parts.parts)
    path = write_mrc(definition, "definition.mrc", three_parts.voxel_size)
    again, plain = process_map(source, Settings(solvent_def=path)), process_map(source, Settings())
    assert again.solvent.sigma == pytest.approx(plain.solvent.sigma, rel=0.1)
    assert again.solvent.sigma != plain.solvent.sigma
