# SPDX-License-Identifier: GPL-3.0-or-later
"""Change of box at constant size in Å: Fourier cropping and padding, or nearest voxels."""

from __future__ import annotations

import math
from typing import Callable, Optional, Sequence, Tuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import SlabSink, Volume
from occupy_core.fourier.transforms import (
    Workspace,
    band_below_nyquist,
    forward,
    inverse_along_z,
    inverse_sections_in_slabs,
)

_SHORTEST_SIDE = 64  # voxels

_Kind = TypeVar("_Kind", bound=np.generic)


def resize(volume: Volume, shape: Sequence[int], *, threads: int = 1) -> Volume:
    """Crop or pad a map in Fourier space to another box of the same size in Å.

    Parameters
    ----------
    volume : float32 array, 3D
    shape : three int
        New box, voxels. Voxel 0 keeps its position, and values keep their grey scale.
    threads : int
        Does not change the result.

    Returns
    -------
    float32 array of the new shape.

    Notes
    -----
    Fourier components at or beyond the Nyquist frequency of the smaller box are dropped: the spectrum stays that of a
    real map, and cropping a padded map returns the original map.
    """
    result = np.empty(tuple(shape), dtype=np.float32)
    resize_in_slabs(volume, shape, result.__setitem__, threads=threads)
    return result


def resize_in_slabs(
    volume: Volume,
    shape: Sequence[int],
    sink: SlabSink,
    *,
    get_rows: Optional[Callable[[slice], Volume]] = None,
    workspace: Optional[Workspace] = None,
    threads: int = 1,
) -> None:
    """Crop or pad a map as `resize` does, and send the result to `sink`, slab by slab.

    Parameters
    ----------
    volume, shape, threads
        As in `resize`.
    sink : SlabSink
        Called on several threads; may change the values that it receives.
    get_rows : callable, optional
        Returns the values to resize for a slice of y, an array (z, y, x). If set, it replaces the values of `volume`,
        which then gives only the shape.
    workspace : Workspace, optional
        Memory to reuse.
    """
    old, new = volume.shape, (int(shape[0]), int(shape[1]), int(shape[2]))
    band = band_below_nyquist(old, new)
    depth, height, columns = (positive + negative for positive, negative in band)
    # The spectrum shares memory with the spectra of the sections, which replace it.
    shapes = [(new[0], height, columns), (depth, old[1], columns)]
    sections, along_x_and_z = (workspace or Workspace()).arrays(shapes)
    spectrum = forward(volume, band, threads=threads, get_rows=get_rows, out=sections[:depth], workspace=along_x_and_z)
    inverse_along_z(spectrum, band, sections, factor=math.prod(new) / math.prod(old), threads=threads)
    inverse_sections_in_slabs(sections, band, new, sink, threads=threads)


def cropped_shape(shape: Sequence[int], max_box: int) -> Tuple[int, int, int]:
    """Return the working box for a map: the longest side at most `max_box` voxels, the others in proportion.

    A thin box is cropped less, so that no side is cropped to fewer than 64 voxels (or `max_box`, if smaller) and voxels
    stay cubes. With `max_box` 0 there is no limit.

    Parameters
    ----------
    shape : three int
        Box of the map, voxels.
    max_box : int
        Voxels.
    """
    shortest, longest = min(shape), max(shape)
    factor = max(max_box / longest, min(1.0, min(_SHORTEST_SIDE, max_box) / shortest)) if max_box else 1.0
    if factor >= 1:
        return (shape[0], shape[1], shape[2])
    z, y, x = (round(side * factor) for side in shape)
    return (z, y, x)


def sample_nearest(values: NDArray[_Kind], shape: Sequence[int]) -> NDArray[_Kind]:
    """Sample an array at the nearest voxels of another box of the same size in Å.

    For arrays that must not be interpolated, such as masks and labels.

    Parameters
    ----------
    values : array, 3D
    shape : three int
        New box, voxels.

    Returns
    -------
    array of the new shape; `values` itself if the shape is unchanged.
    """
    if values.shape == tuple(shape):
        return values
    for axis, (old, new) in enumerate(zip(values.shape, shape)):
        nearest = np.minimum((np.arange(new) * old + new // 2) // new, old - 1)
        values = values.take(nearest, axis)
    return values
