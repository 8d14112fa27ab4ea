# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of one class that the comparison and the shared scale need.

Ours, not in the published program. All arrays are on the coarse grid, because the low-pass leaves no finer detail, and
are kept in files, so that many classes take no more memory than a few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.arrays.types import Floats, Mask, Volume
from occupy_core.comparing.limits import MIN_VOXELS
from occupy_core.estimate.prepare import PreparedMap, calibrate_map
from occupy_core.estimate.reference import Reference


@dataclass(frozen=True)
class ClassData:
    """Data of one class on the coarse grid; all arrays have one shape (z, y, x).

    Attributes
    ----------
    reference : Reference
        Zero and full scale of the class, calibrated by itself.
    density : DiskArray of float32
        The low-passed map, with the median density of its solvent subtracted.
    own_scale : DiskArray of float32
        Local scale of the class, calibrated by itself; 0..1.
    molecule : DiskArray of bool
        The molecule, as the calibration finds it.
    best_region : DiskArray of bool
        The region that the calibration reads full scale from.
    solvent_region : DiskArray of bool
        The solvent region.
    spacing : float
        Spacing of the coarse grid, Å.
    """

    reference: Reference
    density: DiskArray
    own_scale: DiskArray
    molecule: DiskArray
    best_region: DiskArray
    solvent_region: DiskArray
    spacing: float

    @property
    def span(self) -> float:
        """Full scale minus zero, as a density in the map's grey scale."""
        return self.reference.value - self.reference.zero


def calibrate_class(estimate: PreparedMap, maximum: Volume, *, threads: int = 1) -> ClassData:
    """Calibrate one class by itself, and keep its data on the coarse grid.

    Parameters
    ----------
    estimate : PreparedMap
        The map, prepared for calibrated normalisation. Its low-passed map may have been overwritten: the density is
        taken from its coarse grid.
    maximum : float32 array, 3D
        Kernel maximum of the map, in the working box.
    threads : int

    Raises
    ------
    MapError
        If no density stands out of the solvent.
    JobError
        If a temporary file cannot be written.
    """
    calibration = calibrate_map(estimate, maximum, threads=threads)
    grid, density = calibration.molecule.grid, calibration.molecule.density
    if calibration.solvent.sum() >= MIN_VOXELS:
        density -= np.float32(calibration.solvent_level)
    reference = calibration.reference
    own_scale = grid.nearest(maximum) - np.float32(reference.zero)
    own_scale /= np.float32(reference.value - reference.zero)
    return ClassData(
        reference,
        DiskArray(density),
        DiskArray(np.clip(own_scale, 0, 1, out=own_scale)),
        DiskArray(calibration.molecule.mask),
        DiskArray(calibration.best_region),
        DiskArray(grid.nearest(estimate.solvent)),
        grid.step * estimate.parameters.voxel_size,
    )


def choose_reference_class(
    classes: Sequence[ClassData], named: Optional[int] = None, counted: Sequence[int] = ()
) -> int:
    """Return the index of the reference class.

    Parameters
    ----------
    classes : sequence of ClassData
    named : int, optional
        Index of the class that the user names.
    counted : sequence of int
        Indices of the classes with enough particles; all classes if there is none.

    Returns
    -------
    int
        The named class; without one, the class with the largest span among those with enough particles.
    """
    if named is not None:
        return named
    return max(counted or range(len(classes)), key=lambda index: classes[index].span)


def densities_and_scales(
    classes: Sequence[ClassData], scale_factors: Sequence[float], molecule: Mask
) -> Tuple[Floats, Floats, Volume]:
    """Return density and shared scale of each class (class, voxel of the molecule), and the spread of the scale, 3D."""
    densities, scales = (np.empty((len(classes), int(molecule.sum())), dtype=np.float32) for _ in range(2))
    highest, lowest = np.zeros(molecule.shape, dtype=np.float32), np.ones(molecule.shape, dtype=np.float32)
    for row, (item, factor) in enumerate(zip(classes, scale_factors)):
        densities[row] = item.density.load()[molecule]
        scale = item.own_scale.load()
        scale *= np.float32(factor)
        np.clip(scale, 0, 1, out=scale)
        scales[row] = scale[molecule]
        np.maximum(highest, scale, out=highest)
        np.minimum(lowest, scale, out=lowest)
        del scale  # frees its memory before the next class is loaded
    highest -= lowest
    return densities, scales, highest
