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
def test_for_each_item_is_worked_on_once_by_no_more_threads_than_said(threads):
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
def test_for_each_raises_what_failed_and_goes_no_further(threads, error):
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


def test_an_interrupt_waits_for_the_other_threads(monkeypatch):
    ended = threading.Event()

    def work(item):
        if item == "long":
            time.sleep(0.3)
            ended.set()
        else:
            raise_in_join.append(True)

    raise_in_join = []
    join = threading.Thread.join

    def interrupted(thread, *more):
        if raise_in_join:
            raise_in_join.clear()
            raise KeyboardInterrupt
        join(thread, *more)

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        for_each(["long", "short"], work, threads=2)
    assert ended.is_set()


def test_handy_slabs_cover_an_array_once(values):
    found = cache_slabs(values.shape)
    assert np.array_equal(np.concatenate([values[slab] for slab in found]), values)
    assert all(values[slab].size <= max(slabs._VALUES, values[0].size) for slab in found)


@pytest.mark.parametrize("threads", [1, 3])
def test_extremes_are_numpys_and_nan_is_told(monkeypatch, values, threads):
    monkeypatch.setattr(slabs, "_VALUES", 500)
    assert extremes(values, threads=threads) == (float(values.min()), float(values.max()))
    values[-1, 2, 3] = math.nan
    assert all(math.isnan(value) for value in extremes(values, threads=threads))


@pytest.mark.parametrize("threads", [1, 3])
def test_mean_where_is_numpys(monkeypatch, values, threads):
    monkeypatch.setattr(slabs, "_VALUES", 500)
    where = values > 0.5
    found = mean_where(values, where, threads=threads)
    assert found == pytest.approx(values.mean(where=where, dtype=np.float64), rel=1e-12)


@pytest.mark.parametrize("threads", [1, 3])
def test_gathered_values_are_in_the_arrays_order(monkeypatch, values, threads):
    monkeypatch.setattr(slabs, "_VALUES", 500)
    for least in (0.5, 99.0):
        found = select_values(values, lambda slab, least=least: values[slab] > least, threads=threads)
        np.testing.assert_array_equal(found, values[values > least])
