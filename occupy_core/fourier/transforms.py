# SPDX-License-Identifier: GPL-3.0-or-later
"""Fourier transforms of maps, for the waves that are wanted alone: scipy's to the bit, in threads, a slab at a time."""

from __future__ import annotations

import math
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.fast_scipy import fft, ifft, irfft, rfft
from occupy_core.arrays.slabs import SECTIONS, for_slabs
from occupy_core.arrays.types import SlabSink, Volume

# Header voxel sizes are float32: a ratio that is a whole number on paper may fall short by this much.
ROUNDING = 1e-6
Spectrum = NDArray[np.complex64]
# How many waves of an axis, from 0 up and from -1 down.
Waves = Tuple[Tuple[int, int], Tuple[int, int], Tuple[int, int]]
# Of a slab, so that what is made of it on the way stays in the processor's cache.
_SLAB_BYTES = 1 << 20


class Workspace:
    """Memory to work in, kept for the next that needs as much: new memory takes long to be had."""

    def __init__(self) -> None:
        self._kept = np.empty(0, dtype=np.complex64)

    def arrays(self, shapes: Sequence[Tuple[int, ...]]) -> List[Spectrum]:
        """Arrays of these shapes, to be overwritten; those of before are no longer to be used."""
        sizes = [math.prod(shape) for shape in shapes]
        if sum(sizes) > self._kept.size:
            self._kept = np.empty(0, dtype=np.complex64)  # first, so that both are never in memory
            self._kept = np.empty(sum(sizes), dtype=np.complex64)
        ends = np.cumsum(sizes)
        return [self._kept[end - size : end].reshape(shape) for end, size, shape in zip(ends, sizes, shapes)]


def waves_within(shape: Sequence[int], radius: int) -> Waves:
    """The waves of each axis that may lie within a radius in waves across the longest side."""
    counts = [min(side, math.ceil(radius * side / max(shape) * (1 + ROUNDING))) for side in shape]
    z, y = ((min(count, (side + 1) // 2), min(count - 1, side // 2)) for count, side in zip(counts, shape[:2]))
    return z, y, (min(counts[2], shape[2] // 2 + 1), 0)


def forward(
    volume: Volume,
    waves: Waves,
    *,
    threads: int = 1,
    get_rows: Optional[Callable[[slice], Volume]] = None,
    out: Optional[Spectrum] = None,
    workspace: Optional[Spectrum] = None,
) -> Spectrum:
    """`scipy.fft.rfftn` of a map for these waves: after each axis what is not wanted is dropped.

    `get_rows` gives what is transformed where that is not the map itself: for a slice of rows, all that is in them.
    `out` is where it goes. `workspace`, of the waves of z and x and all rows, is overwritten instead of taking memory.
    """
    (sections, rows, columns), height = (above + below for above, below in waves), volume.shape[1]
    result = np.empty((sections, rows, columns), dtype=np.complex64) if out is None else out
    if rows == height:
        along_z = result
    else:
        along_z = np.empty((sections, height, columns), dtype=np.complex64) if workspace is None else workspace
    _transform_x_and_z(get_rows or (lambda chosen: volume[:, chosen]), waves, volume.shape, along_z, threads)
    above, below = waves[1]

    def transform(slab: slice) -> None:
        found = fft(along_z[slab], axis=1, overwrite=True)
        if result is not along_z:
            result[slab, :above] = found[:, :above]
            result[slab, above:] = found[:, height - below :]

    _for_slabs(sections, height * columns, transform, threads)
    return result


def inverse(spectrum: Spectrum, waves: Waves, out: Volume, *, threads: int = 1) -> Volume:
    """`scipy.fft.irfftn` of a spectrum that has these waves alone; it is overwritten."""
    whole = len(spectrum) == len(out)
    sections = spectrum if whole else np.empty((len(out), *spectrum.shape[1:]), dtype=np.complex64)
    inverse_along_z(spectrum, waves, sections, threads=threads)
    return inverse_along_y_and_x(sections, waves, out, threads=threads)


def inverse_along_z(
    spectrum: Spectrum, waves: Waves, out: Spectrum, *, factor: Optional[float] = None, threads: int = 1
) -> None:
    """The first part of `inverse`: the spectrum of each section, by a factor. The spectrum may be a part of `out`."""
    above, below = waves[0]
    depth, height, columns = out.shape

    def transform(rows: slice) -> None:
        found = np.zeros((depth, rows.stop - rows.start, columns), dtype=np.complex64)
        found[:above] = spectrum[:above, rows]
        found[depth - below :] = spectrum[above:, rows]
        if factor is not None:
            found *= factor
        out[:, rows] = ifft(found, axis=0, overwrite=True)

    _for_slabs(height, depth * columns, transform, threads)


def inverse_along_y_and_x(
    sections: Spectrum,
    waves: Waves,
    out: Volume,
    *,
    threads: int = 1,
    finish: Callable[[Volume], object] = lambda slab: None,
) -> Volume:
    """The rest of `inverse`, from `sections_of`. `finish` is given each slab of the map as it is made, to change it."""

    def transform(slab: slice) -> None:
        finish(_transformed_back(sections, waves, slab, out.shape, out[slab]))

    _for_slabs(len(out), out.shape[1] * (out.shape[2] // 2 + 1), transform, threads)
    return out


def inverse_sections_in_slabs(
    sections: Spectrum,
    waves: Waves,
    shape: Tuple[int, int, int],
    sink: SlabSink,
    *,
    threads: int = 1,
) -> None:
    """`inverse_of_sections` of a map of this shape, of which each slab is given away as it is made."""

    def transform(slab: slice) -> None:
        workspace = np.empty((slab.stop - slab.start, *shape[1:]), dtype=np.float32)
        sink(slab, _transformed_back(sections, waves, slab, shape, workspace))

    _for_slabs(shape[0], shape[1] * (shape[2] // 2 + 1), transform, threads)


def _transformed_back(sections: Spectrum, waves: Waves, slab: slice, shape: Tuple[int, ...], out: Volume) -> Volume:
    """A slab of a map of this shape, from the spectra of its sections."""
    _, (above, below), (columns, _) = waves
    _, height, width = shape
    found = np.zeros((slab.stop - slab.start, height, width // 2 + 1), dtype=np.complex64)
    kept = found[:, :, :columns]
    kept[:, :above] = sections[slab, :above]
    kept[:, height - below :] = sections[slab, above:]
    ifft(kept, axis=1, overwrite=True)
    irfft(found, width, axis=2, out=out)
    out *= np.float32(1 / np.longdouble(math.prod(shape)))
    return out


def _for_slabs(length: int, section: int, work: Callable[[slice], object], threads: int) -> None:
    """`for_slabs` of sections of so many waves."""
    for_slabs(length, work, threads=threads, sections=min(SECTIONS, max(1, _SLAB_BYTES // (8 * section))))


def _transform_x_and_z(
    get_rows: Callable[[slice], Volume], waves: Waves, box: Tuple[int, ...], out: Spectrum, threads: int
) -> None:
    """`spectrum_of` but for the transform along y, which scipy has last."""
    (above, below), _, (columns, _) = waves
    depth, height, width = box

    def transform(rows: slice) -> None:
        found = fft(rfft(get_rows(rows), axis=2)[:, :, :columns], axis=0, overwrite=True)
        out[:above, rows] = found[:above]
        out[above:, rows] = found[depth - below :]

    _for_slabs(height, depth * (width // 2 + 1), transform, threads)
