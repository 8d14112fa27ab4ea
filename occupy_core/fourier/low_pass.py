# SPDX-License-Identifier: GPL-3.0-or-later
"""Low-pass filter of maps."""

from __future__ import annotations

import math
from typing import List, Optional, Sequence, Tuple

import numpy as np

from occupy_core.arrays.types import Image, Volume
from occupy_core.fourier.shells import folded_index, for_section_pairs
from occupy_core.fourier.transforms import (
    ROUNDING,
    Band,
    Spectrum,
    band_below_nyquist,
    band_within,
    forward,
    inverse,
    within_band,
)

_DEFAULT_LOWPASS = 8.0  # Å, as published; at least
_DEFAULT_LOWPASS_VOXELS = 3  # this many voxels
_DECIMALS = 9  # of derived values: 3 voxels of 3.54 Å are 10.62 Å, not 10.620000000000001 Å


def default_lowpass(voxel_size: float) -> float:
    """Return the default cutoff of the low-pass, Å: 8 Å or 3 voxels of this size (Å), whichever is larger."""
    return max(_DEFAULT_LOWPASS, round(_DEFAULT_LOWPASS_VOXELS * voxel_size, _DECIMALS))


def low_pass(
    volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1, out: Optional[Volume] = None
) -> Volume:
    """Remove all detail finer than a cutoff from a map.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size : float
        Å.
    cutoff_angstrom : float
        Å. At least two shells across the shortest side must remain.
    threads : int
        Does not change the result.
    out : float32 array of the same shape, optional
        Array for the result; may be `volume`.

    Returns
    -------
    float32 array of the same shape.

    Notes
    -----
    The filter is radial and sharp, centred on the Fourier origin: for n voxels of a Å along the longest side,
    `floor(n a / cutoff) + 1` shells remain. The published program centres its window half a voxel off.
    """
    spectrum, band = _spectrum_within(volume, voxel_size, cutoff_angstrom, threads)
    return inverse(spectrum, band, np.empty_like(volume) if out is None else out, threads=threads)


def low_pass_in_two_boxes(
    volume: Volume,
    smaller: Sequence[int],
    *,
    voxel_size: float,
    cutoff_angstrom: float,
    threads: int = 1,
    out: Optional[Volume] = None,
) -> Tuple[Volume, Volume]:
    """Remove all detail finer than a cutoff from a map, and return the result in a smaller box too.

    Parameters
    ----------
    volume, voxel_size, cutoff_angstrom, threads, out
        As in `low_pass`.
    smaller : three int
        Box of the same size in Å, with at most as many voxels a side.

    Returns
    -------
    lowpassed : float32 array
        Result of `low_pass`.
    resized : float32 array of the smaller shape
        Result of `resize` for `lowpassed` and this shape, but for rounding; computed without a second transform.
    """
    spectrum, band = _spectrum_within(volume, voxel_size, cutoff_angstrom, threads)
    inner = band_below_nyquist(volume.shape, smaller, band)
    factor = math.prod(smaller) / math.prod(volume.shape)
    resized = np.empty(tuple(smaller), dtype=np.float32)
    inverse(within_band(spectrum, band, inner), inner, resized, factor=factor, threads=threads)
    return inverse(spectrum, band, np.empty_like(volume) if out is None else out, threads=threads), resized


def _spectrum_within(volume: Volume, voxel_size: float, cutoff_angstrom: float, threads: int) -> Tuple[Spectrum, Band]:
    """Return the spectrum of a map, 0 beyond the cutoff, and the band that it is computed in."""
    radius = math.floor(max(volume.shape) * voxel_size / cutoff_angstrom * (1 + ROUNDING)) + 1
    band = band_within(volume.shape, radius)
    spectrum = forward(volume, band, threads=threads)
    rows = folded_index(spectrum.shape[1])

    def remove_beyond_radius(sections: List[int], squared_radii: Image) -> None:
        beyond = (squared_radii >= radius**2)[rows]
        for section in sections:
            spectrum[section][beyond] = 0

    for_section_pairs(volume.shape, band, remove_beyond_radius, threads=threads)
    return spectrum, band


def gaussian_low_pass(volume: Volume, width: float) -> Volume:
    """Smooth a map with a Gaussian, by its Fourier transform; the box counts as periodic.

    Parameters
    ----------
    volume : float32 array, 3D
    width : float
        Full width of the Gaussian at half maximum, voxels.

    Returns
    -------
    float32 array of the same shape.
    """
    sigma = width / (2 * math.sqrt(2 * math.log(2)))
    # Frequencies in 1/voxel beyond which the Gaussian's transform has fallen to the rounding of single precision.
    highest = math.sqrt(-2 * math.log(np.finfo(np.float32).eps)) / (2 * math.pi * sigma)
    radius = min(math.ceil(highest * max(volume.shape)) + 1, max(volume.shape))
    band = band_within(volume.shape, radius)
    spectrum = forward(volume, band)
    for axis, ((positive, negative), side) in enumerate(zip(band, volume.shape)):
        frequencies = np.append(np.arange(positive), np.arange(-negative, 0)) / side
        factors = np.exp(-2 * (math.pi * sigma * frequencies) ** 2).astype(np.float32)
        spectrum *= factors.reshape([-1 if other == axis else 1 for other in range(3)])
    return inverse(spectrum, band, np.empty_like(volume))
