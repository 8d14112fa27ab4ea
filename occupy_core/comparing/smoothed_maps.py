# SPDX-License-Identifier: GPL-3.0-or-later
"""Class maps under a Gaussian smoothing, on one grey scale, and the noise of each.

Ours, not in the published program. Smoothing is linear: noise does not bias a smoothed density, as it does the kernel
maximum, so classes of unequal noise do not differ because of their noise. The limits below are our own choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np

from occupy_core.arrays.boxes import scatter
from occupy_core.arrays.disk_array import DiskArray
from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.slabs import for_each
from occupy_core.arrays.smoothing import gaussian_smooth, gaussian_smooth_at, sampling_step
from occupy_core.arrays.types import Floats, Mask, Volume
from occupy_core.comparing.limits import MIN_RELATIVE_DENSITY, MIXING_REACH

# Smoothing leaves less noise near voxels that are set to 0. Noise is measured only where at least this share of the
# highest remaining power of white noise is left.
_MIN_POWER = 0.5


@dataclass(frozen=True)
class ClassMaps:
    """The class maps to compare, on one coarse grid; all arrays have one shape (z, y, x).

    Attributes
    ----------
    densities : sequence of DiskArray of float32
        Density of each class, with the median density of its solvent subtracted.
    solvent_regions : sequence of DiskArray of bool
        Solvent region of each class, without flat areas.
    molecule : bool array
        Voxels that belong to the molecule in any class.
    common : bool array
        The common part, by which the grey scales are matched; all False if there is none.
    fully_occupied : bool array
        Voxels where the reference class is fully occupied.
    spacing : float
        Spacing of the coarse grid, Å.
    threads : int
    """

    densities: Sequence[DiskArray]
    solvent_regions: Sequence[DiskArray]
    molecule: Mask
    common: Mask
    fully_occupied: Mask
    spacing: float
    threads: int = 1


def region_without_density(maps: ClassMaps, width: float) -> Mask:
    """Return the voxels that are farther than 8 Å from the clear density of every map.

    Parameters
    ----------
    maps : ClassMaps
    width : float
        Full width at half maximum of the smoothing under which density is looked for, Å.

    Returns
    -------
    bool array, 3D

    Notes
    -----
    Only clear density and its surroundings are left out. Leaving out all voxels that might be density would leave out
    the stronger half of the noise.
    """
    voxels = width / maps.spacing
    dense = np.zeros(int(maps.molecule.sum()), dtype=bool)
    for stored in maps.densities:
        smooth = gaussian_smooth_at(stored.load(), maps.molecule, voxels, threads=maps.threads)
        dense |= smooth > np.float32(MIN_RELATIVE_DENSITY * np.median(smooth[maps.fully_occupied[maps.molecule]]))
    reach = round(MIXING_REACH / maps.spacing)
    return ~any_within(scatter(dense, maps.molecule), reach, threads=maps.threads)


def smoothed_maps(maps: ClassMaps, empty: Mask, reference: int, width: float) -> Tuple[Floats, List[float]]:
    """Smooth all maps and bring them to the grey scale of the reference class.

    Parameters
    ----------
    maps : ClassMaps
    empty : bool array, 3D
        Voxels without density in any map.
    reference : int
        Index of the reference class.
    width : float
        Full width of the Gaussian at half maximum, Å.

    Returns
    -------
    densities : float32 array (map, voxel of the molecule)
        The smoothed densities, in the order of the voxels of `maps.molecule`.
    noises : list of float
        Standard deviation of each smoothed map's noise; 0 where there is no solvent.
    """
    voxels, count = width / maps.spacing, len(maps.densities)
    densities = np.empty((count, int(maps.molecule.sum())), dtype=np.float32)
    noises = [0.0] * count
    meters = _noise_meters(maps, empty, voxels)
    threads = max(1, maps.threads // count)  # for each map; several are smoothed at a time

    def smooth(index: int) -> None:
        values = maps.densities[index].load()
        densities[index] = gaussian_smooth_at(values, maps.molecule, voxels, threads=threads)
        noises[index] = meters[index].noise(values, voxels, threads)

    for_each(range(count), smooth, threads=maps.threads)
    if maps.common.any():
        _match_grey_scales(densities, noises, maps.common[maps.molecule], reference)
    return densities, noises


def _noise_meters(maps: ClassMaps, empty: Mask, width: float) -> List[NoiseMeter]:
    """Return a noise meter for each map and a smoothing of this full width, in voxels.

    The classes mostly have one solvent region: its power is computed once.
    """
    meters: List[NoiseMeter] = []
    for region in maps.solvent_regions:
        solvent = region.load() & empty
        if not meters or not np.array_equal(solvent, meters[-1].solvent):
            meters.append(NoiseMeter.for_solvent(solvent, width, maps.threads))
        else:
            meters.append(meters[-1])
    return meters


def _match_grey_scales(densities: Floats, noises: List[float], common: Mask, reference: int) -> None:
    """Divide each map's densities and noise, in place, by its grey factor.

    The grey factor is the median ratio of the map's densities to the reference map's over the common part. It is
    measured anew under every smoothing: maps of unequal resolution or regularisation fade unequally.
    """
    in_common = densities[:, common]
    for index in range(len(densities)):
        factor = float(np.median(in_common[index] / in_common[reference]))
        if factor > 0:
            densities[index] /= np.float32(factor)
            noises[index] /= factor


@dataclass(frozen=True)
class NoiseMeter:
    """Measures the noise of smoothed maps in their solvent.

    All other voxels (flat areas, the molecule) are set to 0 before the smoothing, and the loss of power that this
    causes is divided out.

    Attributes
    ----------
    solvent : bool array, 3D
        Voxels of the solvent.
    step : int
        The noise is measured at every so many voxels along each axis, since nearer ones say the same.
    measured : bool array, 3D
        Of these voxels, those of the solvent where the noise is measured.
    power : float32 array (voxel of `measured`)
        Power that the smoothing leaves of white noise in the solvent, relative to its power far from other voxels.
    """

    solvent: Mask
    step: int
    measured: Mask
    power: Floats

    @classmethod
    def for_solvent(cls, solvent: Mask, width: float, threads: int) -> NoiseMeter:
        """Make a noise meter for a solvent mask and a smoothing by a Gaussian of this full width, in voxels."""
        step = sampling_step(solvent, width)
        # The square of a Gaussian is a Gaussian that is narrower by the square root of 2.
        power = gaussian_smooth(solvent.astype(np.float32), width / math.sqrt(2), threads=threads, step=step)
        measured = solvent[::step, ::step, ::step] & (power > _MIN_POWER * power.max())
        return cls(solvent, step, measured, power[measured])

    def noise(self, values: Volume, width: float, threads: int) -> float:
        """Return the standard deviation of the smoothed map's noise, 0 if there is no solvent; overwrite `values`."""
        if not self.power.size:
            return 0.0
        values *= self.solvent
        noise = gaussian_smooth(values, width, threads=threads, step=self.step)[self.measured]
        noise *= noise
        noise /= self.power
        return math.sqrt(float(noise.mean(dtype=np.float64)))
