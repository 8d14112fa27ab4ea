# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken from scipy's compiled modules is what its packages give, to the bit."""

import numpy as np
import pytest
import scipy.fft
from scipy.optimize import leastsq

from occupy_core import scipy_parts

SHAPES = [(8, 9, 10), (7, 64, 33), (2, 3, 5)]


@pytest.fixture(params=["compiled", "packages"])
def parts(request, monkeypatch):
    """With the compiled modules, and where a version of scipy has them elsewhere."""
    if request.param == "packages":

        def nowhere(*names):
            raise ImportError(".".join(names))

        monkeypatch.setattr(scipy_parts, "_compiled", nowhere)
        monkeypatch.setattr(scipy_parts, "_fft", scipy_parts._transforms())
    assert (scipy_parts._fft is scipy_parts._PublicFft) == (request.param == "packages")
    return scipy_parts


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_transforms(parts, shape, axis):
    real, waves = noise(*shape), noise(*shape) + 1j * noise(*shape, seed=1)
    forward = parts.rfft(real, axis=axis)
    assert forward.dtype == np.complex64
    np.testing.assert_array_equal(forward, scipy.fft.rfft(real, axis=axis))
    length = shape[axis]
    for given in (forward, np.take(forward, range(forward.shape[axis] - 1), axis=axis)):
        expected = scipy.fft.irfft(given, length, axis=axis, norm="forward")
        np.testing.assert_array_equal(parts.irfft(given, length, axis=axis), expected)
    for overwrite in (False, True):
        given = waves.astype(np.complex64)
        np.testing.assert_array_equal(
            parts.fft(given.copy(), axis=axis, overwrite=overwrite), scipy.fft.fft(given, axis=axis)
        )
        np.testing.assert_array_equal(
            parts.ifft(given.copy(), axis=axis, overwrite=overwrite), scipy.fft.ifft(given, axis=axis, norm="forward")
        )


@pytest.mark.parametrize("seed", range(20))
def test_least_squares(parts, seed):
    rng = np.random.default_rng(seed)
    x, (height, mean, sigma) = np.linspace(0, 1, 200), rng.uniform(0.1, 1, 3)
    values = height * np.exp(-((x - mean) ** 2) / sigma**2) + 0.05 * rng.standard_normal(200)

    def residuals(found):
        return found[0] * np.exp(-((x - found[1]) ** 2) / found[2] ** 2) - values

    found, ending = parts.least_squares(residuals, (1.0, 0.5, 0.3))
    expected, expected_ending = leastsq(residuals, (1.0, 0.5, 0.3))
    np.testing.assert_array_equal(found, expected)
    assert ending == expected_ending
