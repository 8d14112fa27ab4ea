# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the volumes of an ensemble one by one, and keep their low-passed densities on the coarse grid in a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterator, List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.quantiles import median
from occupy_core.arrays.smoothing import gaussian_smooth_at
from occupy_core.arrays.types import Floats, Mask, Volume
from occupy_core.comparing.each_map import ReadInput, measure_usable_maps
from occupy_core.comparing.limits import DETECTION_WIDTHS, MIN_VOXELS
from occupy_core.ensembles.limits import MIN_SHARE_OF_VOLUMES
from occupy_core.errors import MapError
from occupy_core.estimate.prepare import prepare_map
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.grid import MapGrid
from occupy_core.progress import Step
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings


@dataclass(frozen=True)
class StoredVolumes:
    """Volumes on one coarse grid, in a temporary file.

    Attributes
    ----------
    densities : tuple of DiskArray of float32
        The low-passed map of each volume, with the median density of its solvent subtracted, in its own grey scale.
    grey_factors : float64 array (volume)
        By which each density is divided when it is loaded; 1 until the grey scales are known.
    indices : tuple of int
        Index of each volume in the job's maps.
    mean : float32 array, 3D
        Mean density of the volumes, each divided by its grey factor.
    molecule : bool array, 3D
        Voxels that belong to the molecule in any volume, but for single voxels of noise.
    grid : MapGrid
        Grid of the maps.
    step : float
        Spacing of the coarse grid, in voxels of the maps.
    spacing : float
        The same in Å.
    threads : int
    rows : tuple of DiskArray of float32
        Each density at the voxels of the molecule under the narrowest smoothing, in its own grey scale, because most
        steps need it; empty until `with_rows`.
    """

    densities: Tuple[DiskArray, ...]
    grey_factors: NDArray[np.float64]
    indices: Tuple[int, ...]
    mean: Volume
    molecule: Mask
    grid: MapGrid
    step: float
    spacing: float
    threads: int = 1
    rows: Tuple[DiskArray, ...] = ()

    def __len__(self) -> int:
        return len(self.densities)

    def load(self, number: int) -> Volume:
        """Return the density of a volume in the common grey scale: float32 array, 3D."""
        density: Volume = self.densities[number].load()
        density /= np.float32(self.grey_factors[number])
        return density

    def smoothed(self, mask: Mask, width: float) -> Iterator[Floats]:
        """Yield the density of each volume at the voxels of a mask, under a Gaussian of this full width, Å."""
        for number in range(len(self)):
            yield gaussian_smooth_at(self.load(number), mask, width / self.spacing, threads=self.threads)

    def with_rows(self) -> StoredVolumes:
        """Return the volumes with their densities under the narrowest smoothing stored too."""
        width = DETECTION_WIDTHS[0] / self.spacing
        rows = (
            DiskArray(gaussian_smooth_at(density.load(), self.molecule, width, threads=self.threads))
            for density in self.densities
        )
        return replace(self, rows=tuple(rows))

    def narrowly_smoothed(self) -> Iterator[Floats]:
        """Yield the density of each volume at the voxels of the molecule, under the narrowest smoothing."""
        for row, factor in zip(self.rows, self.grey_factors):
            values: Floats = row.load()
            values /= np.float32(factor)
            yield values

    def mean_of(self, numbers: Sequence[int]) -> Volume:
        """Return the mean density of some volumes: float32 array, 3D."""
        total = np.zeros(self.mean.shape, dtype=np.float32)
        for number in numbers:
            total += self.load(number)
        total /= np.float32(max(len(numbers), 1))
        return total

    def with_grey_factors(self, factors: NDArray[np.float64]) -> StoredVolumes:
        """Return the volumes in another common grey scale, with their mean in it."""
        stored = replace(self, grey_factors=factors)
        return replace(stored, mean=stored.mean_of(range(len(stored))))


@dataclass(frozen=True)
class _OneVolume:
    """Properties of one volume that stay in memory; the molecule is a bool array packed to bits."""

    density: DiskArray
    molecule: NDArray[np.uint8]
    grid: MapGrid
    step: float


def store_volumes(
    maps: Sequence[MapInput],
    settings: Settings,
    *,
    threads: int,
    notes: List[str],
    step: Step,
    read: ReadInput,
) -> StoredVolumes:
    """Read all maps, one after the other, and keep what the comparison needs.

    Parameters
    ----------
    maps : sequence of MapInput
    settings : Settings
        Of calibrated normalisation in occupancy mode, with the low-pass for all maps.
    threads : int
    notes : list of str
        Receives a line for each map that is left out, with the reason.
    step : callable
        Called before each map with the fraction of the maps that is done (0..1) and the name of the map.
    read : callable
        Takes a MapInput and returns its DensityMap, whose memory is overwritten.

    Raises
    ------
    MapError
        If a map is damaged, or fewer than two maps show a molecule.
    JobError
        If two maps do not lie on one grid, or a temporary file cannot be written.
    """

    def keep(source: DensityMap, threads: int) -> _OneVolume:
        prepared = prepare_map(source, settings, threads=threads, overwrite=True)
        assert prepared.molecule is not None, "calibrated normalisation looks for the molecule"
        molecule = prepared.molecule
        if molecule.mask.sum() < MIN_VOXELS:
            raise MapError("no density stands out of the solvent")
        density = molecule.density
        solvent = molecule.grid.nearest(prepared.solvent) & ~any_within(molecule.near_density, 1, threads=threads)
        if solvent.sum() >= MIN_VOXELS:
            density -= np.float32(median(density[solvent]))
        return _OneVolume(DiskArray(density), np.packbits(molecule.mask), source.grid, molecule.grid.step)

    found = measure_usable_maps(maps, keep, notes, step, read=read, threads=threads)
    if len(found) < 2:
        raise MapError("; ".join(["fewer than two of the volumes can be compared", *notes]))
    first = next(iter(found.values()))
    mean: Volume = np.zeros_like(first.density.load())
    counts = np.zeros(mean.shape, dtype=np.uint16)
    for item in found.values():
        counts += np.unpackbits(item.molecule, count=mean.size).reshape(mean.shape)
        mean += item.density.load()
    mean /= np.float32(len(found))
    molecule = counts >= max(1, round(MIN_SHARE_OF_VOLUMES * len(found)))
    return StoredVolumes(
        tuple(item.density for item in found.values()),
        np.ones(len(found)),
        tuple(found),
        mean,
        molecule,
        first.grid,
        first.step,
        first.step * first.grid.voxel_size,
        threads,
    )
