# SPDX-License-Identifier: GPL-3.0-or-later
"""Find where volumes vary by more than noise, under several smoothings, and measure that noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List

import numpy as np
from numpy.typing import NDArray
from scipy import special

from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.inner_noise import EDGE_OF_WIDTH, averaged_volume, independent_places
from occupy_core.comparing.limits import DETECTION_WIDTHS, FALSE_ALARM, NOISE_MARGIN, TINY
from occupy_core.comparing.two_groups import Peak, find_peak
from occupy_core.comparing.verdict import sure_sigmas
from occupy_core.ensembles.limits import TOLD_BY
from occupy_core.ensembles.stored_volumes import StoredVolumes


@dataclass(frozen=True)
class VolumeNoise:
    """Noise of the volumes inside the molecule, in their common grey scale.

    Attributes
    ----------
    by_width : dict of float to float64 array (volume)
        Standard deviation of each volume under a smoothing, by the full width of its Gaussian, Å.
    """

    by_width: Dict[float, NDArray[np.float64]]

    def at_volume(self, volume: float) -> NDArray[np.float64]:
        """Return the noise of means over so many Å^3, between those of the smoothings, which average as much."""
        widths = sorted(self.by_width)
        edge = math.log(min(max(volume ** (1 / 3) / EDGE_OF_WIDTH, widths[0]), widths[-1]))
        values = np.log(np.maximum([self.by_width[width] for width in widths], TINY))
        return np.exp([np.interp(edge, np.log(widths), column) for column in values.T])


@dataclass(frozen=True)
class Variation:
    """The voxels where volumes vary.

    Attributes
    ----------
    varying : bool array (voxel of the molecule)
        Voxels where the volumes vary by more than noise makes anywhere in the molecule, under some smoothing.
    noise : VolumeNoise
    independence : float
        How evenly the noise is shared by as many components as there are volumes, by the median eigenvalue of its
        covariances between the volumes, relative to their mean: 0 for a mixture of a few components, about 1 for few
        independent volumes.
    """

    varying: NDArray[np.bool_]
    noise: VolumeNoise
    independence: float


def find_variation(volumes: StoredVolumes, common: Mask) -> Variation:
    """Find the voxels of the molecule where the volumes vary by more than noise.

    Parameters
    ----------
    volumes : StoredVolumes
        In one grey scale.
    common : bool array, 3D
        Sampled voxels of the part that is the same in all volumes; the noise is measured there.

    Notes
    -----
    Two tests, each at the false alarm of one sure region in all of the molecule (`verdict.sure_sigmas`): the variance
    over the volumes against that of noise (chi-square), which sees what many volumes share, and the largest deviation
    of a volume from the mean, which sees what a single volume has. Both tests know the number of volumes. The noise is
    an empirical null (Efron, J. Am. Stat. Assoc. 99 (2004), 96): the most frequent standard deviation over the volumes
    among the voxels of the common part, and its degrees of freedom, by how much it spreads there. Independent volumes
    with even noise have one degree of freedom less than volumes. Those of a variability analysis or of a neural network
    have a few, however many there are: their noise is a mixture of a few components.
    """
    size = int(volumes.molecule.sum())
    in_common = common[volumes.molecule]
    varying = np.zeros(size, dtype=bool)
    by_width: Dict[float, NDArray[np.float64]] = {}
    free = independence = 0.0
    for width in DETECTION_WIDTHS:
        moments = _Moments(size)
        sampled: List[Floats] = []
        is_narrow = width == DETECTION_WIDTHS[0]
        for values in volumes.narrowly_smoothed() if is_narrow else volumes.smoothed(volumes.molecule, width):
            moments.add(values)
            sampled.append(values[in_common])
        deviation = moments.deviation
        peak = find_peak(deviation[in_common].astype(np.float32))
        if is_narrow:  # noise has as many components under any smoothing; a wide one brings in what varies nearby
            free = _degrees_of_freedom(peak, len(volumes))
        null = _Null.of_peak(peak, free)
        by_width[width] = _noise_of_volumes(np.array(sampled), null.deviation)
        if is_narrow:
            independence = _independence(np.array(sampled), by_width[width])
        places = independent_places(size * volumes.spacing**3, averaged_volume(width))
        varying |= deviation > null.largest(places)
        largest = float(by_width[width].max())
        varying |= moments.farthest > sure_sigmas(places, len(volumes)) * largest
    return Variation(varying, VolumeNoise(by_width), independence)


def _degrees_of_freedom(peak: Peak, count: int) -> float:
    """Return the degrees of freedom of the noise of `count` volumes, by the peak of its standard deviations."""
    return min(1 + peak.middle**2 / (2 * max(peak.sigma, TINY) ** 2), count - 1.0)


@dataclass(frozen=True)
class _Null:
    """Distribution of the standard deviation over the volumes where noise alone makes them differ: a chi distribution.

    Attributes
    ----------
    deviation : float
        Standard deviation of the noise.
    free : float
        Degrees of freedom of the noise, 1 or more.
    """

    deviation: float
    free: float

    @classmethod
    def of_peak(cls, peak: Peak, free: float) -> _Null:
        """Return the distribution with this peak, whose spread may be wider than that of so many degrees of freedom.

        With n degrees of freedom, the most frequent value is sqrt(1 - 1 / n) of the standard deviation, and the spread
        about it 1 / sqrt(2 n).
        """
        spread = min(2 * peak.sigma**2, peak.middle**2 / max(free - 1, TINY))
        return cls(max(math.sqrt(peak.middle**2 + spread), TINY), free)

    def largest(self, places: float) -> float:
        """Return the standard deviation over the volumes that noise exceeds in none of so many places."""
        chance = FALSE_ALARM / places
        return NOISE_MARGIN * self.deviation * math.sqrt(float(special.chdtri(self.free, chance)) / self.free)


def _noise_of_volumes(sampled: Floats, typical: float) -> NDArray[np.float64]:
    """Return the noise of each volume: its deviation from the mean in the common part, at the typical noise on average.

    The common part holds voxels that vary a little, beside parts that come and go: they raise the noise of all volumes.
    """
    rest = sampled - sampled.mean(axis=0)
    middle = np.median(np.abs(rest), axis=1).astype(np.float64)
    scale = typical / max(math.sqrt(float((middle**2).mean())), TINY)
    return np.maximum(middle * scale, TINY)


def _independence(sampled: Floats, noises: NDArray[np.float64]) -> float:
    """Return `Variation.independence`, of densities (volume, voxel) and of the noise of each volume.

    The more volumes, the more of them the noise of a voxel's surroundings relates: a few are enough.
    """
    chosen = np.unique(np.linspace(0, len(sampled) - 1, min(len(sampled), TOLD_BY)).round().astype(int))
    rest = (sampled[chosen] - sampled[chosen].mean(axis=0)) / noises[chosen, None]
    rest -= rest.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(rest @ rest.T)[1:]  # the mean takes one
    return float(np.median(eigenvalues)) / max(float(eigenvalues.mean()), TINY)


class _Moments:
    """Mean, variance and range of each voxel over the volumes, one volume at a time (Welford's updates)."""

    def __init__(self, size: int) -> None:
        self._count = 0
        self._mean, self._squares = np.zeros(size), np.zeros(size)
        self._low, self._high = np.full(size, np.inf), np.full(size, -np.inf)

    def add(self, values: Floats) -> None:
        self._count += 1
        change = values - self._mean
        self._mean += change / self._count
        self._squares += change * (values - self._mean)
        np.minimum(self._low, values, out=self._low)
        np.maximum(self._high, values, out=self._high)

    @property
    def deviation(self) -> NDArray[np.float64]:
        """Standard deviation of each voxel."""
        return np.sqrt(self._squares / (self._count - 1))

    @property
    def farthest(self) -> NDArray[np.float64]:
        """Largest distance of a volume from the mean, at each voxel."""
        return np.maximum(self._high - self._mean, self._mean - self._low)
