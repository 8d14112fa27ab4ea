# SPDX-License-Identifier: GPL-3.0-or-later
import math
import threading
import time

import numpy as np
import pytest

from occupy_core.arrays import slabs
from occupy_core.arrays.slabs import cache_slabs, extremes, for_each, mean_where, select_values

SHAPES = [(40, 9, 7), (5, 300, 500), (1, 4, 4)]


@pytest.fixture(params=SHAPES)
def values(request):
    return np.random.default_rng(0).standard_normal(request.param).astype(np.float32)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_for_each_works_on_each_item_once_with_the_number_of_threads_asked_for(threads):
    done, workers = [], set()

    def work(item):
        workers.add(threading.get_ident())
        time.sleep(0.002)
        done.append(item)

    for_each(range(20), work, threads=threads)
    assert sorted(done) == list(range(20))
    assert threading.get_ident() in workers and len(workers) == threads
    for_each([], work, threads=threads)
    for_each(range(20, 22), work, threads=50)
    assert sorted(done) == list(range(22))


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_for_each_raises_the_first_exception_and_stops(threads, error):
    done = []

    def work(item):
        if item == 3:
            raise error("no")
        time.sleep(0.01)
        done.append(item)

    before = threading.active_count()
    with pytest.raises(error):
        for_each(range(1000), work, threads=threads)
    assert len(done) < 3 + 2 * threads and threading.active_count() == before


def test_for_each_ends_its_threads_before_it_raises_an_interrupt(monkeypatch):
    ended = threading.Event()

    def work(item):
        if item == "long":
            time.sleep(0.3)
            ended.set()
        else:
            raise_in_join.append(True)

    raise_in_join = []
    join = threading.Thread.join

    def interrupted(thread, *timeout):
        if raise_in_join:
            raise_in_join.clear()
            raise KeyboardInterrupt
        join(thread, *timeout)

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        for_each(["long", "short"], work, threads=2)
    assert ended.is_set()


def test_cache_slabs_cover_an_array_once(values):
    parts = cache_slabs(values.shape)
    assert np.array_equal(np.concatenate([values[slab] for slab in parts]), values)
    assert all(values[slab].size <= max(slabs._VALUES_PER_SLAB, values[0].size) for slab in parts)


@pytest.mark.parametrize("threads", [1, 3])
def test_extremes_are_equal_to_numpy_and_nan_if_a_value_is_nan(monkeypatch, values, threads):
    monkeypatch.setattr(slabs, "_VALUES_PER_SLAB", 500)
    assert extremes(values, threads=threads) == (float(values.min()), float(values.max()))
    values[-1, 2, 3] = math.nan
    assert all(math.isnan(value) for value in extremes(values, threads=threads))


@pytest.mark.parametrize("threads", [1, 3])
def test_mean_where_is_the_mean_of_numpy(monkeypatch, values, threads):
    monkeypatch.setattr(slabs, "_VALUES_PER_SLAB", 500)
    mask = values > 0.5
    mean = mean_where(values, mask, threads=threads)
    assert mean == pytest.approx(values.mean(where=mask, dtype=np.float64), rel=1e-12)


@pytest.mark.parametrize("threads", [1, 3])
def test_selected_values_are_in_the_order_of_the_array(monkeypatch, values, threads):
    monkeypatch.setattr(slabs, "_VALUES_PER_SLAB", 500)
    for limit in (0.5, 99.0):
        selected = select_values(values, lambda slab, limit=limit: values[slab] > limit, threads=threads)
        np.testing.assert_array_equal(selected, values[values > limit])
