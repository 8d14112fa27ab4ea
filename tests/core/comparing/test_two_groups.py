# SPDX-License-Identifier: GPL-3.0-or-later
"""The noise of a difference is told from the voxels that differ, whatever share of them does."""

import numpy as np
import pytest

from occupy_core.comparing.two_groups import find_peak, fit_constants, fit_two_groups


def differences(share, step, seed=0, sigma=0.1, count=6000):
    """Return noise, with a step added to a share of the voxels."""
    rng = np.random.default_rng(seed)
    values = sigma * rng.standard_normal(count)
    values[: int(share * count)] += step * rng.uniform(0.7, 1.3, int(share * count))
    return values.astype(np.float32)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.6])
def test_true_differences_do_not_count_as_noise(share):
    (fit,) = fit_constants(differences(share, 1.0)[None])
    # Differences of one size take some of the noise with them: limits.NOISE_MARGIN makes up for it.
    assert 0.1 / 1.5 < fit.sigma < 0.11
    assert fit.share < 1 - 0.8 * share + 0.01
    # The standard deviation of all values, and the median absolute deviation, would count them.
    if share >= 0.3:
        assert differences(share, 1.0).std() > 0.4


@pytest.mark.parametrize("share", [0.0, 0.2, 0.3])
def test_multiple_of_a_pattern_is_found_beside_true_differences(share):
    rng = np.random.default_rng(1)
    pattern = rng.standard_normal((6000, 2))
    values = differences(share, 1.0) + pattern @ [0.3, -0.2]
    fit = fit_two_groups(values.astype(np.float32), pattern)
    assert fit.coefficients == pytest.approx([0.3, -0.2], abs=0.02)
    assert fit.sigma == pytest.approx(0.1, rel=0.2)


def test_equal_maps_have_no_noise():
    (fit,) = fit_constants(np.zeros((1, 100), dtype=np.float32))
    assert (fit.sigma, fit.share) == (0.0, 1.0)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_width_of_the_peak_does_not_depend_on_the_rest(share):
    assert find_peak(differences(share, 1.0, count=50_000)).sigma == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_differences_that_are_not_finite_are_refused(value):
    with pytest.raises(ValueError, match="finite"):
        fit_constants(np.append(differences(0.3, 1.0), np.float32(value))[None])


def test_several_differences_are_fitted_as_if_alone():
    rows = [differences(0.0, 1.0), differences(0.3, 1.0, seed=2), np.zeros(6000), 0.4 + differences(0.5, 2.0, seed=3)]
    rows += rows[::-1]  # those that need the fewest steps come first, last and between
    together = fit_constants(np.array(rows))
    for row, fit in zip(rows, together):
        (alone,) = fit_constants(row[None])
        assert (fit.sigma, fit.share, *fit.coefficients) == pytest.approx(
            (alone.sigma, alone.share, *alone.coefficients), rel=1e-9, abs=1e-12
        )
