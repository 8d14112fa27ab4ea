# SPDX-License-Identifier: GPL-3.0-or-later
"""Low-pass filter and change of box in Fourier space."""

from __future__ import annotations

import math
from typing import Any, Callable, Optional, Sequence, Tuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from occupy_core.maps import Volume
from occupy_core.scipy_parts import fft, ifft, irfft, rfft
from occupy_core.slabs import for_each, for_slabs

# Header voxel sizes are float32: a ratio that is a whole number on paper may fall short by this much.
ROUNDING = 1e-6
_SHORTEST = 64
# Of `detail_share`: real refined maps have 0.002 and more, class maps cut at a coarser resolution 0.00002.
_LEAST_DETAIL = 0.0015
_CUTOFF_STEP = 1.05
_SHELLS_A_WAVE = 8
_Kind = TypeVar("_Kind", bound=np.generic)
# How many waves of an axis, from 0 up and from -1 down.
_Waves = Tuple[Tuple[int, int], Tuple[int, int], Tuple[int, int]]
_Rows = Callable[[slice], Volume]
_Power = Tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def low_pass(
    volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1, out: Optional[Volume] = None
) -> Volume:
    """Remove all detail finer than a cutoff.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size : float
        Å.
    cutoff_angstrom : float
        At least the shells of two waves across the shortest side must remain.
    threads : int
        For the transforms; the result does not depend on it.
    out : float32 array of the same shape, optional
        Where the result goes; may be `volume` itself.

    Returns
    -------
    float32 array of the same shape.

    Notes
    -----
    A sharp radial filter, centred on the Fourier origin: of n shells across the longest side
    `floor(n a / cutoff) + 1` are kept. The published program centres its window half a voxel off.
    """
    longest = max(volume.shape)
    radius = math.floor(longest * voxel_size / cutoff_angstrom * (1 + ROUNDING)) + 1
    waves = _waves_within(volume.shape, radius)
    spectrum = _spectrum(volume, waves, threads)
    squared_radii = _squared_radii(volume.shape, waves)

    def cut(place: int) -> None:
        spectrum[place][squared_radii(place) >= radius**2] = 0

    for_each(range(len(spectrum)), cut, threads=threads)
    return _inverse(spectrum, waves, np.empty_like(volume) if out is None else out, threads)


def detail_share(volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1) -> float:
    """How much detail there is just below a cutoff: the power a wave of 0.8 to 1 of the cutoff's frequency has on
    average, relative to those up to half of it; 0 for a constant map.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size, cutoff_angstrom : float
        Å.
    threads : int
    """
    return _share_below(cutoff_angstrom, _radial_power(volume, voxel_size, cutoff_angstrom, threads))


def has_detail(volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1) -> bool:
    """Whether the map's detail goes down to a cutoff; parameters as of `detail_share`."""
    share = detail_share(volume, voxel_size=voxel_size, cutoff_angstrom=cutoff_angstrom, threads=threads)
    return share >= _LEAST_DETAIL


def finest_detail(volume: Volume, *, voxel_size: float, finest: float, coarsest: float, threads: int = 1) -> float:
    """The finest cutoff that the map's detail goes down to, in Å.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size : float
        Å.
    finest, coarsest : float
        Å; where to look.
    threads : int
    """
    power = _radial_power(volume, voxel_size, finest, threads)
    cutoff = finest
    while cutoff < coarsest and _share_below(cutoff, power) < _LEAST_DETAIL:
        cutoff = min(coarsest, cutoff * _CUTOFF_STEP)
    return cutoff


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
    old, new = volume.shape, (int(shape[0]), int(shape[1]), int(shape[2]))
    counts = [(min(sides) + 1) // 2 for sides in zip(old, new)]
    waves = ((counts[0], counts[0] - 1), (counts[1], counts[1] - 1), (counts[2], 0))
    spectrum = _spectrum(volume, waves, threads)
    spectrum *= math.prod(new) / math.prod(old)
    spectrum = _padded(spectrum, waves, new[0])  # here, so that the smaller one is gone before the map is made
    return _inverse(spectrum, waves, np.empty(new, dtype=np.float32), threads)


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


def radial_power(
    volume: Volume, *, mean: float = 0.0, where: Optional[NDArray[np.bool_]] = None, threads: int = 1
) -> NDArray[np.float64]:
    """Mean power |F|^2 / N of the waves of a map of N voxels, by their length in whole waves across the longest side.

    White noise has its variance everywhere; the zeroth wave, the mean, counts for nothing.

    Parameters
    ----------
    volume : float32 array, 3D
    mean : float
        Taken from the map first.
    where : bool array of the same shape, optional
        Elsewhere the map counts as 0 after that.
    threads : int
    """

    def rows_of(rows: slice) -> Volume:
        chosen = volume[:, rows] - np.float32(mean)
        if where is not None:
            chosen *= where[:, rows]
        return chosen

    _, total, counts = _radial_power(volume, 1.0, 1.0, threads, shells_a_wave=1, rows_of=rows_of)
    return total / np.maximum(counts, 1) / volume.size


def shaped(noise: Volume, power: NDArray[np.float64], *, threads: int = 1) -> Volume:
    """White noise of variance 1 given a radial power spectrum.

    Parameters
    ----------
    noise : float32 array, 3D
        Overwritten.
    power : float64 array, 1D
        As `radial_power` gives it; between whole waves it is interpolated.
    threads : int
        For the transforms; the result does not depend on it.
    """
    amplitude, lengths = np.sqrt(power), np.arange(len(power))
    waves = _waves_within(noise.shape, 2 * max(noise.shape))
    spectrum = _spectrum(noise, waves, threads)
    squared_radii = _squared_radii(noise.shape, waves)

    def shape(place: int) -> None:
        spectrum[place] *= np.interp(np.sqrt(squared_radii(place)), lengths, amplitude).astype(np.float32)

    for_each(range(len(spectrum)), shape, threads=threads)
    return _inverse(spectrum, waves, noise, threads)


def sampled(values: NDArray[_Kind], shape: Sequence[int]) -> NDArray[_Kind]:
    """The nearest values on the grid of another box of the same size in Å, for what has no meaning in between."""
    if values.shape == tuple(shape):
        return values
    for axis, (old, new) in enumerate(zip(values.shape, shape)):
        nearest = np.minimum((np.arange(new) * old + new // 2) // new, old - 1)
        values = values.take(nearest, axis)
    return values


def _radial_power(
    volume: Volume,
    voxel_size: float,
    finest: float,
    threads: int,
    *,
    shells_a_wave: int = _SHELLS_A_WAVE,
    rows_of: Optional[_Rows] = None,
) -> _Power:
    """For shells of the spectrum up to a cutoff in Å: frequency in 1/Å, power in all, and how many waves."""
    longest = max(volume.shape)
    radius = math.floor(longest * voxel_size / finest) + 2
    waves = _waves_within(volume.shape, radius)
    size = shells_a_wave * 2 * longest
    spectrum = _spectrum(volume, waves, threads, rows_of)
    squared_radii = _squared_radii(volume.shape, waves)
    totals, numbers = np.empty((len(spectrum), size)), np.empty((len(spectrum), size), dtype=np.int64)

    def add_up(place: int) -> None:
        shells = np.rint(shells_a_wave * np.sqrt(squared_radii(place))).astype(np.int32).ravel()
        weights = np.abs(spectrum[place].ravel()).astype(np.float64) ** 2
        totals[place] = np.bincount(shells, weights=weights, minlength=size)
        numbers[place] = np.bincount(shells, minlength=size)

    for_each(range(len(spectrum)), add_up, threads=threads)
    total, counts = totals.sum(axis=0), numbers.sum(axis=0)
    total[0] = counts[0] = 0  # the mean is no detail
    return np.arange(len(counts)) / (shells_a_wave * longest * voxel_size), total, counts


def _share_below(cutoff: float, power: _Power) -> float:
    frequencies, total, counts = power
    relative = frequencies * cutoff
    means = []
    for low, high in ((0.8, 1.0), (0.0, 0.5)):
        chosen = (relative > low) & (relative <= high)
        means.append(total[chosen].sum() / counts[chosen].sum() if counts[chosen].any() else 0.0)
    fine, coarse = means
    return float(fine / coarse) if coarse else 0.0


def _waves_within(shape: Sequence[int], radius: int) -> _Waves:
    """The waves of each axis that may lie within a radius in waves across the longest side."""
    counts = [min(side, math.ceil(radius * side / max(shape) * (1 + ROUNDING))) for side in shape]
    z, y = ((min(count, (side + 1) // 2), min(count - 1, side // 2)) for count, side in zip(counts, shape[:2]))
    return z, y, (min(counts[2], shape[2] // 2 + 1), 0)


def _spectrum(volume: Volume, waves: _Waves, threads: int, rows_of: Optional[_Rows] = None) -> NDArray[np.complex64]:
    """`scipy.fft.rfftn` of a map, to the bit, for these waves alone: after each axis what is not wanted is dropped.

    `rows_of` gives what is transformed where that is not the map itself: for a slice of rows, all that is in them.
    """
    along_z = _spectrum_along_z(volume.shape, waves, threads, rows_of or (lambda rows: volume[:, rows]))
    above, below = waves[1]
    height = volume.shape[1]
    result = along_z
    if above + below < height:
        result = np.empty((len(along_z), above + below, along_z.shape[2]), dtype=np.complex64)

    def transform(slab: slice) -> None:
        found = fft(along_z[slab], axis=1, overwrite=True)
        if result is along_z:
            result[slab] = found
            return
        result[slab, :above] = found[:, :above]
        result[slab, above:] = found[:, height - below :]

    for_slabs(len(result), transform, threads=threads)
    return result


def _spectrum_along_z(box: Tuple[int, ...], waves: _Waves, threads: int, rows_of: _Rows) -> NDArray[np.complex64]:
    """`_spectrum` but for the transform along y, which scipy has last."""
    (above, below), _, (columns, _) = waves
    depth, height, _ = box
    along_z = np.empty((above + below, height, columns), dtype=np.complex64)

    def transform(rows: slice) -> None:
        found = fft(rfft(rows_of(rows), axis=2)[:, :, :columns], axis=0, overwrite=True)
        along_z[:above, rows] = found[:above]
        along_z[above:, rows] = found[depth - below :]

    for_slabs(height, transform, threads=threads)
    return along_z


def _inverse(spectrum: NDArray[np.complex64], waves: _Waves, out: Volume, threads: int) -> Volume:
    """`scipy.fft.irfftn`, to the bit, of a spectrum that has these waves alone; it is overwritten."""
    _, (above_y, below_y), (columns, _) = waves
    depth, height, width = out.shape
    along_z = _padded(spectrum, waves, depth)
    factor = np.float32(1 / np.longdouble(out.size))

    def transform_z(rows: slice) -> None:
        along_z[:, rows] = ifft(along_z[:, rows], axis=0)

    def transform_y_and_x(slab: slice) -> None:
        found = np.zeros((slab.stop - slab.start, height, columns), dtype=np.complex64)
        found[:, :above_y] = along_z[slab, :above_y]
        found[:, height - below_y :] = along_z[slab, above_y:]
        found = ifft(found, axis=1, overwrite=True)
        np.multiply(irfft(found, width, axis=2), factor, out=out[slab])

    for_slabs(above_y + below_y, transform_z, threads=threads)
    for_slabs(depth, transform_y_and_x, threads=threads)
    return out


def _padded(spectrum: NDArray[np.complex64], waves: _Waves, depth: int) -> NDArray[np.complex64]:
    """A spectrum with zeros for the waves of the first axis that it has not; itself where it has all."""
    if len(spectrum) == depth:
        return spectrum
    above, below = waves[0]
    result = np.zeros((depth, *spectrum.shape[1:]), dtype=np.complex64)
    result[:above] = spectrum[:above]
    result[depth - below :] = spectrum[above:]
    return result


def _squared_radii(shape: Sequence[int], waves: _Waves) -> Callable[[int], NDArray[np.float32]]:
    """Gives, for a section of a spectrum, the squared distance of its waves from the origin, in waves across the
    longest side."""
    longest = max(shape)
    z, y, x = (
        (np.concatenate([np.arange(above), np.arange(-below, 0)]) * (longest / side)) ** 2
        for (above, below), side in zip(waves, shape)
    )
    # Whole numbers in a cubic box; the rounding keeps them so.
    return lambda place: np.round(z[place] + y[:, None] + x, 6).astype(np.float32)
