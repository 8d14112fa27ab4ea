# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that work on an array slab by slab: a slab is small enough to stay in the processor's cache."""

from __future__ import annotations

import math
from threading import Lock, Thread
from typing import Any, Callable, Iterable, List, Sequence, Tuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Mask

SECTIONS_PER_SLAB = 8
# Few enough values to stay in the processor's cache, enough of them that threads seldom wait for each other.
_VALUES_PER_SLAB = 1 << 17
_Item = TypeVar("_Item")
_Kind = TypeVar("_Kind", bound=np.generic)


def for_each(items: Iterable[_Item], work: Callable[[_Item], object], *, threads: int = 1) -> None:
    """Call `work(item)` for each item on `threads` threads, the caller's included.

    The first exception, which may be an interrupt, stops the rest and is raised after all threads have ended.
    """
    remaining, lock = list(items)[::-1], Lock()
    failures: List[BaseException] = []

    def work_on_items() -> None:
        while not failures:
            with lock:
                if not remaining:
                    return
                item = remaining.pop()
            try:
                work(item)
            except BaseException as error:
                failures.append(error)

    # Plain threads instead of a pool: a map needs about 20 calls, all short, and a pool is slower to start and to use.
    others = [Thread(target=work_on_items) for _ in range(min(threads, len(remaining)) - 1)]
    for thread in others:
        thread.start()
    try:
        work_on_items()
        for thread in others:
            thread.join()
    except BaseException as error:  # an interrupt: no thread may go on working after this function has ended
        failures.append(error)
        for thread in others:
            thread.join()
    if failures:
        raise failures[0]


def for_slabs(
    length: int, work: Callable[[slice], object], *, threads: int = 1, sections: int = SECTIONS_PER_SLAB
) -> None:
    """Call `work(slab)` for each slab of an axis, on several threads; each call must write to its own slab only.

    Parameters
    ----------
    length : int
        Length of the axis.
    work : callable
        Receives the slab as a slice.
    threads : int
    sections : int
        Sections per slab.
    """
    for_each(slabs_of(length, sections), work, threads=threads)


def slabs_of(length: int, sections: int) -> List[slice]:
    """Divide an axis into slabs of a number of sections; the last slab may have fewer."""
    return [slice(start, min(start + sections, length)) for start in range(0, length, sections)]


def cache_slabs(shape: Sequence[int]) -> List[slice]:
    """Divide the first axis of an array into slabs that are small enough for the processor's cache."""
    return slabs_of(shape[0], max(1, _VALUES_PER_SLAB // math.prod(shape[1:])))


def extremes(values: NDArray[Any], *, threads: int = 1) -> Tuple[float, float]:
    """Return the lowest and the highest value of an array; both are NaN if a value is NaN."""
    slabs = cache_slabs(values.shape)
    of_slabs = np.empty((2, len(slabs)))

    def measure_slab(number: int) -> None:
        of_slabs[:, number] = values[slabs[number]].min(), values[slabs[number]].max()

    for_each(range(len(slabs)), measure_slab, threads=threads)
    return float(of_slabs[0].min()), float(of_slabs[1].max())


def mean_where(values: NDArray[Any], mask: Mask, *, threads: int = 1) -> float:
    """Return the mean of an array inside a mask, computed in double precision.

    Parameters
    ----------
    values : array
    mask : bool array of the same shape
        Must not be empty.
    threads : int
        Does not change the result.
    """
    slabs = cache_slabs(values.shape)
    sums = np.empty(len(slabs))

    def sum_slab(number: int) -> None:
        sums[number] = values[slabs[number]][mask[slabs[number]]].sum(dtype=np.float64)

    for_each(range(len(slabs)), sum_slab, threads=threads)
    return float(sums.sum() / np.count_nonzero(mask))


def select_values(values: NDArray[_Kind], mask_of: Callable[[slice], Mask], *, threads: int = 1) -> NDArray[_Kind]:
    """Return the values inside a mask that is computed slab by slab.

    Parameters
    ----------
    values : array
    mask_of : callable
        Returns the mask of a slab of the first axis.
    threads : int

    Returns
    -------
    1D array, in the order of `values[mask]`.
    """
    slabs = cache_slabs(values.shape)
    selected: List[NDArray[_Kind]] = [values[:0].reshape(-1)] * len(slabs)

    def select_in_slab(number: int) -> None:
        selected[number] = values[slabs[number]][mask_of(slabs[number])]

    for_each(range(len(slabs)), select_in_slab, threads=threads)
    return np.concatenate(selected)
