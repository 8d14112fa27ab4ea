# SPDX-License-Identifier: GPL-3.0-or-later
"""What the comparison of classes needs of each, and what they have in common.

Ours, not in the published program. All of it is on a coarse grid, since only what the low-pass leaves counts, and in
files, so that many classes take no more memory than a few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from occupy_core.arrays.types import Volume
from occupy_core.comparing.disk_array import DiskArray
from occupy_core.estimate.prepare import PreparedMap, calibrate_map
from occupy_core.estimate.reference import Reference

LEAST_VOXELS = 30  # for an average to tell anything


@dataclass(frozen=True)
class ClassData:
    """What the comparison needs of one class, on a coarse grid.

    Attributes
    ----------
    reference : Reference
        Of the class's own calibration.
    density : Stored float32 array
        The low-passed map with its solvent at 0.
    own_scale : Stored float32 array of the same shape
        Calibrated to the class's own best region; 0..1.
    molecule, best : Stored bool arrays of the same shape
        From the calibration.
    inside : Stored bool array of the same shape
        Where solvent was looked for.
    spacing : float
        Of the coarse grid, Å.
    """

    reference: Reference
    density: DiskArray
    own_scale: DiskArray
    molecule: DiskArray
    best: DiskArray
    inside: DiskArray
    spacing: float

    @property
    def span(self) -> float:
        """From the zero of the scale to its one, as a density."""
        return self.reference.value - self.reference.zero


def class_data(estimate: PreparedMap, maximum: Volume, *, threads: int = 1) -> ClassData:
    """Calibrate one class by itself, from its estimate and `estimate.maximum_of` that; errors as of
    `calibration.calibrate`. The low-passed map is taken from the estimate's coarse grid alone."""
    found = calibrate_map(estimate, maximum, threads=threads)
    grid, density = found.molecule.grid, found.molecule.density
    if found.solvent.sum() >= LEAST_VOXELS:
        density -= np.float32(found.level)
    reference = found.reference
    own_scale = grid.nearest(maximum) - np.float32(reference.zero)
    own_scale /= np.float32(reference.value - reference.zero)
    return ClassData(
        reference,
        DiskArray(density),
        DiskArray(np.clip(own_scale, 0, 1, out=own_scale)),
        DiskArray(found.molecule.mask),
        DiskArray(found.best),
        DiskArray(grid.nearest(estimate.solvent)),
        grid.step * estimate.parameters.voxel_size,
    )


def reference_class(views: Sequence[ClassData], asked: Optional[int] = None) -> int:
    """Place of the class whose own scale counts for all: the one asked for, or else that with the largest span."""
    return max(range(len(views)), key=lambda index: views[index].span) if asked is None else asked
