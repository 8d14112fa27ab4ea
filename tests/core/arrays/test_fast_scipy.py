# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions that call scipy's compiled modules give the results of scipy's packages to the bit."""

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
from scipy.optimize import leastsq

from occupy_core.arrays import fast_scipy

SHAPES = [(8, 9, 10), (7, 64, 33), (2, 3, 5)]


@pytest.fixture(params=["compiled", "packages"])
def parts(request, monkeypatch):
    """Use scipy's compiled modules, or its packages as if the compiled modules did not exist."""
    if request.param == "packages":

        def not_found(*names):
            raise ImportError(".".join(names))

        monkeypatch.setattr(fast_scipy, "_compiled", not_found)
        monkeypatch.setattr(fast_scipy, "_fft", fast_scipy._transforms())
    assert (fast_scipy._fft is fast_scipy._PublicFft) == (request.param == "packages")
    return fast_scipy


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_transforms_are_equal_to_scipy(parts, shape, axis):
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


@pytest.mark.parametrize("shape", SHAPES)
def test_labels_are_equal_to_scipy(parts, shape):
    mask = noise(*shape) > 0.7
    labels, count = parts.label_parts(mask)
    expected, expected_count = scipy.ndimage.label(mask)
    assert count == expected_count
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_transforms_write_to_the_array_given(parts, shape, axis):
    whole = (noise(*shape) + 1j * noise(*shape, seed=1)).astype(np.complex64)
    part = whole[:, 1:, :-1]
    for function, expected in (
        (parts.fft, scipy.fft.fft(part, axis=axis)),
        (parts.ifft, scipy.fft.ifft(part, axis=axis, norm="forward")),
    ):
        given = whole.copy()
        view = given[:, 1:, :-1]
        assert function(view, axis=axis, overwrite=True) is view
        np.testing.assert_array_equal(view, expected)
        np.testing.assert_array_equal(given[:, 0], whole[:, 0])
    out = np.empty(shape, dtype=np.float32)
    waves = scipy.fft.rfft(noise(*shape), axis=axis)
    assert parts.irfft(waves, shape[axis], axis=axis, out=out) is out
    np.testing.assert_array_equal(out, scipy.fft.irfft(waves, shape[axis], axis=axis, norm="forward"))


@pytest.mark.parametrize("seed", range(20))
def test_least_squares_fit_is_equal_to_leastsq(parts, seed):
    rng = np.random.default_rng(seed)
    x, (height, mean, sigma) = np.linspace(0, 1, 200), rng.uniform(0.1, 1, 3)
    values = height * np.exp(-((x - mean) ** 2) / sigma**2) + 0.05 * rng.standard_normal(200)

    def residuals(found):
        return found[0] * np.exp(-((x - found[1]) ** 2) / found[2] ** 2) - values

    found, ending = parts.least_squares(residuals, (1.0, 0.5, 0.3))
    expected, expected_ending = leastsq(residuals, (1.0, 0.5, 0.3))
    np.testing.assert_array_equal(found, expected)
    assert ending == expected_ending
