# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel of the local scale: its size, its percentile tau, and the kernel maximum.

How `ball_maximum` works. A ball is a stack of layers along z, and each layer is a stack of lines along x. A layer lies
inside every layer that is nearer to the ball's centre. The sections of the map are therefore added one after the
other, and for each section:

1. Line maxima: for the half-widths 0, 1, 2, ... compute the maximum over the line of that half-width around each
   voxel. Each half-width follows from the one before.
2. Layer maxima: go from the outermost layer of the ball to the middle one, and join the line maxima of the lines that
   the layers so far lack. One array is enough, because the layers lie inside each other.
3. The maximum over the layer at the distance d from the centre counts for two sections of the result: d sections
   before and d sections after the added one. Join it to both; unfinished sections wait in a ring buffer.
4. A section of the result is finished when all sections that the ball reaches have been added.

Sections are padded by mirrored edges, and a batch of padded sections is treated as one long row of values. A step of
some rows and columns is then one step in this row. Results in the padding have no meaning and are never read. The row
is processed in pieces that fit the processor's cache. Each thread works on a slab of sections.
"""

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

# Radius of the kernel for calibrated occupancies, as a share of the low-pass: 2.5 Å at 8 Å. Chosen on simulated
# complexes (docs/accuracy.md): a larger kernel reaches into stronger neighbours. The published radius is 1/2.
_OCCUPANCY_RADIUS = 5 / 16
_MIN_SECTIONS = 16  # sections in the slab of a thread: in thinner slabs too many sections are processed twice
_PIECE_VALUES = 1 << 17  # values in a piece; several arrays of this size fit the processor's cache


def default_kernel_size(lowpass_angstrom: float, voxel_size: float) -> int:
    """Compute the edge of the kernel's box in voxels: the largest odd number up to floor(lp/a) + 1, within 3..9.

    lp is the low-pass and a the voxel size, both in Å (Forsberg et al. 2023).
    """
    return min(9, max(3, 2 * (math.floor(lowpass_angstrom / voxel_size * (1 + ROUNDING)) // 2) + 1))


def default_kernel_radius(lowpass_angstrom: float, voxel_size: float, *, reads_occupancy: bool) -> float:
    """Compute the radius of the kernel in voxels.

    Parameters
    ----------
    lowpass_angstrom, voxel_size : float
        Cutoff of the low-pass and edge of a voxel, Å.
    reads_occupancy : bool
        Whether the scale is a calibrated occupancy: the radius is then 5/16 of the low-pass and at least one voxel,
        because a large kernel reaches into stronger neighbours. Otherwise it is half of the low-pass, as published.
    """
    if reads_occupancy:
        return max(1.0, _OCCUPANCY_RADIUS * lowpass_angstrom / voxel_size)
    return lowpass_angstrom / (2 * voxel_size)


def ball_mask(size: int, radius: float) -> NDArray[np.bool_]:
    """Return the kernel: the voxels of a cubic box of odd edge `size` within `radius` voxels of its centre."""
    distance = np.arange(size) - size // 2
    squared = distance[:, None, None] ** 2 + distance[:, None] ** 2 + distance**2
    return squared <= (radius * (1 + ROUNDING)) ** 2


def solve_tau(voxels: int) -> float:
    """Compute tau for a kernel of this many voxels.

    Returns
    -------
    float
        The percentile, as a fraction, that the largest of `voxels` random values exceeds with a probability equal to
        the percentile itself.

    Notes
    -----
    Tau is the one root in (0, 1) of x^m + x - 1 = 0, m = `voxels` (Forsberg et al. 2023).
    """
    root, next_root = math.inf, 1.0
    while next_root < root:  # Newton's method from 1: the root decreases until rounding stops it
        root = next_root
        next_root -= (root**voxels + root - 1) / (voxels * root ** (voxels - 1) + 1)
    return root


def ball_maximum(
    volume: Volume, kernel: NDArray[np.bool_], *, threads: int = 1, out: Optional[Volume] = None
) -> Volume:
    """Compute the kernel maximum: the maximum of a map over the kernel around each voxel.

    Parameters
    ----------
    volume : float32 array, 3D
        The map.
    kernel : bool array, 3D
        A ball from `ball_mask`.
    threads : int
        Number of threads; the result does not depend on it.
    out : float32 array of the shape of `volume`, optional
        Array for the result; may be `volume` itself.

    Returns
    -------
    float32 array of the shape of `volume`, in the map's grey scale.

    Notes
    -----
    Edges are mirrored (half-sample symmetric: d c b a | a b c d | d c b a). Equal to the bit to
    scipy.ndimage.maximum_filter with the kernel as footprint. The module's docstring explains the algorithm.
    """
    half_edge = kernel.shape[0] // 2
    layers = _layers_of(kernel)
    reach = layers[0].distance
    result = np.empty_like(volume) if out is None else out
    depth = volume.shape[0]
    mirrored = np.pad(np.arange(depth), reach, mode="symmetric")
    slabs = slabs_of(depth, max(_MIN_SECTIONS, math.ceil(depth / threads)))
    # Copies of the sections before and after each slab: with `out`, another thread may overwrite these sections.
    neighbours = {
        slab.start: (volume[mirrored[slab.start :][:reach]], volume[mirrored[slab.stop + reach :][:reach]])
        for slab in slabs
    }

    def maximum_over(slab: slice) -> None:
        before, after = neighbours[slab.start]
        sections = chain(before, volume[slab], after)
        maxima = _SlabMaxima(volume.shape[1:], half_edge, layers)
        index = slab.start - reach
        while index < slab.stop + reach:
            added = maxima.add(islice(sections, maxima.batch_size), index)
            for finished in range(max(index - reach, slab.start), index - reach + added):
                result[finished] = maxima.section(finished)
            index += added

    for_each(slabs, maximum_over, threads=threads)
    return result


@dataclass(frozen=True)
class _Layer:
    """One z-layer of the ball: its lines of voxels, as (half-width, row), that are not in the layers farther out.

    Attributes
    ----------
    distance : int
        Distance of the layer from the ball's centre, sections.
    lines : tuple of (int, int)
        Half-width of each line in columns, and its distance from the ball's centre in rows.
    """

    distance: int
    lines: Tuple[Tuple[int, int], ...]


def _layers_of(kernel: NDArray[np.bool_]) -> List[_Layer]:
    """Split a ball into layers, the outermost first; each layer lies inside the next."""
    half_edge = kernel.shape[0] // 2
    half_widths = (kernel[half_edge:, half_edge:].sum(axis=2) - 1) // 2  # by section and row; -1 where there is no line
    covered = np.full(half_edge + 1, -1)  # largest half-width so far in each row
    layers: List[_Layer] = []
    for distance in range(half_edge, -1, -1):
        rows = np.flatnonzero(half_widths[distance] > covered)
        if len(rows) or layers:
            layers.append(_Layer(distance, tuple((int(half_widths[distance, row]), int(row)) for row in rows)))
        covered = np.maximum(covered, half_widths[distance])
    return layers


class _SlabMaxima:
    """The kernel maxima of one slab: sections of the map are added in batches, finished sections are read.

    The docstring of the module explains the algorithm; the ball is the kernel.

    Parameters
    ----------
    shape : two int
        Rows and columns of a section.
    half_edge : int
        Half the edge of the kernel's box, voxels: the width of the padding.
    layers : list of _Layer
        The layers of the ball, the outermost first.

    Attributes
    ----------
    batch_size : int
        Largest number of sections that `add` takes at once.
    """

    def __init__(self, shape: Tuple[int, ...], half_edge: int, layers: List[_Layer]) -> None:
        self._half_edge, self._layers, self._reach = half_edge, layers, layers[0].distance
        self._mirrored = [np.pad(np.arange(side), half_edge, mode="symmetric") for side in shape]
        height, self._row_length = (side + 2 * half_edge for side in shape)
        self._plane = height * self._row_length  # values in a padded section
        self.batch_size = max(1, _PIECE_VALUES // self._plane)
        self._padded = np.zeros((self.batch_size, height, self._row_length), dtype=np.float32)
        self._margin = half_edge * self._row_length  # values before and after a piece that the ball reaches
        rows_in_piece = max(1, min(_PIECE_VALUES, self._padded.size) // self._row_length)
        self._piece_length = self._row_length * rows_in_piece
        longest = max(half_width for layer in layers for half_width, _ in layer.lines)
        self._lines = [np.zeros(self._piece_length + 2 * self._margin, dtype=np.float32) for _ in range(longest)]
        self._maximum = np.zeros(self._piece_length, dtype=np.float32)
        batches = math.ceil((2 * self._reach + self.batch_size) / self.batch_size)
        self._ring = np.zeros((batches * self.batch_size, self._plane), dtype=np.float32)  # unfinished sections

    def add(self, sections: Iterable[Image], first: int) -> int:
        """Add a batch of sections of the map, of which `first` is the index of the first; return their number."""
        count = 0
        for section, padded in zip(sections, self._padded):
            self._pad(section, padded)
            count += 1
        length = count * self._plane - 2 * self._margin
        for start in range(0, length, self._piece_length):
            piece = slice(start, min(start + self._piece_length, length))
            for distance, values in self._layer_maxima(piece):
                # The sections after the batch that only the outermost layer reaches have no value yet.
                self._join(values, first + distance, start + self._margin, is_new=distance == self._reach)
                if distance:
                    self._join(values, first - distance, start + self._margin, is_new=False)
        return count

    def section(self, index: int) -> Image:
        """Return the finished section of the result with this index, without its padding."""
        padded = self._ring[index % len(self._ring)].reshape(-1, self._row_length)
        half_edge = self._half_edge
        return padded[half_edge : len(padded) - half_edge, half_edge : self._row_length - half_edge]

    def _join(self, values: Image, index: int, start: int, *, is_new: bool) -> None:
        """Join layer maxima to the unfinished sections, from the value `start` of the section `index` on.

        New values replace the content of the ring buffer, others are joined by the maximum.
        """
        ring = self._ring.reshape(-1)
        begin = (index % len(self._ring)) * self._plane + start
        while len(values):
            begin %= len(ring)  # the ring buffer wraps around
            unfinished = ring[begin : begin + len(values)]
            fitting, values = values[: len(unfinished)], values[len(unfinished) :]
            if is_new:
                unfinished[...] = fitting
            else:
                np.maximum(unfinished, fitting, out=unfinished)
            begin += len(unfinished)

    def _pad(self, section: Image, padded: Image) -> None:
        """Copy a section of the map to the middle of `padded`, and mirror its edges around it."""
        half, (height, width), (rows, columns) = self._half_edge, section.shape, self._mirrored
        padded[half : half + height, half : half + width] = section
        for edge in (slice(0, half), slice(half + width, None)):
            padded[half : half + height, edge] = section[:, columns[edge]]
        for edge in (slice(0, half), slice(half + height, None)):
            padded[edge] = padded[half + rows[edge]]

    def _layer_maxima(self, piece: slice) -> Iterator[Tuple[int, Image]]:
        """Compute the maxima over each layer, the outermost first, around the values of a piece.

        `piece` counts from the margin of the batch on. Yields the distance of each layer and its maxima, an array that
        the next layer overwrites.
        """
        length = piece.stop - piece.start
        lines = self._line_maxima(slice(piece.start, piece.stop + 2 * self._margin))
        maximum = self._maximum[:length]
        is_empty = True
        for layer in self._layers:
            for half_width, row in layer.lines:
                first, last = self._margin - row * self._row_length, self._margin + row * self._row_length
                above, below = lines[half_width][first : first + length], lines[half_width][last : last + length]
                if is_empty:
                    np.maximum(above, below, out=maximum)
                    is_empty = False
                else:
                    np.maximum(maximum, above, out=maximum)
                    np.maximum(maximum, below, out=maximum)
            yield layer.distance, maximum

    def _line_maxima(self, part: slice) -> List[Image]:
        """Compute the maxima over lines of half-width 0, 1, 2, ... around the values of a part of the batch."""
        lines = [self._padded.reshape(-1)[part]]
        for half_width, array in enumerate(self._lines, start=1):
            shorter, line = lines[-1], array[: len(lines[0])]
            # Two lines that are shorter by 1, one column to the left and one to the right, make up the line. Only for
            # half-width 1 they lack the voxel in the middle.
            np.maximum(shorter[:-2], shorter[2:], out=line[1:-1])
            lines.append(np.maximum(line, shorter, out=line) if half_width == 1 else line)
        return lines
