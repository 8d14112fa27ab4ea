# SPDX-License-Identifier: GPL-3.0-or-later
"""Radial functions of Fourier space: power in shells, and noise with a radial power spectrum."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.slabs import for_each
from occupy_core.arrays.types import Image, Mask, Volume
from occupy_core.fourier.transforms import (
    Band,
    Spectrum,
    band_within,
    forward,
    inverse_along_y_and_x,
    inverse_along_z,
)


def radial_power(
    volume: Volume,
    *,
    mean: float = 0.0,
    where: Optional[Mask] = None,
    threads: int = 1,
    workspace: Optional[Spectrum] = None,
) -> NDArray[np.float64]:
    """Compute the radial power spectrum of a map: the mean of |F|^2 / N in each shell, for N voxels.

    Parameters
    ----------
    volume : float32 array, 3D
    mean : float
        Subtracted from the map first.
    where : bool array of the same shape, optional
        Voxels where it is False are set to 0 after the subtraction.
    threads : int
        Does not change the result.
    workspace : complex64 array, optional
        Overwritten, instead of allocating memory; of the shape of `scipy.fft.rfftn(volume)`.

    Returns
    -------
    float64 array, 1D: one value per shell, one Fourier pixel of the longest side wide. Shell 0 is 0, since the zero
    frequency (the mean) is left out. For white noise all other shells are close to its variance.
    """

    def get_rows(rows: slice) -> Volume:
        values = volume[:, rows] - np.float32(mean)
        if where is not None:
            values *= where[:, rows]
        return values

    total, counts = power_in_shells(
        volume, 2 * max(volume.shape), shells_per_pixel=1, threads=threads, get_rows=get_rows, workspace=workspace
    )
    return total / np.maximum(counts, 1) / volume.size


def power_in_shells(
    volume: Volume,
    radius: int,
    *,
    shells_per_pixel: int,
    threads: int = 1,
    get_rows: Optional[Callable[[slice], Volume]] = None,
    workspace: Optional[Spectrum] = None,
) -> Tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum the power |F|^2 of a map in shells of Fourier space, and count the Fourier components of each shell.

    Parameters
    ----------
    volume : float32 array, 3D
    radius : int
        Frequencies below this radius are included, Fourier pixels of the longest side. The last shells may be
        incomplete.
    shells_per_pixel : int
        Number of shells per Fourier pixel of the longest side.
    threads : int
        Does not change the result.
    get_rows : callable, optional
        As in `transforms.forward`: returns the values for a slice of y, instead of those of `volume`.
    workspace : complex64 array, optional
        Overwritten, instead of allocating memory; of the shape of the spectrum within the radius.

    Returns
    -------
    power, counts : float64 arrays, 1D
        One value per shell. The zero frequency (the mean) is left out. Of each pair of opposite frequencies along x,
        only one is counted, as in `scipy.fft.rfftn`.
    """
    band = band_within(volume.shape, radius)
    spectrum = forward(volume, band, threads=threads, get_rows=get_rows, out=workspace)
    size = shells_per_pixel * 2 * max(volume.shape)
    power_of_pairs, counts_of_pairs = np.empty((2, len(spectrum), size))
    components = _sum_opposite_rows(np.ones(spectrum.shape[1:]))

    def add_up(sections: List[int], squared_radii: Image) -> None:
        shells = np.rint(shells_per_pixel * np.sqrt(squared_radii)).astype(np.intp).ravel()
        power = _sum_opposite_rows(sum(np.abs(spectrum[section]).astype(np.float64) ** 2 for section in sections))
        power_of_pairs[sections[0]] = np.bincount(shells, weights=power.ravel(), minlength=size)
        counts_of_pairs[sections[0]] = len(sections) * np.bincount(shells, weights=components.ravel(), minlength=size)

    for_section_pairs(volume.shape, band, add_up, threads=threads)
    pairs = _folded_length(len(spectrum))
    total, counts = (values[:pairs].sum(axis=0) for values in (power_of_pairs, counts_of_pairs))
    total[0] = counts[0] = 0
    return total, counts


def noise_with_spectrum(
    noise: Volume,
    power: NDArray[np.float64],
    *,
    mean: float = 0.0,
    threads: int = 1,
    workspace: Optional[Spectrum] = None,
) -> Volume:
    """Turn white noise of variance 1 into noise with a radial power spectrum and a mean, in place.

    Parameters
    ----------
    noise : float32 array, 3D
        Overwritten with the result.
    power : float64 array, 1D
        As `radial_power` returns it. Its square root is interpolated linearly between shells.
    mean : float
        Added at the end.
    threads : int
        Does not change the result.
    workspace : complex64 array, optional
        Overwritten, instead of allocating memory; of the shape of `scipy.fft.rfftn(noise)`.

    Returns
    -------
    `noise`
    """
    return filter_radially(noise, np.sqrt(power), mean=mean, threads=threads, workspace=workspace)


def filter_radially(
    volume: Volume,
    amplitude: NDArray[np.float64],
    *,
    mean: float = 0.0,
    threads: int = 1,
    workspace: Optional[Spectrum] = None,
) -> Volume:
    """Multiply the Fourier components of a map by a factor that depends on their frequency alone, in place.

    Parameters
    ----------
    volume : float32 array, 3D
        Overwritten with the result.
    amplitude : float64 array, 1D
        The factor of each shell, one Fourier pixel of the longest side wide. It is interpolated linearly between
        shells, and that of the last shell holds beyond it.
    mean : float
        Added at the end.
    threads : int
        Does not change the result.
    workspace : complex64 array, optional
        Overwritten, instead of allocating memory; of the shape of `scipy.fft.rfftn(volume)`.

    Returns
    -------
    `volume`
    """
    shells = np.arange(len(amplitude))
    band = band_within(volume.shape, 2 * max(volume.shape))
    spectrum = forward(volume, band, threads=threads, out=workspace)
    rows = folded_index(spectrum.shape[1])

    def multiply(sections: List[int], squared_radii: Image) -> None:
        factor = np.interp(np.sqrt(squared_radii), shells, amplitude).astype(np.float32)[rows]
        for section in sections:
            spectrum[section] *= factor

    def add_mean(slab: Volume) -> None:
        slab += np.float32(mean)

    for_section_pairs(volume.shape, band, multiply, threads=threads)
    inverse_along_z(spectrum, band, spectrum, threads=threads)
    return inverse_along_y_and_x(spectrum, band, volume, threads=threads, finish=add_mean)


def for_section_pairs(
    shape: Sequence[int], band: Band, work: Callable[[List[int], Image], object], *, threads: int = 1
) -> None:
    """Call `work` for each pair of sections of a spectrum with opposite frequencies along z, on several threads.

    Both sections have equal squared radii, which are computed once. They are equal for opposite frequencies along y
    too, and only given for y >= 0: `squared_radii[folded_index(rows)]` extends them to all rows.

    Parameters
    ----------
    shape : three int
        Box of the map, voxels.
    band : Band
        Frequencies of the spectrum.
    work : callable
        Receives the indices of the sections (two, or one that has no opposite) and the squared radii of their Fourier
        components (y, x), in Fourier pixels of the longest side.
    threads : int
    """
    longest = max(shape)
    counts = [positive + negative for positive, negative in band]
    z, y, x = (
        (np.arange(count) * (longest / side)) ** 2
        for count, side in zip((_folded_length(counts[0]), _folded_length(counts[1]), counts[2]), shape)
    )

    def work_on_pair(section: int) -> None:
        opposite = counts[0] - section
        # Rounded, so that whole numbers stay whole; in a cubic box all of them are.
        squared_radii = np.round(z[section] + y[:, None] + x, 6).astype(np.float32)
        work([section, opposite] if len(z) <= opposite < counts[0] else [section], squared_radii)

    for_each(range(len(z)), work_on_pair, threads=threads)


def folded_index(count: int) -> NDArray[np.intp]:
    """Return the absolute frequency of each element along an axis of a spectrum, such as 0, 1, 2, 2, 1 for 5."""
    indices = np.arange(count)
    return np.minimum(indices, count - indices)


def _folded_length(count: int) -> int:
    """Return how many absolute frequencies an axis of this many frequencies has."""
    return count // 2 + 1


def _sum_opposite_rows(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add the rows of negative frequencies to those of the opposite positive frequencies."""
    length = _folded_length(len(rows))
    result = rows[:length].copy()
    result[1 : len(rows) - length + 1] += rows[: length - 1 : -1]
    return result
