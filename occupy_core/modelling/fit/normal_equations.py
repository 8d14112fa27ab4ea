# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of products of densities that each lie in a box of their own on the grid of a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Protocol, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.slabs import SECTIONS_PER_SLAB, for_each
from occupy_core.arrays.types import Floats, Volume
from occupy_core.modelling.fit.group_density import GroupDensity


@dataclass(frozen=True)
class Place:
    """The part of a group's box that lies within the map.

    Attributes
    ----------
    of_map, of_box : three slices
        This part as a part of the map, and of the box.
    """

    of_map: Tuple[slice, ...]
    of_box: Tuple[slice, ...]

    @classmethod
    def of(cls, density: GroupDensity, shape: Sequence[int]) -> Place:
        """Return the place of a group in a map of a shape; empty slices where they do not overlap."""
        starts = [min(max(first, 0), side) for first, side in zip(density.first, shape)]
        stops = [
            min(max(first + size, start), side)
            for first, size, start, side in zip(density.first, density.shape, starts, shape)
        ]
        in_map = tuple(slice(start, stop) for start, stop in zip(starts, stops))
        return cls(in_map, tuple(slice(s.start - f, s.stop - f) for s, f in zip(in_map, density.first)))


@dataclass(frozen=True)
class Equations:
    """Normal equations of columns that are fitted to a target; all products and sums are over weighted voxels.

    Attributes
    ----------
    matrix : float array (columns, columns)
        Products of the columns.
    vector : float array (columns)
        Their products with the target.
    sums : float array (columns)
        Their sums.
    """

    matrix: NDArray[np.float64]
    vector: NDArray[np.float64]
    sums: NDArray[np.float64]


class CommonColumns(Protocol):
    """Columns that cover the whole map, computed for one part of it at a time."""

    count: int

    def in_part(self, part: Tuple[slice, ...]) -> Floats:
        """Return the columns in a part of the map: float32 array (column, z, y, x)."""


def normal_equations(
    columns_of: Callable[[int], Sequence[Volume]],
    places: Sequence[Place],
    target: Volume,
    near: Volume,
    common: Optional[CommonColumns] = None,
    threads: int = 1,
) -> Equations:
    """Return the normal equations of columns that belong to groups, and of columns that all groups share.

    Parameters
    ----------
    columns_of : callable
        Returns the columns of a group, by its index: float32 arrays, 3D, in the group's box; equally many for each.
    places : sequence of Place
        The place of each group's box in the map.
    target, near : float32 arrays, 3D
        On the grid of the map; `near` is the weight of each voxel.
    common : CommonColumns, optional
    threads : int
        Does not change the result.

    Returns
    -------
    Equations
        The first column of each group, then the second of each, and so on, then the common columns.

    Notes
    -----
    Groups are taken in the order in which their boxes begin, and their columns are kept only as long as the box of a
    later group may overlap theirs: this saves most of the memory that all columns would need.
    """
    count = len(places)
    order = sorted(range(count), key=lambda number: places[number].of_map[0].start)
    kept: Dict[int, List[Volume]] = {}
    sums: Optional[_Sums] = None
    for first in range(0, count, threads):
        batch = order[first : first + threads]
        begins = places[batch[0]].of_map[0].start
        kept = {number: columns for number, columns in kept.items() if places[number].of_map[0].stop > begins}
        found: Dict[int, List[Volume]] = {}

        def compute(number: int, found: Dict[int, List[Volume]] = found) -> None:
            found[number] = [np.ascontiguousarray(column[places[number].of_box]) for column in columns_of(number)]

        for_each(batch, compute, threads=threads)
        sums = sums or _Sums(places, len(found[batch[0]]), target, near, common)
        for number in batch:
            kept[number] = found[number]
            sums.add(number, kept)
    sums = sums or _Sums(places, 0, target, near, common)
    if common is not None:
        sums.add_common(common)
    return sums.equations


class _Sums:
    """The equations while groups are added one by one."""

    def __init__(
        self, places: Sequence[Place], each: int, target: Volume, near: Volume, common: Optional[CommonColumns]
    ) -> None:
        self.places, self.target, self.near, self.common = places, target, near, common
        self.own = len(places) * each
        size = self.own + (common.count if common else 0)
        self.equations = Equations(np.zeros((size, size)), np.zeros(size), np.zeros(size))

    def add(self, number: int, kept: Dict[int, List[Volume]]) -> None:
        """Add a group: its products with itself, with the groups that are kept, with the target and common columns."""
        count, place = len(self.places), self.places[number]
        near, target = self.near[place.of_map], self.target[place.of_map]
        changes = self.common.in_part(place.of_map) if self.common else None
        for which, column in enumerate(kept[number]):
            index, weighted = which * count + number, column * near
            self.equations.vector[index] = dot(weighted, target)
            self.equations.sums[index] = weighted.sum(dtype=np.float64)
            for other, columns in kept.items():
                overlap = _overlap(place, self.places[other])
                if overlap is None:
                    continue
                here = weighted[_within(overlap, place)]
                for which_other, of_other in enumerate(columns):
                    there = which_other * count + other
                    if other != number or which_other >= which:
                        self._set(index, there, dot(here, of_other[_within(overlap, self.places[other])]))
            if changes is not None:
                for change, values in enumerate(changes.reshape(len(changes), -1) @ weighted.ravel()):
                    self._set(index, self.own + change, values)

    def add_common(self, common: CommonColumns) -> None:
        """Add the products of the common columns with each other and with the target, in slabs of the map."""
        every, equations = slice(self.own, None), self.equations
        for start in range(0, len(self.target), SECTIONS_PER_SLAB):
            slab = slice(start, min(start + SECTIONS_PER_SLAB, len(self.target)))
            part = (slab, *(slice(0, side) for side in self.target.shape[1:]))
            changes = common.in_part(part).reshape(common.count, -1)
            weighted = changes * self.near[slab].ravel()
            equations.matrix[every, every] += weighted @ changes.T
            equations.vector[every] += weighted @ self.target[slab].ravel()
            equations.sums[every] += weighted.sum(axis=1, dtype=np.float64)

    def _set(self, one: int, other: int, value: float) -> None:
        self.equations.matrix[one, other] = self.equations.matrix[other, one] = value


def _overlap(one: Place, other: Place) -> Optional[Tuple[slice, ...]]:
    """Return the part of the map that two boxes share; None if they share none."""
    both = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one.of_map, other.of_map))
    return both if all(part.start < part.stop for part in both) else None


def _within(part: Tuple[slice, ...], place: Place) -> Tuple[slice, ...]:
    """Return a part of the map as a part of the box that lies in the map."""
    return tuple(slice(p.start - own.start, p.stop - own.start) for p, own in zip(part, place.of_map))


def dot(one: Floats, other: Floats) -> float:
    """Return the sum of the products of two 3D arrays, in double precision."""
    return float(np.einsum("zyx,zyx->", one, other, dtype=np.float64))
