# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolution of a volume from its half maps."""

from __future__ import annotations

import os
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from occupy_core.errors import MapError
from occupy_core.fourier.resize import cropped_shape, resize
from occupy_core.maps.reading import read_map

_CUTOFF = 0.143  # of the Fourier shell correlation (Rosenthal & Henderson 2003)
_BOX = 256  # larger half maps are cropped in Fourier space


def resolution_from_half_maps(volume: Any) -> Optional[float]:
    """Return the resolution of a Scipion volume, Å, where the correlation of its half maps falls below 0.143.

    None without two half maps that can be read, or if the correlation never falls below the cutoff.
    """
    names = [name.split(":")[0] for name in (volume.getHalfMaps() or "").split(",") if name]
    if len(names) != 2 or not all(map(os.path.exists, names)):
        return None
    try:
        halves = [read_map(name, voxel_size=volume.getSamplingRate()).data for name in names]
    except MapError:
        return None
    if halves[0].shape != halves[1].shape:
        return None
    shape = cropped_shape(halves[0].shape, _BOX)
    small = [half if half.shape == shape else resize(half, shape) for half in halves]
    correlation = shell_correlation(*small)
    below = np.flatnonzero(correlation[1:] < _CUTOFF)
    box = max(halves[0].shape) * volume.getSamplingRate()
    return float(box / (below[0] + 1)) if below.size else None


def shell_correlation(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Return the Fourier shell correlation of two maps.

    Parameters
    ----------
    one, other : arrays, 3D, of one shape

    Returns
    -------
    float array
        Correlation in shells whose radius rises by one wave along the longest side of the box, from 0 to Nyquist.
    """
    spectra = [np.fft.rfftn(values) for values in (one, other)]
    longest = max(one.shape)
    waves = [np.fft.fftfreq(one.shape[0]), np.fft.fftfreq(one.shape[1]), np.fft.rfftfreq(one.shape[2])]
    z, y, x = np.meshgrid(*waves, indexing="ij", sparse=True)
    shells = np.rint(np.sqrt(z**2 + y**2 + x**2) * longest).astype(int).ravel()

    def summed(values: NDArray[Any]) -> NDArray[Any]:
        return np.bincount(shells, weights=values.ravel())[: longest // 2]

    product = summed((spectra[0] * spectra[1].conj()).real)
    powers = summed(abs(spectra[0]) ** 2) * summed(abs(spectra[1]) ** 2)
    return np.asarray(product / np.sqrt(np.maximum(powers, np.finfo(float).tiny)))
