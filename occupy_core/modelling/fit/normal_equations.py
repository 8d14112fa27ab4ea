# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of products of densities that each lie in a box of their own on the grid of a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

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


def normal_equations(columns: Sequence[Volume], places: Sequence[Place], target: Volume, near: Volume) -> Equations:
    """Return the normal equations of columns.

    Parameters
    ----------
    columns : sequence of float32 arrays, 3D
        Each in its own box.
    places : sequence of Place
        The places of these boxes in the map.
    target, near : float32 arrays, 3D
        On the grid of the map; `near` is the weight of each voxel.
    """
    count = len(columns)
    matrix, vector, sums = np.zeros((count, count)), np.zeros(count), np.zeros(count)
    for i, (column, place) in enumerate(zip(columns, places)):
        weighted = column[place.of_box] * near[place.of_map]
        vector[i], sums[i] = dot(weighted, target[place.of_map]), weighted.sum(dtype=np.float64)
        for j in range(i, count):
            common = _overlap(place, places[j])
            if common is not None:
                matrix[i, j] = matrix[j, i] = dot(
                    weighted[tuple(slice(c.start - s.start, c.stop - s.start) for c, s in zip(common, place.of_map))],
                    columns[j][places[j].of_box][
                        tuple(slice(c.start - s.start, c.stop - s.start) for c, s in zip(common, places[j].of_map))
                    ],
                )
    return Equations(matrix, vector, sums)


def _overlap(one: Place, other: Place) -> Optional[Tuple[slice, ...]]:
    both = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one.of_map, other.of_map))
    return both if all(part.start < part.stop for part in both) else None


def dot(one: Floats, other: Floats) -> float:
    """Return the sum of the products of two 3D arrays, in double precision."""
    return float(np.einsum("zyx,zyx->", one, other, dtype=np.float64))
