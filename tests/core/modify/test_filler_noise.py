# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from occupy_core.fourier.shells import noise_with_spectrum, radial_power
from occupy_core.modify.filler_noise import pure_solvent, solvent_noise


@pytest.fixture(scope="module")
def red():
    """Noise of mean 0.5 and standard deviation 2, stronger at long waves than at short ones."""
    noise = gaussian_filter(np.random.default_rng(5).standard_normal((48, 40, 44)), 1.0)
    return (0.5 + 2 * noise / noise.std()).astype(np.float32)


@pytest.fixture(scope="module")
def half(red):
    """A solvent region: the box without a block in its middle."""
    region = np.ones(red.shape, dtype=bool)
    region[16:32, 10:30, 12:32] = False
    return region


def make_noise(volume, region, **options):
    return solvent_noise(volume, region, **{"mean": 0.5, "sigma": 1.0, "seed": 7, **options})


def test_filler_noise_has_the_spectrum_of_the_solvent(red, half):
    holed = np.where(half, red, np.float32(20))  # other voxels do not count
    noise = make_noise(holed, half)
    assert noise.dtype == np.float32 and noise.shape == red.shape
    assert noise.mean() == pytest.approx(0.5, abs=1e-3)
    assert noise.std() == pytest.approx(2, rel=0.03)
    # Compare bands of shells, because a single shell of long waves has few waves.
    edges = [3, 6, 9, 12, 15, 18]
    power, expected = (radial_power(values - np.float32(0.5)) for values in (noise, red))
    for low, high in zip(edges, edges[1:]):
        assert power[low:high].sum() == pytest.approx(expected[low:high].sum(), rel=0.25), low
    assert expected[3] > 20 * expected[15]


def test_filler_noise_depends_on_the_seed_and_not_on_threads(red, half):
    one = make_noise(red, half)
    np.testing.assert_array_equal(one, make_noise(red, half, threads=2))
    assert np.any(one != make_noise(red, half, seed=8))


def test_filler_noise_follows_the_grey_scale(red, half):
    larger = make_noise(red * np.float32(1024), half, mean=0.5 * 1024)
    np.testing.assert_array_equal(larger, make_noise(red, half) * np.float32(1024))


@pytest.mark.parametrize("exponent", [-80, 60])
def test_filler_noise_follows_very_small_and_very_large_grey_scales(exponent, red, half):
    factor = np.float32(2.0**exponent)
    noise = make_noise(red * factor, half, mean=0.5 * 2.0**exponent, sigma=2.0**exponent) / factor
    np.testing.assert_allclose(noise, make_noise(red, half), rtol=1e-5, atol=1e-6)


def test_filler_noise_is_white_without_solvent(red):
    noise = make_noise(red, np.zeros(red.shape, dtype=bool))
    assert (noise.mean(), noise.std()) == pytest.approx((0.5, 1.0), abs=0.02)
    power = radial_power(noise)
    assert power[3:8].mean() == pytest.approx(power[12:18].mean(), rel=0.2)


def test_pure_solvent_is_away_from_the_molecule():
    confidence = np.zeros((9, 9, 9), dtype=np.float32)
    confidence[4, 4, 4] = 1
    region = np.ones(confidence.shape, dtype=bool)
    region[0] = False
    found = pure_solvent(region, confidence, reach=2)
    expected = region.copy()
    expected[2:7, 2:7, 2:7] = False
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(32, 32, 32), (31, 40, 24)])
def test_radial_power_of_white_noise_is_its_variance(shape):
    white = np.random.default_rng(0).normal(0, 3, shape).astype(np.float32)
    power = radial_power(white)
    assert power[0] == 0
    np.testing.assert_allclose(power[4 : max(shape) // 2], 9, rtol=0.35)
    assert power[4 : max(shape) // 2].mean() == pytest.approx(9, rel=0.05)


def test_shaped_noise_has_the_requested_power():
    requested = 1 / (1 + np.arange(80.0)) ** 2
    noise = noise_with_spectrum(np.random.default_rng(0).standard_normal((40, 40, 40)).astype(np.float32), requested)
    found = radial_power(noise)
    np.testing.assert_allclose(found[5:20], requested[5:20], rtol=0.3)
