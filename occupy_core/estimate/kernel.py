# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel of the local scale: its size, its percentile tau, and the maximum over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain, islice
from typing import Iterable, Iterator, List, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.slabs import for_each, slabs_of
from occupy_core.arrays.types import Image, Volume
from occupy_core.fourier.transforms import ROUNDING

_LEAST_SECTIONS = 16  # for a thread, since those around them are worked on once more
_PIECE = 1 << 17  # values; several such arrays stay in a processor's cache


def default_kernel_size(lowpass_angstrom: float, voxel_size: float) -> int:
    """Edge of the kernel's box in voxels: the largest odd number up to floor(lp/a) + 1, within 3..9."""
    return min(9, max(3, 2 * (math.floor(lowpass_angstrom / voxel_size * (1 + ROUNDING)) // 2) + 1))


def default_kernel_radius(lowpass_angstrom: float, voxel_size: float, *, is_occupancy: bool) -> float:
    """Radius of the kernel in voxels: half of the low-pass as published; for calibrated occupancies 5/16 of it, since a
    large kernel reaches into stronger neighbours, and at least one voxel."""
    if is_occupancy:
        return max(1.0, 5 / 16 * lowpass_angstrom / voxel_size)
    return lowpass_angstrom / (2 * voxel_size)


def ball_mask(size: int, radius: float) -> NDArray[np.bool_]:
    """The voxels of a box of odd edge `size` whose distance to its centre is at most `radius` (voxels)."""
    distance = np.arange(size) - size // 2
    squared = distance[:, None, None] ** 2 + distance[:, None] ** 2 + distance**2
    return squared <= (radius * (1 + ROUNDING)) ** 2


def solve_tau(voxels: int) -> float:
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
    discs = _discs_of(kernel)
    farthest = discs[0].distance
    result = np.empty_like(volume) if out is None else out
    depth = volume.shape[0]
    mirrored = np.pad(np.arange(depth), farthest, mode="symmetric")
    slabs = slabs_of(depth, max(_LEAST_SECTIONS, math.ceil(depth / threads)))
    # Copies, since they may be overwritten before a slab beside them is done.
    around = {
        slab.start: (volume[mirrored[slab.start :][:farthest]], volume[mirrored[slab.stop + farthest :][:farthest]])
        for slab in slabs
    }

    def maximum_over(slab: slice) -> None:
        before, after = around[slab.start]
        sections = chain(before, volume[slab], after)
        work = _Sections(volume.shape[1:], half, discs)
        place = slab.start - farthest
        while place < slab.stop + farthest:
            added = work.add(islice(sections, work.at_once), place)
            for finished in range(max(place - farthest, slab.start), place - farthest + added):
                result[finished] = work.maximum_of(finished)
            place += added

    for_each(slabs, maximum_over, threads=threads)
    return result


@dataclass(frozen=True)
class _Disc:
    """What lies at a distance from the ball's centre: the lines, as (how far they reach to both sides, rows off the
    centre), that the discs farther off have not."""

    distance: int
    lines: Tuple[Tuple[int, int], ...]


def _discs_of(kernel: NDArray[np.bool_]) -> List[_Disc]:
    """The discs that a ball is a pile of, the farthest first; each lies within the next."""
    half = kernel.shape[0] // 2
    reaches = (kernel[half:, half:].sum(axis=2) - 1) // 2  # -1 where there is no line
    shorter = np.full(half + 1, -1)
    discs: List[_Disc] = []
    for distance in range(half, -1, -1):
        longer = np.flatnonzero(reaches[distance] > shorter)
        if len(longer) or discs:
            discs.append(_Disc(distance, tuple((int(reaches[distance, row]), int(row)) for row in longer)))
        shorter = np.maximum(shorter, reaches[distance])
    return discs


class _Sections:
    """The maxima of one slab on their way: sections go in some at once, finished ones come out.

    Sections are padded by as much as the ball's box reaches and worked on as one row of numbers, in pieces that stay in
    the processor's cache and are long enough for threads not to wait for one another: what is so many rows and columns
    off is so many numbers off. What that gives in the padding means nothing.
    """

    def __init__(self, shape: Tuple[int, ...], half: int, discs: List[_Disc]) -> None:
        self._half, self._discs, self._farthest = half, discs, discs[0].distance
        self._mirrored = [np.pad(np.arange(side), half, mode="symmetric") for side in shape]
        height, self._row = (side + 2 * half for side in shape)
        self._plane = height * self._row
        self.at_once = max(1, _PIECE // self._plane)
        self._padded = np.zeros((self.at_once, height, self._row), dtype=np.float32)
        self._margin = half * self._row
        self._piece = self._row * max(1, min(_PIECE, self._padded.size) // self._row)
        longest = max(reach for disc in discs for reach, _ in disc.lines)
        self._lines = [np.zeros(self._piece + 2 * self._margin, dtype=np.float32) for _ in range(longest)]
        self._maximum = np.zeros(self._piece, dtype=np.float32)
        rounds = math.ceil((2 * self._farthest + self.at_once) / self.at_once)
        self._unfinished = np.zeros((rounds * self.at_once, self._plane), dtype=np.float32)

    def add(self, sections: Iterable[Image], place: int) -> int:
        """Let sections, the first at a place, count for all whose balls they are a part of; how many they were."""
        count = 0
        for section, padded in zip(sections, self._padded):
            self._pad(section, padded)
            count += 1
        length = count * self._plane - 2 * self._margin
        for start in range(0, length, self._piece):
            piece = slice(start, min(start + self._piece, length))
            for distance, disc in self._maxima(piece):
                # Those that are farthest on have had nothing yet.
                self._take(disc, place + distance, start + self._margin, is_first=distance == self._farthest)
                if distance:
                    self._take(disc, place - distance, start + self._margin, is_first=False)
        return count

    def maximum_of(self, place: int) -> Image:
        """The finished maximum of the section at a place."""
        whole = self._unfinished[place % len(self._unfinished)].reshape(-1, self._row)
        return whole[self._half : len(whole) - self._half, self._half : self._row - self._half]

    def _take(self, disc: Image, place: int, start: int, *, is_first: bool) -> None:
        """Let a disc count from a number on in the section at a place and those after it, which may begin anew at the
        first that there is room for."""
        room = self._unfinished.reshape(-1)
        begin = (place % len(self._unfinished)) * self._plane + start
        while len(disc):
            begin %= len(room)
            found = room[begin : begin + len(disc)]
            now, disc = disc[: len(found)], disc[len(found) :]
            if is_first:
                found[...] = now
            else:
                np.maximum(found, now, out=found)
            begin += len(found)

    def _pad(self, section: Image, padded: Image) -> None:
        half, (height, width), (rows, columns) = self._half, section.shape, self._mirrored
        padded[half : half + height, half : half + width] = section
        for edge in (slice(0, half), slice(half + width, None)):
            padded[half : half + height, edge] = section[:, columns[edge]]
        for edge in (slice(0, half), slice(half + height, None)):
            padded[edge] = padded[half + rows[edge]]

    def _maxima(self, piece: slice) -> Iterator[Tuple[int, Image]]:
        """Of a piece of the sections, from its margin on: for each disc its distance and the maximum over it. What is
        yielded is overwritten by the next."""
        length = piece.stop - piece.start
        lines = self._line_maxima(slice(piece.start, piece.stop + 2 * self._margin))
        maximum = self._maximum[:length]
        begun = False
        for disc in self._discs:
            for reach, row in disc.lines:
                first, last = self._margin - row * self._row, self._margin + row * self._row
                above, below = lines[reach][first : first + length], lines[reach][last : last + length]
                if begun:
                    np.maximum(maximum, above, out=maximum)
                    np.maximum(maximum, below, out=maximum)
                else:
                    np.maximum(above, below, out=maximum)
                    begun = True
            yield disc.distance, maximum

    def _line_maxima(self, piece: slice) -> List[Image]:
        """The maximum over lines that reach 0, 1, 2, … columns to both sides."""
        lines = [self._padded.reshape(-1)[piece]]
        for reach, room in enumerate(self._lines, start=1):
            shorter, line = lines[-1], room[: len(lines[0])]
            # Two lines that are shorter by one make a line, but for the voxel between two voxels.
            np.maximum(shorter[:-2], shorter[2:], out=line[1:-1])
            lines.append(np.maximum(line, shorter, out=line) if reach == 1 else line)
        return lines
