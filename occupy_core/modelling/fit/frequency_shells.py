# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions of the frequency: sums of a spectrum over shells, and spectra multiplied by a function of the frequency.

Frequencies are computed slab by slab, since arrays of them would need as much memory as the map.
"""

from __future__ import annotations

from typing import Callable, Dict, Optional, Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import Volume
from occupy_core.fourier.transforms import Spectrum
from occupy_core.modelling.fit.group_density import Frequencies, GroupDensity

Doubles = NDArray[np.float64]

# Standard deviation of the Gaussian over which sums of shells are smoothed: 1/Å, and shells at least. A wider one blurs
# the regularisation of RELION, which changes from shell to shell, and parts beside others then read too high. Ours.
_SMOOTHING, _LEAST_SMOOTHING = 0.001, 0.5
# Share of the finest frequency from which on map and densities fade out.
_TAPER = 0.8


def taper(k: Frequencies, finest: float) -> Frequencies:
    """Return the factor by which frequencies fade out: 1, and a cosine to 0 over the last fifth before `finest` (Å)."""
    along = np.clip((k * finest - _TAPER) / (1 - _TAPER), 0, 1)
    return ((1 + np.cos(np.pi * along)) / 2).astype(np.float32)


def falloff(k: Frequencies, b_factor: float) -> Frequencies:
    """Return the factor by which a B-factor (Å^2) weakens each frequency (1/Å)."""
    return np.exp(float(-b_factor / 4) * np.square(k))  # a float keeps float32 in every version of numpy


def tapered(density: GroupDensity, finest: float, b_factor: float = 0.0) -> Volume:
    """Return the density of a group in its own box, blurred (Å^2) and faded out at the finest detail (Å); float32."""
    k = density.frequencies()
    return density.filtered(taper(k, finest) * falloff(k, b_factor))


class FrequencyShells:
    """The shells of equal frequency of the real Fourier transforms of a grid.

    Parameters
    ----------
    shape : three int
        The grid (z, y, x), voxels.
    steps : three float
        Its spacing (z, y, x), Å.
    finest : float
        Finest detail that is used, Å.
    threads : int
        Does not change the results.

    Attributes
    ----------
    step : float
        Width of a shell, 1/Å.
    last : int
        Index of the shell beyond the finest detail, which collects all that follow.
    centres : float32 array
        Frequency of each shell, 1/Å.
    """

    def __init__(self, shape: Sequence[int], steps: Sequence[float], finest: float, threads: int = 1) -> None:
        self.finest, self.threads = finest, threads
        self.step = 1 / max(side * step for side, step in zip(shape, steps))
        self.last = int(np.ceil(1 / finest / self.step)) + 1
        self.centres = (np.arange(self.last + 1) * self.step).astype(np.float32)
        self._squares = [
            transform(side, step) ** 2
            for transform, side, step in zip((scipy.fft.fftfreq, scipy.fft.fftfreq, scipy.fft.rfftfreq), shape, steps)
        ]
        # All but the first plane of a half spectrum, and the last of an even one, stand for two components.
        self._multiplicity = np.full(len(self._squares[2]), 2.0)
        self._multiplicity[0] = 1
        if shape[2] % 2 == 0:
            self._multiplicity[-1] = 1
        apart = self.centres[:, None].astype(float) - self.centres
        self._kernel = np.exp(-0.5 * (apart / max(_SMOOTHING, _LEAST_SMOOTHING * self.step)) ** 2)
        # The mean is no signal of the molecule, and what lies beyond the finest detail is not used.
        self._kernel[:, 0] = 0
        self._kernel[:, self.last] = 0
        self.components = self._sums(lambda slab: None)

    def products(self, one: Spectrum, other: Spectrum) -> Doubles:
        """Return for each shell the sum of the products of two spectra (of one with the complex conjugate)."""
        return self._sums(lambda slab: (one[slab] * other[slab].conj()).real)

    def smoothed(self, sums: Doubles) -> Doubles:
        """Return sums over shells, smoothed over the neighbouring shells."""
        smoothed: Doubles = self._kernel @ sums
        return smoothed

    def shares(self, low: float, high: float) -> Doubles:
        """Return the share of each shell (0..1) that lies between two frequencies, 1/Å."""
        inner, outer = self.centres - self.step / 2, self.centres + self.step / 2
        shares = np.clip((np.minimum(outer, high) - np.maximum(inner, low)) / self.step, 0, 1)
        shares[self.last] = 0
        result: Doubles = shares.astype(float)
        return result

    def multiply(self, spectrum: Spectrum, values: Optional[Doubles] = None, *, fades: bool = False) -> Spectrum:
        """Multiply a spectrum in place by values that are given for each shell, and return it.

        `fades`: whether it is multiplied by `taper` too.
        """

        def work(slab: slice) -> None:
            k = self._frequencies(slab)
            if values is not None:
                spectrum[slab] *= interpolated(values, self.step, k)
            if fades:
                spectrum[slab] *= taper(k, self.finest)

        for_slabs(len(spectrum), work, threads=self.threads)
        return spectrum

    def _frequencies(self, slab: slice) -> Frequencies:
        z, y, x = self._squares
        return np.sqrt(z[slab, None, None] + y[:, None] + x).astype(np.float32)

    def _sums(self, values_of: Callable[[slice], Optional[Volume]]) -> Doubles:
        sums: Dict[int, Doubles] = {}

        def work(slab: slice) -> None:
            index = np.minimum((self._frequencies(slab) / self.step + 0.5).astype(np.intp), self.last)
            values = values_of(slab)
            weights = np.broadcast_to(self._multiplicity, index.shape)
            weights = weights if values is None else values * weights
            sums[slab.start] = np.bincount(index.ravel(), weights.ravel(), self.last + 1).astype(float)

        for_slabs(len(self._squares[0]), work, threads=self.threads)
        total: Doubles = np.sum([sums[start] for start in sorted(sums)], axis=0)
        return total


def interpolated(values: Doubles, step: float, k: Frequencies) -> Frequencies:
    """Return values of shells (`step` apart, from frequency 0) at the frequencies `k`."""
    return np.interp(k, np.arange(len(values)) * step, values).astype(np.float32)
