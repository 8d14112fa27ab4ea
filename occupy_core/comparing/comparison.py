# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the regions where the classes of a classification differ by more than noise explains, and their occupancies.

Ours, not in the published program. The limits below are our own choice, unless their comment says otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np
from scipy import ndimage

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Floats, Mask, Volume
from occupy_core.comparing.class_data import MIN_VOXELS, ClassData, choose_reference_class
from occupy_core.comparing.common_part import CommonPart, find_common_part
from occupy_core.comparing.regions import Part, differing_parts
from occupy_core.comparing.shifts import class_shifts
from occupy_core.comparing.smoothed_maps import ClassMaps

# Å: voxels this near to solvent or to the rest of the molecule are mixed with it, and no occupancy is read from them.
_BORDER = 4.0

# Share of a region's voxels: with fewer voxels inside the border, occupancies are read from all voxels.
_MIN_CORE_SHARE = 0.2

# Occupancy (0..1) that a region must exceed in the class where it is strongest.
_MIN_OCCUPANCY = 0.25

# Difference in occupancy (0..1) between two classes that a region must exceed.
_MIN_SPREAD = 0.15

# A part's `significant_share` times its spread must exceed _MIN_SHARE, or _MIN_SHARE_IF_SIGNIFICANT if its
# `significance` times its spread exceeds _MIN_SIGNIFICANCE. In simulated classes that do not differ, noise and unequal
# resolution made parts of at most 0.12 in share times spread, and of at most 0.05 where significance times spread was
# above 6; true differences had 0.4 and more, or 0.085 with 10.
_MIN_SHARE, _MIN_SHARE_IF_SIGNIFICANT, _MIN_SIGNIFICANCE = 0.3, 0.065, 9.2

# Relative deviation of a class's grey scale from that of the reference class, above which the user is warned.
_GREY_TOLERANCE = 0.2

# Share of the molecule that is in regions, above which the user is warned.
_MAX_COVERED = 0.5

# Smallest density and grey-scale factor: they keep a quotient and a logarithm finite.
_TINY_DENSITY, _TINY_FACTOR = 1e-30, 1e-6


@dataclass(frozen=True)
class Region:
    """A connected region where classes differ.

    Attributes
    ----------
    mask : bool array, 3D
        On the coarse grid.
    volume : float
        Å^3.
    centre : tuple of float
        Mean position along z, y, x, in Å from voxel 0.
    occupancies : tuple of (lower quartile, median, upper quartile)
        Calibrated scale of the region on the shared scale, for each class; 0..1.
    """

    mask: Mask
    volume: float
    centre: Tuple[float, float, float]
    occupancies: Tuple[Tuple[float, float, float], ...]

    @property
    def spread(self) -> float:
        """The largest difference in occupancy between two classes; 0..1."""
        medians = [median for _, median, _ in self.occupancies]
        return max(medians) - min(medians)


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison of classes.

    Attributes
    ----------
    regions : tuple of Region
        Sorted by volume times difference in occupancy, the largest first.
    spread : float32 array, 3D
        Difference in occupancy between the strongest and the weakest class at each voxel of the coarse grid; 0..1.
    grey_factors : tuple of float
        Mean density of the common part in each class, relative to the reference class; NaN if there is no common part.
    reference : int
        Index of the reference class.
    warnings : tuple of str
    """

    regions: Tuple[Region, ...]
    spread: Volume
    grey_factors: Tuple[float, ...]
    reference: int
    warnings: Tuple[str, ...] = ()


def compare_classes(
    classes: Sequence[ClassData],
    names: Sequence[str],
    *,
    spacing: float,
    reference: Optional[int] = None,
    threads: int = 1,
) -> Comparison:
    """Find the regions where classes differ.

    Parameters
    ----------
    classes : sequence of ClassData
        Two or more, on one coarse grid.
    names : sequence of str
        Names of the classes, for warnings.
    spacing : float
        Spacing of the coarse grid, Å.
    reference : int, optional
        Index of the reference class, whose full scale counts as 1; by default the class with the largest span.
    threads : int
        The result does not depend on it.

    Notes
    -----
    Differences are detected in smoothed low-passed maps, a linear statistic, after the common part has been brought to
    one density in all classes. Under a smoothing of 12, 20 or 30 Å, the difference of two classes must exceed six
    standard deviations of its noise, and 15 % of the density of the strongest class. Each voxel of the molecule is
    then labelled with the nearest pattern over the classes, which may be "no difference". A region is a connected part
    of one pattern, grown by 3 Å, but not onto voxels that are nearer to the rest of the molecule. A region is reported
    if its occupancy is high enough in some class, if its occupancies differ enough, and if enough of its voxels differ
    significantly; fewer such voxels are enough if its mean density differs significantly too.
    """
    reference = choose_reference_class(classes, reference)
    common = find_common_part(classes, reference, spacing=spacing, threads=threads)
    molecule = np.logical_or.reduce([item.molecule.load() for item in classes])
    maps = ClassMaps(
        [item.density for item in classes],
        [item.solvent_region for item in classes],
        molecule,
        common.mask,
        classes[reference].best_region.load(),
        spacing,
        threads,
    )
    parts = differing_parts(maps, reference)
    regions, spread = _measure_parts(parts, classes, common, molecule, spacing)
    warnings = [
        *_grey_scale_warnings(common, names, reference),
        *_shift_warnings(class_shifts(classes, reference, spacing=spacing, threads=threads), names, reference),
        *_coverage_warnings(regions, molecule),
    ]
    return Comparison(tuple(regions), spread, common.grey_factors, reference, tuple(warnings))


def _measure_parts(
    parts: Sequence[Part], classes: Sequence[ClassData], common: CommonPart, molecule: Mask, spacing: float
) -> Tuple[List[Region], Volume]:
    """Return the parts that differ reliably, as sorted regions, and the spread of the scale at each voxel."""
    densities, scales, spread = _densities_and_scales(classes, common.scale_factors, molecule)
    if common.mask.any():
        densities /= densities[:, common.mask[molecule]].mean(axis=1, keepdims=True)
    regions = []
    for part in parts:
        region = _region(part.grown_mask, _core(part.mask, spacing)[molecule], densities, scales, spacing)
        if _differs_reliably(part, region):
            regions.append(region)
    regions.sort(key=lambda region: region.volume * region.spread, reverse=True)
    return regions, spread


def _densities_and_scales(
    classes: Sequence[ClassData], scale_factors: Sequence[float], molecule: Mask
) -> Tuple[Floats, Floats, Volume]:
    """Return density and shared scale of each class (class, voxel of the molecule), and the spread of the scale, 3D."""
    densities, scales = [], []
    highest, lowest = np.zeros(molecule.shape, dtype=np.float32), np.ones(molecule.shape, dtype=np.float32)
    for item, factor in zip(classes, scale_factors):
        densities.append(item.density.load()[molecule])
        scale = item.own_scale.load()
        scale *= np.float32(factor)
        np.clip(scale, 0, 1, out=scale)
        scales.append(scale[molecule])
        np.maximum(highest, scale, out=highest)
        np.minimum(lowest, scale, out=lowest)
        del scale  # frees its memory before the next class is loaded
    highest -= lowest
    return np.stack(densities), np.stack(scales), highest


def _region(mask: Mask, core: Mask, densities: Floats, scales: Floats, spacing: float) -> Region:
    """Return a region with this mask, and its occupancies over the voxels of its core.

    The occupancy of the strongest class is its calibrated scale. The occupancies of the other classes are their
    densities relative to it: beside a fully occupied neighbour, a kernel maximum reads part of the neighbour, and a
    density does not.
    """
    means = densities[:, core].mean(axis=1, dtype=np.float64)
    strongest = int(means.argmax())
    lower, middle, upper = np.percentile(scales[:, core], (25, 50, 75), axis=1)
    medians = middle[strongest] * np.clip(means / max(float(means[strongest]), _TINY_DENSITY), 0, 1)
    # The distances from the median to the quartiles are those of the class's own scale.
    quartiles = np.clip([medians - (middle - lower), medians, medians + (upper - middle)], 0, 1)
    z, y, x = (float(indices.mean()) * spacing for indices in np.nonzero(mask))
    occupancies = tuple((float(low), float(median), float(high)) for low, median, high in quartiles.T)
    return Region(mask, float(mask.sum()) * spacing**3, (z, y, x), occupancies)


def _core(part: Mask, spacing: float) -> Mask:
    """Return a part without its border, which is mixed with its surroundings; the complete part if little is left."""
    core = np.zeros_like(part)
    box = box_around(part, 1)
    core[box] = ndimage.distance_transform_edt(part[box]) * spacing > _BORDER
    return core if core.sum() >= max(MIN_VOXELS, _MIN_CORE_SHARE * part.sum()) else part


def _differs_reliably(part: Part, region: Region) -> bool:
    """Return whether neither noise (weak regions) nor unequal resolution (small differences) explains a region."""
    strongest = max(median for _, median, _ in region.occupancies)
    is_significant = part.significance * region.spread > _MIN_SIGNIFICANCE
    min_share = _MIN_SHARE_IF_SIGNIFICANT if is_significant else _MIN_SHARE
    has_share = part.significant_share * region.spread > min_share
    return strongest > _MIN_OCCUPANCY and region.spread > _MIN_SPREAD and has_share


def _grey_scale_warnings(common: CommonPart, names: Sequence[str], reference: int) -> List[str]:
    """Warn about classes on another grey scale than the reference class, or that grey scales could not be checked."""
    if not common.mask.any():
        return ["the classes have no common part: their grey scales could not be checked, and occupancies may be wrong"]
    return [
        f"{name}: the common part of the classes has {factor:.2f} times the density that it has in "
        f"{names[reference]}; do the maps share one grey scale?"
        for name, factor in zip(names, common.grey_factors)
        if math.isfinite(factor) and abs(math.log(max(factor, _TINY_FACTOR))) > math.log(1 + _GREY_TOLERANCE)
    ]


def _shift_warnings(distances: Sequence[float], names: Sequence[str], reference: int) -> List[str]:
    """Warn about classes that are shifted; `distances` holds the shift of each class, Å."""
    return [
        f"{name} is shifted by {distance:.1f} Å against {names[reference]}, which makes differences where the molecule "
        "has none; align the maps"
        for name, distance in zip(names, distances)
        if distance > 0
    ]


def _coverage_warnings(regions: Sequence[Region], molecule: Mask) -> List[str]:
    """Warn if regions cover most of the molecule."""
    covered = sum(int((region.mask & molecule).sum()) for region in regions)
    if covered <= _MAX_COVERED * molecule.sum():
        return []
    return [
        "regions cover most of the molecule: are complete classes shifted or rotated against one another? Align them, "
        "or do not rely on the regions"
    ]
