# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.ndimage import maximum_filter

from occupy_core.arrays.neighbours import any_within, maximum_within

SHAPES = pytest.mark.parametrize("shape", [(9, 7, 12), (20, 3, 1), (2, 16, 5)])
REACHES = pytest.mark.parametrize("reach", [0, 1, 2, 3, 4, 7, 15])


@SHAPES
@REACHES
def test_dilation_is_equal_to_the_maximum_filter_of_scipy(shape, reach):
    values = np.random.default_rng(reach).random(shape) < 0.06
    assert values.any()
    before = values.copy()
    assert np.array_equal(any_within(values, reach), maximum_filter(values, 2 * reach + 1))
    assert np.array_equal(values, before)


@SHAPES
@REACHES
def test_maximum_is_equal_to_the_maximum_filter_of_scipy(shape, reach):
    values = np.random.default_rng(reach).standard_normal(shape).astype(np.float32)
    before = values.copy()
    for threads in (1, 3):
        found = maximum_within(values, reach, threads=threads)
        assert np.array_equal(found, maximum_filter(values, 2 * reach + 1))
    assert np.array_equal(values, before)
