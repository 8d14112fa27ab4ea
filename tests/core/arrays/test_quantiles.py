# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.arrays.quantiles import median, percentiles


@pytest.fixture(params=["normal", "sorted", "mostly zero", "constant", "periodic"])
def values(request):
    values = np.random.default_rng(0).standard_normal(1 << 18).astype(np.float32)
    return {
        "normal": values,
        "sorted": np.sort(values),
        "mostly zero": np.where(values > 1, values, np.float32(0)),
        "constant": np.ones_like(values),
        # A regular sample contains only the highest value.
        "periodic": np.where(np.arange(len(values)) % 64 == 0, np.float32(9), values),
    }[request.param]


@pytest.mark.parametrize("count", [1, 2, 1001, (1 << 18) - 1, 1 << 18])
def test_median_and_percentiles_are_equal_to_numpy(values, count):
    values = values[:count]
    before = values.copy()
    assert median(values) == np.median(values)
    percents = (0, 0.1, 5, 25, 50, 80, 99.9, 100)
    assert percentiles(values, percents) == np.percentile(values, percents).tolist()
    np.testing.assert_array_equal(values, before)
