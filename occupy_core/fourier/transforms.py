# SPDX-License-Identifier: GPL-3.0-or-later
"""Fourier transforms of maps that compute only the needed frequencies, on several threads, slab by slab.

Results are equal to those of `scipy.fft.rfftn` and `scipy.fft.irfftn` to the bit. Few frequencies are left after a
low-pass: the others are dropped after the transform along each axis, which saves most of the time.
"""

from __future__ import annotations

import math
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.fast_scipy import fft, ifft, irfft, rfft
from occupy_core.arrays.slabs import SECTIONS_PER_SLAB, for_slabs
from occupy_core.arrays.types import SlabSink, Volume

# Header voxel sizes are float32: a ratio that should be a whole number may be smaller by this fraction.
ROUNDING = 1e-6
# Fourier components along z, y and x: frequencies 0, 1, ..., then the negative ones up to -1 (none along x).
Spectrum = NDArray[np.complex64]
# Number of frequencies along each axis (z, y, x): first of 0, 1, 2, ..., then of -1, -2, ....
Band = Tuple[Tuple[int, int], Tuple[int, int], Tuple[int, int]]
# A slab of this size and its intermediate results stay in the processor's cache.
_SLAB_BYTES = 1 << 20


class Workspace:
    """Memory that several transforms reuse one after the other, since allocating new memory is slow."""

    def __init__(self) -> None:
        self._memory = np.empty(0, dtype=np.complex64)

    def arrays(self, shapes: Sequence[Tuple[int, ...]]) -> List[Spectrum]:
        """Return arrays of these shapes, not initialised. Arrays from earlier calls must no longer be used."""
        sizes = [math.prod(shape) for shape in shapes]
        if sum(sizes) > self._memory.size:
            self._memory = np.empty(0, dtype=np.complex64)  # frees the old memory before more is allocated
            self._memory = np.empty(sum(sizes), dtype=np.complex64)
        ends = np.cumsum(sizes)
        return [self._memory[end - size : end].reshape(shape) for end, size, shape in zip(ends, sizes, shapes)]


def band_within(shape: Sequence[int], radius: int) -> Band:
    """Return the band that contains all frequencies closer to the Fourier origin than a radius.

    Parameters
    ----------
    shape : three int
        Box of the map, voxels.
    radius : int
        Radius in Fourier pixels along the longest side; the other sides have the same limit in frequency.
    """
    counts = [min(side, math.ceil(radius * side / max(shape) * (1 + ROUNDING))) for side in shape]
    z, y = ((min(count, (side + 1) // 2), min(count - 1, side // 2)) for count, side in zip(counts, shape[:2]))
    return z, y, (min(counts[2], shape[2] // 2 + 1), 0)


def band_below_nyquist(old: Sequence[int], new: Sequence[int], band: Optional[Band] = None) -> Band:
    """Return the band below the Nyquist frequency of the smaller of two boxes, within another band if one is given.

    Parameters
    ----------
    old, new : three int
        The boxes, voxels.
    band : Band, optional
        Of the old box.
    """
    z, y, x = ((min(sides) + 1) // 2 for sides in zip(old, new))
    below = ((z, z - 1), (y, y - 1), (x, 0))
    if band is None:
        return below
    z_pair, y_pair, x_pair = ((min(a, c), min(b, d)) for (a, b), (c, d) in zip(below, band))
    return z_pair, y_pair, x_pair


def within_band(spectrum: Spectrum, band: Band, inner: Band) -> Spectrum:
    """Return a copy of the part of a spectrum, computed in a band, that a narrower band holds."""
    kept = [
        np.r_[:positive, old_positive + old_negative - negative : old_positive + old_negative]
        for (positive, negative), (old_positive, old_negative) in zip(inner, band)
    ]
    return spectrum[np.ix_(*kept)]


def forward(
    volume: Volume,
    band: Band,
    *,
    threads: int = 1,
    get_rows: Optional[Callable[[slice], Volume]] = None,
    out: Optional[Spectrum] = None,
    workspace: Optional[Spectrum] = None,
) -> Spectrum:
    """Compute `scipy.fft.rfftn` of a map, only for the frequencies of a band.

    Parameters
    ----------
    volume : float32 array, 3D
    band : Band
    threads : int
        Does not change the result.
    get_rows : callable, optional
        Called with a slice of rows (y), returns these rows as an array (z, y, x). The rows replace the values of
        `volume`, which then gives only the shape.
    out : complex64 array, optional
        Array for the result.
    workspace : complex64 array, optional
        Array to overwrite instead of allocating memory; its shape is the band along z and x, and all rows along y.

    Returns
    -------
    complex64 array, 3D: the frequencies of the band.
    """
    (sections, rows, columns), height = (positive + negative for positive, negative in band), volume.shape[1]
    result = np.empty((sections, rows, columns), dtype=np.complex64) if out is None else out
    if rows == height:
        along_x_and_z = result
    else:
        along_x_and_z = np.empty((sections, height, columns), dtype=np.complex64) if workspace is None else workspace
    _transform_x_and_z(get_rows or (lambda chosen: volume[:, chosen]), band, volume.shape, along_x_and_z, threads)
    positive, negative = band[1]

    def transform_y(slab: slice) -> None:
        full = fft(along_x_and_z[slab], axis=1, overwrite=True)
        if result is not along_x_and_z:
            result[slab, :positive] = full[:, :positive]
            result[slab, positive:] = full[:, height - negative :]

    _for_slabs(sections, height * columns, transform_y, threads)
    return result


def inverse(spectrum: Spectrum, band: Band, out: Volume, *, factor: Optional[float] = None, threads: int = 1) -> Volume:
    """Compute `scipy.fft.irfftn` of a spectrum that is 0 outside a band.

    Parameters
    ----------
    spectrum : complex64 array, 3D
        The frequencies of the band; overwritten.
    band : Band
    out : float32 array, 3D
        Array for the result; gives the box.
    factor : float, optional
        Multiplies the result.
    threads : int
        Does not change the result.

    Returns
    -------
    `out`
    """
    complete_along_z = len(spectrum) == len(out)
    sections = spectrum if complete_along_z else np.empty((len(out), *spectrum.shape[1:]), dtype=np.complex64)
    inverse_along_z(spectrum, band, sections, factor=factor, threads=threads)
    return inverse_along_y_and_x(sections, band, out, threads=threads)


def inverse_along_z(
    spectrum: Spectrum, band: Band, out: Spectrum, *, factor: Optional[float] = None, threads: int = 1
) -> None:
    """Transform a spectrum back along z only: the first step of `inverse`.

    Parameters
    ----------
    spectrum : complex64 array, 3D
        The frequencies of the band; may share memory with the first sections of `out`.
    band : Band
    out : complex64 array, 3D
        Array for the result, the 2D spectrum of each section: voxels along z, frequencies of the band along y and x.
    factor : float, optional
        Multiplies the spectrum.
    threads : int
    """
    positive, negative = band[0]
    depth, height, columns = out.shape

    def transform(rows: slice) -> None:
        full = np.zeros((depth, rows.stop - rows.start, columns), dtype=np.complex64)
        full[:positive] = spectrum[:positive, rows]
        full[depth - negative :] = spectrum[positive:, rows]
        if factor is not None:
            full *= factor
        out[:, rows] = ifft(full, axis=0, overwrite=True)

    _for_slabs(height, depth * columns, transform, threads)


def inverse_along_y_and_x(
    sections: Spectrum,
    band: Band,
    out: Volume,
    *,
    threads: int = 1,
    finish: Callable[[Volume], object] = lambda slab: None,
) -> Volume:
    """Transform the 2D spectra of all sections back: the second step of `inverse`.

    Parameters
    ----------
    sections : complex64 array, 3D
        Result of `inverse_along_z`.
    band : Band
    out : float32 array, 3D
        Array for the result; gives the box.
    threads : int
    finish : callable
        Receives each finished slab of the map and may change it in place.

    Returns
    -------
    `out`
    """

    def transform(slab: slice) -> None:
        finish(_inverse_of_slab(sections, band, slab, out.shape, out[slab]))

    _for_slabs(len(out), out.shape[1] * (out.shape[2] // 2 + 1), transform, threads)
    return out


def inverse_sections_in_slabs(
    sections: Spectrum,
    band: Band,
    shape: Tuple[int, int, int],
    sink: SlabSink,
    *,
    threads: int = 1,
) -> None:
    """Transform the 2D spectra of all sections back and send the map to `sink`, slab by slab.

    Parameters
    ----------
    sections : complex64 array, 3D
        Result of `inverse_along_z`.
    band : Band
    shape : three int
        Box of the map, voxels.
    sink : SlabSink
        Called on several threads; may change the values that it receives.
    threads : int
    """

    def transform(slab: slice) -> None:
        values = np.empty((slab.stop - slab.start, *shape[1:]), dtype=np.float32)
        sink(slab, _inverse_of_slab(sections, band, slab, shape, values))

    _for_slabs(shape[0], shape[1] * (shape[2] // 2 + 1), transform, threads)


def _inverse_of_slab(sections: Spectrum, band: Band, slab: slice, shape: Tuple[int, ...], out: Volume) -> Volume:
    """Compute one slab of a map of this shape from the 2D spectra of its sections."""
    _, (positive, negative), (columns, _) = band
    _, height, width = shape
    full = np.zeros((slab.stop - slab.start, height, width // 2 + 1), dtype=np.complex64)
    in_band = full[:, :, :columns]
    in_band[:, :positive] = sections[slab, :positive]
    in_band[:, height - negative :] = sections[slab, positive:]
    ifft(in_band, axis=1, overwrite=True)
    irfft(full, width, axis=2, out=out)
    out *= np.float32(1 / np.longdouble(math.prod(shape)))
    return out


def _for_slabs(length: int, components: int, work: Callable[[slice], object], threads: int) -> None:
    """Call `for_slabs` with slabs that fit the cache, for sections of a number of Fourier components."""
    sections = min(SECTIONS_PER_SLAB, max(1, _SLAB_BYTES // (8 * components)))
    for_slabs(length, work, threads=threads, sections=sections)


def _transform_x_and_z(
    get_rows: Callable[[slice], Volume], band: Band, box: Tuple[int, ...], out: Spectrum, threads: int
) -> None:
    """Transform along x and z. The transform along y comes last, as in scipy, so that rounding is equal."""
    (positive, negative), _, (columns, _) = band
    depth, height, width = box

    def transform(rows: slice) -> None:
        full = fft(rfft(get_rows(rows), axis=2)[:, :, :columns], axis=0, overwrite=True)
        out[:positive, rows] = full[:positive]
        out[positive:, rows] = full[depth - negative :]

    _for_slabs(height, depth * (width // 2 + 1), transform, threads)
