# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest

from occupy_core import slabs

SHAPES = [(40, 9, 7), (5, 300, 500), (1, 4, 4)]


@pytest.fixture(params=SHAPES)
def values(request):
    return np.random.default_rng(0).standard_normal(request.param).astype(np.float32)


def test_handy_slabs_cover_an_array_once(values):
    found = slabs.handy_slabs(values.shape)
    assert np.array_equal(np.concatenate([values[slab] for slab in found]), values)
    assert all(values[slab].size <= max(slabs._VALUES, values[0].size) for slab in found)


@pytest.mark.parametrize("threads", [1, 3])
def test_extremes_are_numpys_and_nan_is_told(monkeypatch, values, threads):
    monkeypatch.setattr(slabs, "_VALUES", 500)
    assert slabs.extremes(values, threads=threads) == (float(values.min()), float(values.max()))
    values[-1, 2, 3] = math.nan
    assert all(math.isnan(value) for value in slabs.extremes(values, threads=threads))


@pytest.mark.parametrize("threads", [1, 3])
def test_mean_where_is_numpys(monkeypatch, values, threads):
    monkeypatch.setattr(slabs, "_VALUES", 500)
    where = values > 0.5
    found = slabs.mean_where(values, where, threads=threads)
    assert found == pytest.approx(values.mean(where=where, dtype=np.float64), rel=1e-12)


@pytest.mark.parametrize("threads", [1, 3])
def test_gathered_values_are_in_the_arrays_order(monkeypatch, values, threads):
    monkeypatch.setattr(slabs, "_VALUES", 500)
    for least in (0.5, 99.0):
        found = slabs.gathered(values, lambda slab, least=least: values[slab] > least, threads=threads)
        np.testing.assert_array_equal(found, values[values > least])
