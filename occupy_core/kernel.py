# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel of the local scale: its size, its percentile tau, and the maximum over it."""

from __future__ import annotations

import math
from itertools import chain
from typing import Dict, Iterator, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.fourier import ROUNDING
from occupy_core.maps import Volume
from occupy_core.slabs import for_each, slabs_of

Image = NDArray[np.float32]

_LEAST_SECTIONS = 16  # for a thread, since those around them are worked on once more


def default_kernel_size(lowpass_angstrom: float, voxel_size: float) -> int:
    """Edge of the kernel's box in voxels: the largest odd number up to floor(lp/a) + 1, within 3..9."""
    return min(9, max(3, 2 * (math.floor(lowpass_angstrom / voxel_size * (1 + ROUNDING)) // 2) + 1))


def default_kernel_radius(lowpass_angstrom: float, voxel_size: float, *, is_occupancy: bool) -> float:
    """Radius of the kernel in voxels: half of the low-pass as published; for calibrated occupancies 5/16 of it, since a
    large kernel reaches into stronger neighbours, and at least one voxel."""
    if is_occupancy:
        return max(1.0, 5 / 16 * lowpass_angstrom / voxel_size)
    return lowpass_angstrom / (2 * voxel_size)


def ball(size: int, radius: float) -> NDArray[np.bool_]:
    """The voxels of a box of odd edge `size` whose distance to its centre is at most `radius` (voxels)."""
    distance = np.arange(size) - size // 2
    squared = distance[:, None, None] ** 2 + distance[:, None] ** 2 + distance**2
    return squared <= (radius * (1 + ROUNDING)) ** 2


def tau_of(voxels: int) -> float:
    """The percentile (a fraction) that the largest of `voxels` draws exceeds with a probability equal to itself.

    Notes
    -----
    The one root in (0, 1) of x^m + x - 1 = 0 (Forsberg et al. 2023).
    """
    root, found = math.inf, 1.0
    while found < root:  # Newton's steps: from 1 they only fall, as far as there are digits
        root = found
        found -= (root**voxels + root - 1) / (voxels * root ** (voxels - 1) + 1)
    return root


def ball_maximum(
    volume: Volume, kernel: NDArray[np.bool_], *, threads: int = 1, out: Optional[Volume] = None
) -> Volume:
    """The maximum of a map over a ball around each voxel.

    Parameters
    ----------
    volume : float32 array, 3D
    kernel : bool array
        A ball from `ball`.
    threads : int
        The result does not depend on it.
    out : float32 array of the same shape, optional
        Where the result goes; may be `volume` itself.

    Returns
    -------
    float32 array of the same shape.

    Notes
    -----
    Edges are mirrored (half-sample symmetric: d c b a | a b c d | d c b a). Equal to the bit to
    scipy.ndimage.maximum_filter with the kernel as footprint. A ball is a pile of discs and a disc a pile of lines: of
    each section the maxima over its discs are taken once, and go to all sections that they are a part of the ball of.
    """
    half = kernel.shape[0] // 2
    # How far the line reaches to both sides that is this many sections and rows off the centre; -1 where there is none.
    reaches = (kernel[half:, half:].sum(axis=2) - 1) // 2
    result = np.empty_like(volume) if out is None else out
    depth = volume.shape[0]
    mirrored = np.pad(np.arange(depth), half, mode="symmetric")
    slabs = slabs_of(depth, max(_LEAST_SECTIONS, math.ceil(depth / threads)))
    # Copies, since they may be overwritten before a slab beside them is done.
    around = {
        slab.start: (volume[mirrored[slab.start :][:half]], volume[mirrored[slab.stop + half :][:half]])
        for slab in slabs
    }

    def maximum_over(slab: slice) -> None:
        before, after = around[slab.start]
        unfinished: Dict[int, Image] = {}
        for place, section in enumerate(chain(before, volume[slab], after), slab.start - half):
            for distance, disc in _disc_maxima(np.pad(section, half, mode="symmetric"), reaches):
                for target in {place - distance, place + distance}:
                    if target in unfinished:
                        np.maximum(unfinished[target], disc, out=unfinished[target])
                    elif slab.start <= target < slab.stop:
                        unfinished[target] = disc.copy()
            if place - half in unfinished:
                result[place - half] = unfinished.pop(place - half)

    for_each(slabs, maximum_over, threads=threads)
    return result


def _disc_maxima(section: Image, reaches: NDArray[np.int_]) -> Iterator[Tuple[int, Image]]:
    """For each distance from the ball's centre, the farthest first, the maximum over the disc that lies there.

    `section` is padded by as much as the ball reaches. What is yielded is overwritten by the next.
    """
    half = len(reaches) - 1
    height, width = (side - 2 * half for side in section.shape)
    lines = [section[:, half : half + width]]
    for reach in range(1, int(reaches.max()) + 1):
        longer = np.maximum(lines[-1], section[:, half - reach : half - reach + width])
        lines.append(np.maximum(longer, section[:, half + reach : half + reach + width], out=longer))
    pairs: Dict[Tuple[int, int], Image] = {}
    disc: Optional[Image] = None
    shorter = np.full(half + 1, -1)
    for distance in range(half, -1, -1):
        # The disc before lies within this one: only lines that are longer here add to it.
        for row in np.flatnonzero(reaches[distance] > shorter):
            line, key = lines[reaches[distance, row]], (int(reaches[distance, row]), int(row))
            if key not in pairs:
                above, below = line[half - row : half - row + height], line[half + row : half + row + height]
                pairs[key] = np.maximum(above, below) if row else above
            disc = pairs[key].copy() if disc is None else np.maximum(disc, pairs[key], out=disc)
        shorter = reaches[distance]
        if disc is not None:
            yield distance, disc
