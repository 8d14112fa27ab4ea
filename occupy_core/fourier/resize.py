# SPDX-License-Identifier: GPL-3.0-or-later
"""Change of box: crop or pad a map in Fourier space, or take the nearest voxels."""

from __future__ import annotations

import math
from typing import Callable, Optional, Sequence, Tuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import SlabSink, Volume
from occupy_core.fourier.transforms import (
    Workspace,
    forward,
    inverse_along_z,
    inverse_sections_in_slabs,
)

_SHORTEST = 64

_Kind = TypeVar("_Kind", bound=np.generic)


def resize(volume: Volume, shape: Sequence[int], *, threads: int = 1) -> Volume:
    """Crop or pad a map in Fourier space to another box of the same size in Å.

    Parameters
    ----------
    volume : float32 array, 3D
    shape : three int
        The new box in voxels; voxel 0 stays where it is and values keep their grey scale.
    threads : int
        For the transforms; the result does not depend on it.

    Returns
    -------
    float32 array of the new shape.

    Notes
    -----
    Waves at or beyond the Nyquist frequency of the smaller box are dropped, so that the spectrum stays
    that of a real map and cropping what was padded gives it back.
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
    """`resize`, of which each slab is given away as it is made.

    Parameters
    ----------
    volume, shape, threads
        As of `resize`.
    sink : callable
        Takes, from several threads, a slab of the first axis and the map in it, which it may change.
    get_rows : callable, optional
        Gives what is resized where that is not the map itself, which then tells the shape alone: for a slice of rows
        (y), all that is in them.
    workspace : Room, optional
        To work in.
    """
    old, new = volume.shape, (int(shape[0]), int(shape[1]), int(shape[2]))
    counts = [(min(sides) + 1) // 2 for sides in zip(old, new)]
    waves = ((counts[0], counts[0] - 1), (counts[1], counts[1] - 1), (counts[2], 0))
    # The spectrum lies where its sections go: never are both in memory.
    wanted = [(new[0], 2 * counts[1] - 1, counts[2]), (2 * counts[0] - 1, old[1], counts[2])]
    sections, along_z = (workspace or Workspace()).arrays(wanted)
    spectrum = forward(
        volume, waves, threads=threads, get_rows=get_rows, out=sections[: 2 * counts[0] - 1], workspace=along_z
    )
    inverse_along_z(spectrum, waves, sections, factor=math.prod(new) / math.prod(old), threads=threads)
    inverse_sections_in_slabs(sections, waves, new, sink, threads=threads)


def cropped_shape(shape: Sequence[int], max_box: int) -> Tuple[int, int, int]:
    """The box to compute in: the longest side at most `max_box` voxels (0: no limit), the others in proportion.

    A thin box is cropped less, so that no side falls below `_SHORTEST` voxels (or `max_box`) and voxels stay cubes.
    """
    shortest, longest = min(shape), max(shape)
    factor = max(max_box / longest, min(1.0, min(_SHORTEST, max_box) / shortest)) if max_box else 1.0
    if factor >= 1:
        return (shape[0], shape[1], shape[2])
    z, y, x = (round(side * factor) for side in shape)
    return (z, y, x)


def sample_nearest(values: NDArray[_Kind], shape: Sequence[int]) -> NDArray[_Kind]:
    """The nearest values on the grid of another box of the same size in Å, for what has no meaning in between."""
    if values.shape == tuple(shape):
        return values
    for axis, (old, new) in enumerate(zip(values.shape, shape)):
        nearest = np.minimum((np.arange(new) * old + new // 2) // new, old - 1)
        values = values.take(nearest, axis)
    return values
