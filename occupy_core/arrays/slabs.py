# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in threads, on arrays a few sections at a time: what a slab needs stays in the processor's cache."""

from __future__ import annotations

import math
from threading import Lock, Thread
from typing import Any, Callable, Iterable, List, Sequence, Tuple, TypeVar

import numpy as np
from numpy.typing import NDArray

SECTIONS = 8
# In arrays of so many a thread works long enough not to wait for others, and they stay in the processor's cache.
_VALUES = 1 << 17
_Item = TypeVar("_Item")
_Kind = TypeVar("_Kind", bound=np.generic)


def for_each(items: Iterable[_Item], work: Callable[[_Item], object], *, threads: int = 1) -> None:
    """Call `work` with every item, in threads, of which the one that calls this is one; after a failure, which is
    raised, with no further."""
    waiting, lock = list(items)[::-1], Lock()
    failures: List[BaseException] = []

    def take_some() -> None:
        while not failures:
            with lock:
                if not waiting:
                    return
                item = waiting.pop()
            try:
                work(item)
            except BaseException as error:
                failures.append(error)

    # Not a pool: a map takes some 20 calls, each of them short, and a pool takes longer to be had and to be told.
    others = [Thread(target=take_some) for _ in range(min(threads, len(waiting)) - 1)]
    for thread in others:
        thread.start()
    try:
        take_some()
        for thread in others:
            thread.join()
    except BaseException as error:  # an interrupt: nobody goes on behind the back of what comes after
        failures.append(error)
        for thread in others:
            thread.join()
    if failures:
        raise failures[0]


def for_slabs(length: int, work: Callable[[slice], object], *, threads: int = 1, sections: int = SECTIONS) -> None:
    """Call `work` with every slab of an axis, in threads; each call must write to its own slab alone.

    Parameters
    ----------
    length : int
        Of the axis.
    work : callable
        Takes the slab as a slice.
    threads : int
    sections : int
        In a slab.
    """
    for_each(slabs_of(length, sections), work, threads=threads)


def slabs_of(length: int, sections: int) -> List[slice]:
    """The slabs of an axis."""
    return [slice(start, min(start + sections, length)) for start in range(0, length, sections)]


def cache_slabs(shape: Sequence[int]) -> List[slice]:
    """Slabs of an array that hold as many values as are best worked on at once, whatever its box."""
    return slabs_of(shape[0], max(1, _VALUES // math.prod(shape[1:])))


def extremes(values: NDArray[Any], *, threads: int = 1) -> Tuple[float, float]:
    """The lowest and the highest value of an array; NaN where one of them is."""
    slabs = cache_slabs(values.shape)
    found = np.empty((2, len(slabs)))

    def look(number: int) -> None:
        found[:, number] = values[slabs[number]].min(), values[slabs[number]].max()

    for_each(range(len(slabs)), look, threads=threads)
    return float(found[0].min()), float(found[1].max())


def mean_where(values: NDArray[Any], where: NDArray[np.bool_], *, threads: int = 1) -> float:
    """The mean of an array where a mask is set, which it is somewhere, in double precision."""
    slabs = cache_slabs(values.shape)
    totals = np.empty(len(slabs))

    def add_up(number: int) -> None:
        totals[number] = values[slabs[number]][where[slabs[number]]].sum(dtype=np.float64)

    for_each(range(len(slabs)), add_up, threads=threads)
    return float(totals.sum() / np.count_nonzero(where))


def select_values(
    values: NDArray[_Kind], chosen: Callable[[slice], NDArray[np.bool_]], *, threads: int = 1
) -> NDArray[_Kind]:
    """The values at chosen voxels, one after the other; `chosen` tells them for a slab of the first axis."""
    slabs = cache_slabs(values.shape)
    found: List[NDArray[_Kind]] = [values[:0].reshape(-1)] * len(slabs)

    def pick(number: int) -> None:
        found[number] = values[slabs[number]][chosen(slabs[number])]

    for_each(range(len(slabs)), pick, threads=threads)
    return np.concatenate(found)
