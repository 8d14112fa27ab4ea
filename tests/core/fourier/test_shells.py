# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import scipy.fft

from occupy_core.fourier.shells import noise_with_spectrum, power_in_shells, radial_power

SHAPES = [(16, 16, 16), (15, 15, 15), (21, 16, 25), (16, 22, 17), (30, 11, 8)]


def noise(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def radii_of(shape):
    """Return the radius of each Fourier component of `scipy.fft.rfftn`, in Fourier pixels of the longest side."""
    z, y, x = (scipy.fft.fftfreq(side, 1 / max(shape)) for side in shape)
    return np.sqrt(np.round(z[:, None, None] ** 2 + y[:, None] ** 2 + x[: shape[2] // 2 + 1] ** 2, 6))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_power_is_the_mean_over_all_components_of_a_shell(shape, threads):
    volume = noise(shape)
    shells = np.rint(radii_of(shape).astype(np.float32)).astype(int).ravel()
    power = np.bincount(shells, np.abs(scipy.fft.rfftn(volume)).ravel().astype(float) ** 2)
    counts = np.bincount(shells)
    found = radial_power(volume, threads=threads)
    np.testing.assert_allclose(found[1 : len(power)], (power / counts)[1:] / volume.size, rtol=1e-6)
    assert found[0] == 0 and not found[len(power) :].any()
    totals, numbers = power_in_shells(volume, max(shape), shells_per_pixel=1, threads=threads)
    np.testing.assert_array_equal(numbers[1 : len(counts)], counts[1:])
    np.testing.assert_array_equal(totals / np.maximum(numbers, 1) / volume.size, found)


@pytest.mark.parametrize("shape", SHAPES)
def test_shells_within_the_radius_are_complete(shape):
    volume, radius = noise(shape), max(shape) // 3
    complete, limited = (power_in_shells(volume, limit, shells_per_pixel=2) for limit in (max(shape), radius))
    for found, expected in zip(limited, complete):
        np.testing.assert_allclose(found[: 2 * radius - 1], expected[: 2 * radius - 1], rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_has_the_power_spectrum_given(shape):
    white, power = noise(shape), 1 / (1 + np.arange(2.0 * max(shape)))
    spectrum = scipy.fft.rfftn(white) * np.interp(radii_of(shape), np.arange(len(power)), np.sqrt(power))
    expected = scipy.fft.irfftn(spectrum, shape) + 3
    for threads in (1, 3):
        np.testing.assert_allclose(
            noise_with_spectrum(white.copy(), power, mean=3, threads=threads), expected, atol=2e-6
        )
    first, second = (noise_with_spectrum(white.copy(), power, mean=3, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(first, second)
