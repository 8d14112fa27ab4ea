# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the occupancy of each part in each volume, with 90 % intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Floats, Mask, Volume
from occupy_core.comparing.limits import BLUR_OF_LOWPASS, TINY
from occupy_core.comparing.occupancies import Interval, inner_voxels, interval, mixing_with, without_mixing
from occupy_core.ensembles.components import Components
from occupy_core.ensembles.limits import BELOW_TOP, OTHER_ERROR, REFERENCE_ERROR, TOP_SHARE, UNEVEN
from occupy_core.ensembles.parts import VaryingPart
from occupy_core.ensembles.stored_volumes import StoredVolumes
from occupy_core.ensembles.unevenness import spreads_within
from occupy_core.ensembles.variation import VolumeNoise
from occupy_core.estimate.coarse_grid import interpolate_on_map_grid
from occupy_core.estimate.prepare import calibrate_map, kernel_maximum, prepare_map
from occupy_core.maps.density_map import map_from_array
from occupy_core.settings.settings import Settings

# Largest share of a part's density that may be mixed in, as for classes: keeps a quotient finite.
_MAX_MIXED = 0.9


@dataclass(frozen=True)
class PartReading:
    """Occupancies of a part.

    Attributes
    ----------
    occupancies : tuple of Interval
        In each volume, 0..1.
    uneven : int
        Number of volumes in which the pieces of the part differ in occupancy; 0 for a part that is one.
    """

    occupancies: Tuple[Interval, ...]
    uneven: int = 0


def read_parts(
    volumes: StoredVolumes,
    parts: Sequence[VaryingPart],
    components: Components,
    noise: VolumeNoise,
    settings: Settings,
    lowpass: float,
) -> List[PartReading]:
    """Read the occupancy of each part in each volume.

    Parameters
    ----------
    volumes : StoredVolumes
    parts : sequence of VaryingPart
    components : Components
    noise : VolumeNoise
    settings : Settings
        Of calibrated normalisation in occupancy mode.
    lowpass : float
        Low-pass of the volumes, Å.

    Notes
    -----
    The mean of the volumes in which a part is densest has little noise: its calibrated scale tells the occupancy there.
    These are the densest tenth, and all volumes in which noise alone may make the part less dense. The densest tenth
    alone is the densest by noise too: relative to its mean, all occupancies would read too low.

    The occupancy in a volume is the density relative to that mean, over the half of the inner voxels that is least
    mixed with the surroundings, as for classes (`occupancies.read_occupancies`); of it, what the components explain.
    The components are those of all voxels of the part, so the noise is that of the mean over all inner voxels. It is
    measured in the common part of all volumes, so no margin is added, as one is for a few classes. Where the pieces of
    a part differ in occupancy by more than noise (`spreads_within`), the part may be several, and its interval is wider
    by what they differ.
    """
    chosen, mixed, sizes = [], [], []
    for part in parts:
        inner = inner_voxels(part.mask, volumes.spacing)
        width = BLUR_OF_LOWPASS * lowpass / volumes.spacing
        mixing = mixing_with(volumes.molecule & ~part.mask, part.mask, inner, width, volumes.threads)
        least = mixing <= np.median(mixing)
        sizes.append(float(inner.sum()) * volumes.spacing**3)
        inner[inner] = least
        chosen.append(inner)
        mixed.append(min(float(mixing[least].mean()), _MAX_MIXED))
    densities = components.explained(_means(volumes, chosen))
    of_factors = _noise_of_factors(volumes, noise)
    scales = [_scales(volumes, *item, settings) for item in zip(parts, chosen, densities, map(noise.at_volume, sizes))]
    spreads = spreads_within(volumes, chosen, [item.occupancies for item in scales], noise)
    return [
        _read_part(item, share, noise.at_volume(size), of_factors, spread)
        for item, share, size, spread in zip(scales, mixed, sizes, spreads)
    ]


def _means(volumes: StoredVolumes, masks: Sequence[Mask]) -> NDArray[np.float64]:
    """Return the mean density of each mask in each volume (mask, volume)."""
    result = np.empty((len(masks), len(volumes)))
    for number in range(len(volumes)):
        density = volumes.load(number)
        result[:, number] = [density[mask].mean(dtype=np.float64) for mask in masks]
    return result


def _noise_of_factors(volumes: StoredVolumes, noise: VolumeNoise) -> NDArray[np.float64]:
    """Return the noise of each volume's grey factor, relative: that of a common part as large as the molecule."""
    inside = float(volumes.molecule.sum()) * volumes.spacing**3
    return noise.at_volume(inside) / max(float(volumes.mean[volumes.molecule].mean()), TINY)


@dataclass(frozen=True)
class _Scales:
    """Densities of a part, relative to the volumes in which it is densest.

    Attributes
    ----------
    full, density : float
        Occupancy of the part (0..1) and its density in the mean of these volumes.
    ratios : float64 array (volume)
        Density in each volume, relative to that mean; 0 or more.
    """

    full: float
    density: float
    ratios: NDArray[np.float64]

    @property
    def occupancies(self) -> List[float]:
        """Occupancy in each volume, 0..1."""
        return [float(min(self.full * ratio, 1.0)) for ratio in self.ratios]


def _scales(
    volumes: StoredVolumes,
    part: VaryingPart,
    chosen: Mask,
    densities: NDArray[np.float64],
    noises: NDArray[np.float64],
    settings: Settings,
) -> _Scales:
    """Return the densities of a part relative to the volumes in which it is densest.

    Parameters
    ----------
    volumes : StoredVolumes
    part : VaryingPart
    chosen : bool array, 3D
        The voxels that are read.
    densities : float64 array (volume)
        Mean density of these voxels.
    noises : float64 array (volume)
        Standard deviation of the noise of these densities.
    settings : Settings
    """
    top = np.argsort(part.profile)[-max(1, round(TOP_SHARE * len(volumes))) :]
    lowest = float(densities[top].mean()) - BELOW_TOP * float(np.median(noises))
    top = np.union1d(top, np.flatnonzero(densities > lowest))
    full = _calibrated_scale(volumes.mean_of(top.tolist()), chosen, volumes.spacing, settings)
    density = max(float(densities[top].mean()), TINY)
    return _Scales(full, density, np.maximum(densities, 0.0) / density)


def _read_part(
    scales: _Scales,
    mixed: float,
    noises: NDArray[np.float64],
    of_factors: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> PartReading:
    """Read the occupancies of one part.

    Parameters
    ----------
    scales : _Scales
    mixed : float
        Share of the part's density that the surroundings have, 0..1.
    noises, of_factors, spread : float64 arrays (volume)
        Standard deviations: of the noise of the densities, of each volume's grey factor (relative), of the occupancies
        of the part's pieces.
    """
    full = scales.full
    occupancies = []
    for value, ratio, own, of_factor, between in zip(
        scales.occupancies, scales.ratios, noises / scales.density, of_factors, spread
    ):
        above = value - without_mixing(float(ratio), full, mixed)
        of_value = value * math.hypot(float(of_factor), REFERENCE_ERROR)
        error = math.sqrt((full * float(own)) ** 2 + of_value**2 + OTHER_ERROR**2 + float(between) ** 2)
        occupancies.append(interval(value, error, above))
    return PartReading(tuple(occupancies), int((spread > UNEVEN).sum()))


def _calibrated_scale(mean: Volume, chosen: Mask, spacing: float, settings: Settings) -> float:
    """Return the median calibrated scale of a map of the coarse grid at chosen voxels; 0..1."""
    source = map_from_array(mean, voxel_size=spacing, name="mean of volumes")
    prepared = prepare_map(source, settings)
    maximum = kernel_maximum(prepared)
    calibration = calibrate_map(prepared, maximum)
    reference, grid = calibration.reference, calibration.molecule.grid
    scale: Floats = (grid.nearest(maximum) - np.float32(reference.zero)) / np.float32(reference.value - reference.zero)
    values = interpolate_on_map_grid(scale, mean.shape, spacing=grid.step)[chosen]
    return float(np.clip(np.median(values), 0.0, 1.0))
