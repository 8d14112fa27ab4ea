# SPDX-License-Identifier: GPL-3.0-or-later
"""What depends on the length of waves alone: power in shells of a spectrum, and noise that has it."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.slabs import for_each
from occupy_core.arrays.types import Volume
from occupy_core.fourier.transforms import (
    Spectrum,
    Waves,
    forward,
    inverse_along_y_and_x,
    inverse_along_z,
    waves_within,
)


def radial_power(
    volume: Volume,
    *,
    mean: float = 0.0,
    where: Optional[NDArray[np.bool_]] = None,
    threads: int = 1,
    workspace: Optional[Spectrum] = None,
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
        The result does not depend on it.
    workspace : complex64 array, optional
        Of the shape of the map's spectrum, to be overwritten.
    """

    def get_rows(rows: slice) -> Volume:
        chosen = volume[:, rows] - np.float32(mean)
        if where is not None:
            chosen *= where[:, rows]
        return chosen

    total, counts = power_in_shells(
        volume, 2 * max(volume.shape), shells_a_wave=1, threads=threads, get_rows=get_rows, workspace=workspace
    )
    return total / np.maximum(counts, 1) / volume.size


def power_in_shells(
    volume: Volume,
    radius: int,
    *,
    shells_a_wave: int,
    threads: int = 1,
    get_rows: Optional[Callable[[slice], Volume]] = None,
    workspace: Optional[Spectrum] = None,
) -> Tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For shells of a spectrum, by their radius: power in all, and how many waves; the mean counts for nothing.

    Parameters
    ----------
    volume : float32 array, 3D
    radius : int
        Up to which it is wanted, in waves across the longest side.
    shells_a_wave : int
        How fine the shells are.
    threads : int
    get_rows : callable, optional
        As `transforms.spectrum_of` takes it.
    workspace : complex64 array, optional
        Of the shape of the spectrum, to be overwritten.
    """
    waves = waves_within(volume.shape, radius)
    spectrum = forward(volume, waves, threads=threads, get_rows=get_rows, out=workspace)
    size = shells_a_wave * 2 * max(volume.shape)
    totals, numbers = np.empty((2, len(spectrum), size))
    one = _folded(np.ones(spectrum.shape[1:]))

    def add_up(sections: List[int], squares: Volume) -> None:
        shells = np.rint(shells_a_wave * np.sqrt(squares)).astype(np.intp).ravel()
        power = _folded(sum(np.abs(spectrum[place]).astype(np.float64) ** 2 for place in sections))
        totals[sections[0]] = np.bincount(shells, weights=power.ravel(), minlength=size)
        numbers[sections[0]] = len(sections) * np.bincount(shells, weights=one.ravel(), minlength=size)

    for_section_pairs(volume.shape, waves, add_up, threads=threads)
    lengths = _lengths(len(spectrum))
    total, counts = (values[:lengths].sum(axis=0) for values in (totals, numbers))
    total[0] = counts[0] = 0
    return total, counts


def give_spectrum(
    noise: Volume,
    power: NDArray[np.float64],
    *,
    mean: float = 0.0,
    threads: int = 1,
    workspace: Optional[Spectrum] = None,
) -> Volume:
    """White noise of variance 1 given a radial power spectrum, and a mean.

    Parameters
    ----------
    noise : float32 array, 3D
        Overwritten.
    power : float64 array, 1D
        As `radial_power` gives it; between whole waves it is interpolated.
    mean : float
        Added in the end.
    threads : int
        For the transforms; the result does not depend on it.
    workspace : complex64 array, optional
        Of the shape of the noise's spectrum, to be overwritten.
    """
    amplitude, lengths = np.sqrt(power), np.arange(len(power))
    waves = waves_within(noise.shape, 2 * max(noise.shape))
    spectrum = forward(noise, waves, threads=threads, out=workspace)
    rows = folded_index(spectrum.shape[1])

    def shape(sections: List[int], squares: Volume) -> None:
        factor = np.interp(np.sqrt(squares), lengths, amplitude).astype(np.float32)[rows]
        for place in sections:
            spectrum[place] *= factor

    def add_mean(slab: Volume) -> None:
        slab += np.float32(mean)

    for_section_pairs(noise.shape, waves, shape, threads=threads)
    inverse_along_z(spectrum, waves, spectrum, threads=threads)
    return inverse_along_y_and_x(spectrum, waves, noise, threads=threads, finish=add_mean)


def for_section_pairs(
    shape: Sequence[int], waves: Waves, work: Callable[[List[int], Volume], object], *, threads: int = 1
) -> None:
    """Go through a spectrum by the lengths of its waves, which do not depend on the signs of z and y.

    Parameters
    ----------
    shape : three int
        The box.
    waves : Waves
        Those that the spectrum has.
    work : callable
        Called, in threads, with the sections that have z in common but for its sign, and the squared lengths of their
        waves in waves across the longest side: of rows up to half of the box, which `mirrored` takes to all rows.
    threads : int
    """
    longest = max(shape)
    counts = [above + below for above, below in waves]
    z, y, x = (
        (np.arange(count) * (longest / side)) ** 2
        for count, side in zip((_lengths(counts[0]), _lengths(counts[1]), counts[2]), shape)
    )

    def go_through(place: int) -> None:
        mirror = counts[0] - place
        # Whole numbers in a cubic box; the rounding keeps them so.
        squares = np.round(z[place] + y[:, None] + x, 6).astype(np.float32)
        work([place, mirror] if len(z) <= mirror < counts[0] else [place], squares)

    for_each(range(len(z)), go_through, threads=threads)


def folded_index(count: int) -> NDArray[np.intp]:
    """The length of each of the waves of an axis that has so many."""
    places = np.arange(count)
    return np.minimum(places, count - places)


def _lengths(count: int) -> int:
    """How many lengths the waves of an axis have that has so many, in both directions."""
    return count // 2 + 1


def _folded(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of the rows of each length."""
    lengths = _lengths(len(rows))
    result = rows[:lengths].copy()
    result[1 : len(rows) - lengths + 1] += rows[: lengths - 1 : -1]
    return result
