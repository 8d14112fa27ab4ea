# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the classes of a classification differ by more than noise explains, and how occupied those regions are.

Ours, not in the published program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np
from scipy import ndimage

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Floats, Mask, Volume
from occupy_core.comparing.class_data import LEAST_VOXELS, ClassData, reference_class
from occupy_core.comparing.common_part import find_common_part
from occupy_core.comparing.regions import Maps, Part, differing_parts
from occupy_core.comparing.shifts import class_shifts

_BORDER = 4.0  # Å: what is this near to solvent or to the rest of the molecule reads some of it
_LEAST_CORE = 0.2  # of a region
_LEAST_OCCUPANCY = 0.25  # in the class where the region is strongest
_LEAST_SPREAD = 0.15  # between two classes
# Of a part's `sure`, times the spread; less is enough where its `significance` times the spread is enough too. In
# simulated classes that do not differ, noise and unequal resolution made parts of 0.12 at most, and of 0.05 where the
# other was above 6; real ones had 0.4 and more, or 0.085 with 10.
_LEAST_SURE, _LEAST_SURE_AS_A_WHOLE, _LEAST_SIGNIFICANCE = 0.3, 0.065, 9.2
_GREY_TOLERANCE = 0.2
_MOST_COVERED = 0.5  # of the molecule, by all regions


@dataclass(frozen=True)
class Region:
    """A connected region where classes differ.

    Attributes
    ----------
    mask : bool array
        On the coarse grid.
    volume : float
        Å^3.
    centre : tuple of float
        z, y, x in Å from voxel 0.
    occupancies : tuple of (lower quartile, median, upper quartile)
        Of the calibrated scale under the shared reference, one for each class; 0..1.
    """

    mask: Mask
    volume: float
    centre: Tuple[float, float, float]
    occupancies: Tuple[Tuple[float, float, float], ...]

    @property
    def spread(self) -> float:
        """The largest difference in occupancy between two classes."""
        medians = [median for _, median, _ in self.occupancies]
        return max(medians) - min(medians)


@dataclass(frozen=True)
class Comparison:
    """Regions sorted by volume times difference, the largest first; `spread` is the difference in occupancy between
    the strongest and the weakest class at each voxel of the coarse grid; `grey_factors` say how high the part that all
    classes have in common reads in each class, relative to the reference class (`reference`, its place), NaN when
    there is no such part."""

    regions: Tuple[Region, ...]
    spread: Volume
    grey_factors: Tuple[float, ...]
    reference: int
    warnings: Tuple[str, ...] = ()


def compare(
    views: Sequence[ClassData],
    names: Sequence[str],
    *,
    spacing: float,
    reference: Optional[int] = None,
    threads: int = 1,
) -> Comparison:
    """Find the regions where classes differ.

    Parameters
    ----------
    views : sequence of ClassView
        Two or more, on one grid.
    names : sequence of str
        Of the classes, for warnings.
    spacing : float
        Of the coarse grid, Å.
    reference : int, optional
        Index of the class whose calibration counts as 1; that with the largest span when not given.
    threads : int
        The result does not depend on it.

    Notes
    -----
    Differences are decided on smoothed low-passed maps, a linear statistic, brought to one height in the part that all
    classes have in common. Under a smoothing of 12, 20 or 30 Å the difference of two classes must exceed six standard
    deviations of its noise and 15 % of the stronger one. Each voxel of the molecule then goes to the pattern over the
    classes that it is nearest to, or to none; a region is a connected part of one pattern, grown by 3 Å but for what
    is nearer to the rest of the molecule. A region is kept when enough of it differs surely voxel by
    voxel, or less of it and its mean significantly, and by enough: noise makes none such.
    """
    reference = reference_class(views, reference)
    common = find_common_part(views, reference, spacing=spacing, threads=threads)
    molecule = np.logical_or.reduce([view.molecule.load() for view in views])
    maps = Maps(
        [view.density for view in views],
        [view.inside for view in views],
        molecule,
        common.mask,
        views[reference].best.load(),
        spacing,
        threads,
    )
    parts = differing_parts(maps, reference)
    densities, scales, spread = _readings(views, common.factors, molecule)
    if common.mask.any():
        densities /= densities[:, common.mask[molecule]].mean(axis=1, keepdims=True)
    pairs = [
        (part, _region(part.grown, _core(part.mask, spacing)[molecule], densities, scales, spacing)) for part in parts
    ]
    regions = [region for part, region in pairs if _counts(part, region)]
    regions.sort(key=lambda region: region.volume * region.spread, reverse=True)
    notes = [
        f"{names[index]}: the part that all classes have in common reads {height:.2f} of what it reads in "
        f"{names[reference]}; do the maps share one grey scale?"
        for index, height in enumerate(common.heights)
        if math.isfinite(height) and abs(math.log(max(height, 1e-6))) > math.log(1 + _GREY_TOLERANCE)
    ]
    if not common.mask.any():
        notes.append(
            "no part is the same in all classes: their grey scales could not be checked, and occupancies may be off"
        )
    for name, distance in zip(names, class_shifts(views, reference, spacing=spacing, threads=threads)):
        if distance > 0:
            notes.append(
                f"{name} lies {distance:.1f} Å off {names[reference]} as a whole, so they differ where they need not; "
                "align the maps"
            )
    covered = sum(int((region.mask & molecule).sum()) for region in regions)
    if covered > _MOST_COVERED * molecule.sum():
        notes.append(
            "regions cover most of the molecule: are the classes shifted or rotated against one another as a whole? "
            "Align them, or trust the regions little"
        )
    return Comparison(tuple(regions), spread, common.heights, reference, tuple(notes))


def _readings(views: Sequence[ClassData], factors: Sequence[float], molecule: Mask) -> Tuple[Floats, Floats, Volume]:
    """Density and shared scale of each class (class, voxel of the molecule), and the spread of the scale, 3D."""
    densities, scales = [], []
    highest, lowest = np.zeros(molecule.shape, dtype=np.float32), np.ones(molecule.shape, dtype=np.float32)
    for view, factor in zip(views, factors):
        densities.append(view.density.load()[molecule])
        scale = view.own_scale.load()
        scale *= np.float32(factor)
        np.clip(scale, 0, 1, out=scale)
        scales.append(scale[molecule])
        np.maximum(highest, scale, out=highest)
        np.minimum(lowest, scale, out=lowest)
        del scale  # before the next is read
    highest -= lowest
    return np.stack(densities), np.stack(scales), highest


def _region(mask: Mask, core: Mask, densities: Floats, scales: Floats, spacing: float) -> Region:
    """A region of this mask, and its occupancies as read over its dense part.

    The class where it is strongest is read off the calibrated scale, the others by their densities relative to it: a
    kernel maximum beside a neighbour that is whole reads some of that, and a density does not.
    """
    heights = densities[:, core].mean(axis=1, dtype=np.float64)
    strongest = int(heights.argmax())
    lower, middle, upper = np.percentile(scales[:, core], (25, 50, 75), axis=1)
    readings = middle[strongest] * np.clip(heights / max(float(heights[strongest]), 1e-30), 0, 1)
    # As far from the reading as the quartiles of the class's own scale are from its median.
    bounds = np.clip([readings - (middle - lower), readings, readings + (upper - middle)], 0, 1)
    z, y, x = (float(places.mean()) * spacing for places in np.nonzero(mask))
    occupancies = tuple((float(low), float(value), float(high)) for low, value, high in bounds.T)
    return Region(mask, float(mask.sum()) * spacing**3, (z, y, x), occupancies)


def _core(part: Mask, spacing: float) -> Mask:
    """A part without its border, which reads some of what is beside it, unless little is left then."""
    core = np.zeros_like(part)
    box = box_around(part, 1)
    core[box] = ndimage.distance_transform_edt(part[box]) * spacing > _BORDER
    return core if core.sum() >= max(LEAST_VOXELS, _LEAST_CORE * part.sum()) else part


def _counts(part: Part, region: Region) -> bool:
    """Whether a region is more than what is left of noise, which makes faint ones, and than what is left of unequal
    resolution, which makes small differences."""
    strongest = max(median for _, median, _ in region.occupancies)
    significant = part.significance * region.spread > _LEAST_SIGNIFICANCE
    sure = part.sure * region.spread > (_LEAST_SURE_AS_A_WHOLE if significant else _LEAST_SURE)
    return strongest > _LEAST_OCCUPANCY and region.spread > _LEAST_SPREAD and sure
