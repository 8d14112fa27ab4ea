# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions of the frequency: sums over shells, smoothed, and values at each component of a spectrum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from occupy_core.modelling.group_density import Frequencies

# 1/Å: standard deviation of the Gaussian over which sums of shells are smoothed. Ours.
_SMOOTHING = 0.006
# Share of the finest frequency from which on map and densities fade out.
_TAPER = 0.8


def taper(k: Frequencies, finest: float) -> Frequencies:
    """Return the factor by which frequencies fade out: 1, and a cosine to 0 over the last fifth before `finest` (Å)."""
    along = np.clip((k * finest - _TAPER) / (1 - _TAPER), 0, 1)
    return ((1 + np.cos(np.pi * along)) / 2).astype(np.float32)


class FrequencyShells:
    """Sums over shells of equal frequency, smoothed over neighbouring shells.

    Parameters
    ----------
    k : float32 array, 3D
        Frequency of each component of a real Fourier transform, 1/Å.
    step : float
        Width of a shell, 1/Å.
    finest : float
        Frequency up to which shells are used, 1/Å.
    width : int
        Side of the map along x, voxels.

    Attributes
    ----------
    last : int
        Index of the shell beyond the finest frequency, which collects all that follow.
    centres : float32 array
        Frequency of each shell, 1/Å.
    """

    def __init__(self, k: Frequencies, step: float, finest: float, width: int) -> None:
        self.last = int(np.ceil(finest / step)) + 1
        self.index = np.minimum((k / step + 0.5).astype(np.intp), self.last).ravel()
        # All but the first plane of a half spectrum, and the last of an even one, stand for two components.
        counts = np.full(k.shape[2], 2.0)
        counts[0] = 1
        if width % 2 == 0:
            counts[-1] = 1
        self.counts = np.broadcast_to(counts, k.shape).ravel()
        self.centres = (np.arange(self.last + 1) * step).astype(np.float32)
        apart = self.centres[:, None].astype(float) - self.centres
        self.kernel = np.exp(-0.5 * (apart / max(_SMOOTHING, step)) ** 2)
        # The mean is no signal of the molecule, and what lies beyond the finest detail is not used.
        self.kernel[:, 0] = 0
        self.kernel[:, self.last] = 0

    def smoothed(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return sums of values over the shells, smoothed; for each shell from frequency 0."""
        sums = np.bincount(self.index, values.ravel() * self.counts, self.last + 1)
        smoothed: NDArray[np.float64] = self.kernel @ sums
        return smoothed


def interpolated(values: NDArray[np.float64], step: float, k: Frequencies) -> Frequencies:
    """Return values of shells (`step` apart, from frequency 0) at the frequencies `k`."""
    return np.interp(k, np.arange(len(values)) * step, values).astype(np.float32)
