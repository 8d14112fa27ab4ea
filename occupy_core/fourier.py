# SPDX-License-Identifier: GPL-3.0-or-later
"""Low-pass filter and change of box in Fourier space."""

from __future__ import annotations

import math
from typing import Any, Iterator, Sequence, Tuple, TypeVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from occupy_core.maps import Volume

# Header voxel sizes are float32: a ratio that is a whole number on paper may fall short by this much.
ROUNDING = 1e-6
_SHORTEST = 64
# Of `detail_share`: real refined maps have 0.002 and more, class maps cut at a coarser resolution 0.00002.
_LEAST_DETAIL = 0.0015
_CUTOFF_STEP = 1.05
_SHELLS_A_WAVE = 8
_Kind = TypeVar("_Kind", bound=np.generic)


def low_pass(volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1) -> Volume:
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
    spectrum = scipy.fft.rfftn(volume, workers=threads)
    for section, squared in zip(spectrum, _squared_radii(volume.shape)):
        section[squared >= radius**2] = 0
    return _inverse(spectrum, volume.shape, threads)


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
    return _share_below(cutoff_angstrom, _radial_power(volume, voxel_size, threads))


def has_detail(volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1) -> bool:
    """Whether the map's detail goes down to a cutoff; parameters as of `detail_share`."""
    return _share_below(cutoff_angstrom, _radial_power(volume, voxel_size, threads)) >= _LEAST_DETAIL


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
    power = _radial_power(volume, voxel_size, threads)
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
    old, new = volume.shape, tuple(int(side) for side in shape)
    spectrum = scipy.fft.rfftn(volume, workers=threads)
    result = np.zeros((new[0], new[1], new[2] // 2 + 1), dtype=spectrum.dtype)
    rows = [_common_waves(old[axis], new[axis]) for axis in (0, 1)]
    columns = (min(old[2], new[2]) + 1) // 2
    for source_z, target_z in rows[0]:
        for source_y, target_y in rows[1]:
            result[target_z, target_y, :columns] = spectrum[source_z, source_y, :columns]
    result *= math.prod(new) / math.prod(old)
    return _inverse(result, new, threads)


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


def radial_power(volume: Volume, *, threads: int = 1) -> NDArray[np.float64]:
    """Mean power |F|^2 / N of the waves of a map of N voxels, by their length in whole waves across the longest side.

    White noise has its variance everywhere; the zeroth wave, the mean, counts for nothing.
    """
    _, total, counts = _radial_power(volume, 1.0, threads, shells_a_wave=1)
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
    shape, amplitude, waves = noise.shape, np.sqrt(power), np.arange(len(power))
    spectrum = scipy.fft.rfftn(noise, overwrite_x=True, workers=threads)
    for section, squared in zip(spectrum, _squared_radii(shape)):
        section *= np.interp(np.sqrt(squared), waves, amplitude).astype(np.float32)
    return _inverse(spectrum, shape, threads)


def sampled(values: NDArray[_Kind], shape: Sequence[int]) -> NDArray[_Kind]:
    """The nearest values on the grid of another box of the same size in Å, for what has no meaning in between."""
    nearest = [np.minimum((np.arange(new) * old + new // 2) // new, old - 1) for old, new in zip(values.shape, shape)]
    return values[np.ix_(*nearest)]


def _radial_power(
    volume: Volume, voxel_size: float, threads: int, *, shells_a_wave: int = _SHELLS_A_WAVE
) -> Tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """For shells of the spectrum: frequency in 1/Å, power in all, and how many waves."""
    size = shells_a_wave * 2 * max(volume.shape)
    total, counts = np.zeros(size), np.zeros(size, dtype=np.int64)
    for section, squared in zip(scipy.fft.rfftn(volume, workers=threads), _squared_radii(volume.shape)):
        shells = np.rint(shells_a_wave * np.sqrt(squared)).astype(np.int32).ravel()
        total += np.bincount(shells, weights=np.abs(section.ravel()) ** 2, minlength=size)
        counts += np.bincount(shells, minlength=size)
    total[0] = counts[0] = 0  # the mean is no detail
    return np.arange(size) / (shells_a_wave * max(volume.shape) * voxel_size), total, counts


def _share_below(cutoff: float, power: Tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> float:
    frequencies, total, counts = power
    relative = frequencies * cutoff
    means = []
    for low, high in ((0.8, 1.0), (0.0, 0.5)):
        chosen = (relative > low) & (relative <= high)
        means.append(total[chosen].sum() / counts[chosen].sum() if counts[chosen].any() else 0.0)
    fine, coarse = means
    return float(fine / coarse) if coarse else 0.0


def _inverse(spectrum: NDArray[np.complex64], shape: Sequence[int], threads: int) -> Volume:
    """`scipy.fft.irfftn`, to the bit, in the spectrum's own memory but for the result."""
    spectrum = scipy.fft.ifftn(spectrum, axes=(0, 1), norm="forward", overwrite_x=True, workers=threads)
    result = scipy.fft.irfft(spectrum, shape[2], axis=2, norm="forward", overwrite_x=True, workers=threads)
    result *= np.float32(1 / np.longdouble(math.prod(shape)))
    return result


def _squared_radii(shape: Sequence[int]) -> Iterator[NDArray[np.float32]]:
    """Squared distance from the origin of the rfft of `shape`, in waves across the longest side, section by section."""
    longest = max(shape)
    z, y, x = (
        (scipy.fft.fftfreq(side, 1 / longest) if axis < 2 else scipy.fft.rfftfreq(side, 1 / longest)) ** 2
        for axis, side in enumerate(shape)
    )
    for along_z in z:
        # Whole numbers in a cubic box; the rounding keeps them so.
        yield np.round(along_z + y[:, None] + x, 6).astype(np.float32)


def _common_waves(old: int, new: int) -> Tuple[Tuple[slice, slice], Tuple[slice, slice]]:
    """Where the waves below both Nyquist frequencies lie on one axis: (source, target), positive and negative."""
    positive = (min(old, new) + 1) // 2
    negative = positive - 1
    return (
        (slice(0, positive), slice(0, positive)),
        (slice(old - negative, old), slice(new - negative, new)),
    )
