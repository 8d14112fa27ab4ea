# SPDX-License-Identifier: GPL-3.0-or-later
"""Histograms of volumes, counted slab by slab on several threads: numpy's counts in a fraction of numpy's time."""

from __future__ import annotations

from typing import Callable, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.slabs import cache_slabs, for_each
from occupy_core.arrays.types import Floats, Mask, Volume

Counts = NDArray[np.int_]


class Bins:
    """Histogram bins of equal width.

    Parameters
    ----------
    count : int
        Number of bins.
    limits : tuple of float
        Lowest and highest value; the highest value belongs to the last bin.
    """

    def __init__(self, count: int, limits: Tuple[float, float]) -> None:
        self.count = count
        self._edges = np.histogram_bin_edges(np.empty(0, dtype=np.float32), count, limits).astype(np.float32)
        span = limits[1] - limits[0]
        self._lowest, self._bins_per_unit = self._edges[0], np.float32(count / span)
        # Distance from an edge, in bin widths, within which rounding to single precision may give the wrong bin.
        largest = max(abs(limits[0]), abs(limits[1]))
        rounding = 8 * float(np.finfo(np.float32).eps)
        self._edge_tolerance = np.float32(min(0.5, rounding * count * largest / span))

    def indices(self, values: Floats) -> Floats:
        """Return the bin number of each value, as whole numbers in float32, in which all steps are fastest.

        Parameters
        ----------
        values : float32 array
            Within the limits.

        Returns
        -------
        float32 array, 1D, in the order of `values.reshape(-1)`.
        """
        flat = values.reshape(-1)
        positions = (flat - self._lowest) * self._bins_per_unit
        bins = np.trunc(positions)
        positions -= bins
        positions -= np.float32(0.5)
        np.minimum(bins, np.float32(self.count - 1), out=bins)
        (near_edge,) = np.nonzero(np.abs(positions, out=positions) >= np.float32(0.5) - self._edge_tolerance)
        if len(near_edge):
            exact, values_near_edge = bins[near_edge].astype(np.intp), flat[near_edge]
            exact -= values_near_edge < self._edges.take(exact)
            exact += (values_near_edge >= self._edges.take(exact + 1)) & (exact < self.count - 1)
            bins[near_edge] = exact
        return bins


def count_bins(shape: Sequence[int], bins_of: Callable[[slice], Floats], count: int, *, threads: int) -> Counts:
    """Count how many values fall into each bin.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array of values.
    bins_of : callable
        Returns the bin numbers of the values in a slab of the first axis (a slice): 1D, whole numbers of any dtype.
    count : int
        Number of bins.
    threads : int
        Does not change the result.

    Returns
    -------
    int array of `count` elements.
    """
    slabs = cache_slabs(shape)
    of_slabs = np.empty((len(slabs), count), dtype=np.int64)

    def count_slab(number: int) -> None:
        of_slabs[number] = np.bincount(bins_of(slabs[number]).astype(np.intp), minlength=count)

    for_each(range(len(slabs)), count_slab, threads=threads)
    result: Counts = of_slabs.sum(axis=0)
    return result


def histograms(values: Volume, mask: Mask, bins: Bins, *, threads: int) -> Tuple[Counts, Counts]:
    """Compute the histogram of all values and of the values inside a mask, with the counts of `numpy.histogram`.

    Parameters
    ----------
    values : float32 array, 3D
        Within the limits of the bins.
    mask : bool array of the same shape
    bins : Bins
    threads : int
        Does not change the result.

    Returns
    -------
    all_counts, mask_counts : int arrays of `bins.count` elements
    """

    def bins_of(slab: slice) -> Floats:
        numbers = bins.indices(values[slab])
        # Values inside the mask go to a second set of bins.
        numbers += np.multiply(mask[slab].reshape(-1), np.float32(bins.count), dtype=np.float32)
        return numbers

    outside, inside = count_bins(values.shape, bins_of, 2 * bins.count, threads=threads).reshape(2, -1)
    return outside + inside, inside
