# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.modify.factors import amplification, apply_factor, attenuation, scaled_filler, sigmoid, sigmoid_factor

SCALE = np.linspace(0, 1, 101, dtype=np.float32)
LIMIT = 0.05


@pytest.mark.parametrize("power", [1.5, 3.0, 7.0])
def test_amplified_scale_is_a_root_and_attenuated_scale_a_power(power):
    inside = SCALE >= np.float32(LIMIT)
    amplified = SCALE * amplification(SCALE, power=power, scale_limit=LIMIT)
    attenuated = SCALE * attenuation(SCALE, power=power, scale_limit=LIMIT)
    np.testing.assert_allclose(amplified[inside], SCALE[inside] ** (1 / power), rtol=1e-5)
    np.testing.assert_allclose(attenuated[inside], SCALE[inside] ** power, rtol=1e-5)


@pytest.mark.parametrize("pivot", [0.01, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("power", [1.5, 4.0, 30.0])
def test_sigmoid_leaves_0_pivot_and_1_unchanged(power, pivot):
    fixed = np.array([0, pivot, 1], dtype=np.float32)
    np.testing.assert_allclose(sigmoid(fixed, power=power, pivot=pivot), fixed, rtol=2e-5, atol=1e-7)
    values = sigmoid(SCALE, power=power, pivot=pivot)
    assert np.all(np.diff(values) >= 0)
    assert np.all(values[SCALE < pivot * 0.99] <= SCALE[SCALE < pivot * 0.99])
    assert np.all(values[SCALE > pivot * 1.01] >= SCALE[SCALE > pivot * 1.01])


FACTORS = pytest.mark.parametrize(
    "factor",
    [
        lambda scale, limit: amplification(scale, power=3, scale_limit=limit),
        lambda scale, limit: attenuation(scale, power=3, scale_limit=limit),
        lambda scale, limit: sigmoid_factor(scale, power=4, pivot=0.3, scale_limit=limit),
    ],
)


@FACTORS
@pytest.mark.parametrize("limit", [0.0, 1e-30, 0.05, 1.0])
def test_factors_are_finite_and_1_at_scale_0_and_1(factor, limit):
    scale = np.concatenate([SCALE, np.array([1e-45, 1e-30], dtype=np.float32)])
    values = factor(scale, limit)
    assert np.all(np.isfinite(values)) and np.all(values >= 0)
    assert values[0] == 1 and values[100] == pytest.approx(1)
    assert limit < 1 or np.all(values == 1)


@FACTORS
@pytest.mark.parametrize("limit", [0.02, 0.05, 0.4])
def test_factors_approach_1_below_the_scale_limit_without_a_jump(factor, limit):
    scale = np.linspace(0, 1, 200001, dtype=np.float32)
    values = factor(scale, limit)
    # The published factor jumps at the limit: for amplify with power 3, at 0.05 from 1 to 7.4.
    assert np.abs(np.diff(values)).max() < 2e-3 * values.max()
    below = scale < np.float32(limit)
    at_limit = factor(np.float32([limit]), limit)[0]
    np.testing.assert_allclose(values[below], at_limit ** (scale[below].astype(float) / limit), rtol=2e-5)
    np.testing.assert_array_equal(values[~below], factor(scale, 0.0)[~below])


def test_sigmoid_factor_times_scale_is_the_sigmoid():
    factor = sigmoid_factor(SCALE, power=4, pivot=0.3, scale_limit=LIMIT)
    inside = SCALE >= np.float32(LIMIT)
    np.testing.assert_allclose((factor * SCALE)[inside], sigmoid(SCALE, power=4, pivot=0.3)[inside], rtol=1e-5)


def test_modified_map_is_blended_by_confidence():
    volume = np.full(3, 2, dtype=np.float32)
    factor = np.full(3, 5, dtype=np.float32)
    confidence = np.array([0, 0.5, 1], dtype=np.float32)
    np.testing.assert_allclose(apply_factor(volume, factor, confidence, exclude_solvent=False), [2, 6, 10])
    np.testing.assert_allclose(apply_factor(volume, factor, confidence, exclude_solvent=True), [0, 5, 10])
    np.testing.assert_allclose(apply_factor(volume, None, confidence, exclude_solvent=True), [0, 1, 2])
    np.testing.assert_allclose(apply_factor(volume, factor, None, exclude_solvent=False), [10, 10, 10])
    filler = np.ones(3, dtype=np.float32)
    filled = apply_factor(volume, factor, confidence, exclude_solvent=False, filler=filler)
    np.testing.assert_allclose(filled, [2, 6.5, 11])
    assert np.all(volume == 2)


def test_filler_noise_is_proportional_to_the_removed_density():
    factor = np.array([0, 0.25, 1, 1.5], dtype=np.float32)
    noise = np.array([2, -4, 5, 7], dtype=np.float32)
    np.testing.assert_array_equal(scaled_filler(noise, factor), [2, -3, 0, 0])
