# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the classes of a classification differ by more than noise explains, and how occupied those regions are.

Ours, not in the published program. All of it is computed on a coarse grid, since only what the low-pass leaves counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.calibration import calibrate, coarse_step
from occupy_core.maps import Volume
from occupy_core.regions import Maps, Part, differing_parts, grown
from occupy_core.scale import Reference
from occupy_core.targets import quartiles

Mask = NDArray[np.bool_]

_BORDER = 4.0  # Å: what is this near to the rest of the molecule reads some of it
_LEAST_CORE = 0.2  # of a region
_LEAST_OCCUPANCY = 0.25  # in the class where the region is strongest
_LEAST_SPREAD = 0.15  # between two classes
_LEAST_SURE = 0.2  # of a region, where it is whole in some class; of a fainter one more
_COMMON = 0.85  # own scale above which a part counts as whole in a class
_GREY_TOLERANCE = 0.2
_LEAST_VOXELS = 30


@dataclass(frozen=True)
class ClassView:
    """What the comparison needs of one class, on a coarse grid.

    Attributes
    ----------
    lowpassed, maximum : float32 arrays of one shape
        The low-passed map and its kernel maximum.
    molecule, best, solvent : bool arrays of the same shape
        From the calibration.
    reference : Reference
        Of the class's own calibration.
    inside : bool array of the same shape
        Where solvent was looked for.
    """

    lowpassed: Volume
    maximum: Volume
    molecule: Mask
    best: Mask
    solvent: Mask
    reference: Reference
    inside: Mask

    @property
    def own_scale(self) -> Volume:
        """Calibrated to the class's own best region; 0..1."""
        span = self.reference.value - self.reference.zero
        return np.clip((self.maximum - np.float32(self.reference.zero)) / np.float32(span), 0, 1)


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


def view_of(
    maximum: Volume, lowpassed: Volume, inside: Mask, solvent: Mask, *, voxel_size: float, lowpass: float
) -> ClassView:
    """Calibrate one class by itself; parameters and errors as of `calibration.calibrate`, in occupancy mode."""
    found = calibrate(maximum, lowpassed, inside, solvent, voxel_size=voxel_size, lowpass=lowpass)
    step = coarse_step(voxel_size)
    coarse = (slice(None, None, step),) * 3
    # Copies, so that the full maps can go.
    return ClassView(
        lowpassed[coarse].copy(),
        maximum[coarse].copy(),
        found.molecule,
        found.best,
        found.solvent,
        found.reference,
        solvent[coarse].copy(),
    )


def reference_class(views: Sequence[ClassView], asked: Optional[int] = None) -> int:
    """Place of the class whose own scale counts for all: the one asked for, or else that with the largest span."""
    return max(range(len(views)), key=lambda index: _span(views[index])) if asked is None else asked


def shared_references(views: Sequence[ClassView], reference: int) -> List[Reference]:
    """For each class the calibration under which all share one scale, that of the reference class.

    Notes
    -----
    Each keeps the zero of its own solvent. One is where the part that all have in common reads as its density is to the
    reference class's, a ratio that has no bias from noise; where there is no such part, the span is the reference's.
    """
    densities = [view.lowpassed - np.float32(_solvent_level(view)) for view in views]
    common = _common_part(views, reference)
    if common.sum() < _LEAST_VOXELS:
        spans = [_span(views[reference])] * len(views)
    else:
        heights = [float(values[common].mean()) for values in densities]
        reads = [float(np.median(view.own_scale[common])) for view in views]
        factors = [height / heights[reference] * reads[reference] / read for height, read in zip(heights, reads)]
        spans = [_span(view) / factor for view, factor in zip(views, factors)]
    return [replace(view.reference, value=view.reference.zero + span) for view, span in zip(views, spans)]


def compare(
    views: Sequence[ClassView], names: Sequence[str], *, spacing: float, reference: Optional[int] = None
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

    Notes
    -----
    Differences are decided on smoothed low-passed maps, a linear statistic, brought to one height in the part that all
    classes have in common. Under a smoothing of 12, 20 or 30 Å the difference of two classes must exceed six standard
    deviations of its noise and 15 % of the stronger one. Each voxel of the molecule then goes to the pattern over the
    classes that it is nearest to, or to none; a region is a connected part of one pattern, grown by 3 Å. A region is
    kept when enough of it differs surely voxel by voxel (`_LEAST_SURE`), so that noise makes none.
    """
    reference = reference_class(views, reference)
    densities = [view.lowpassed - np.float32(_solvent_level(view)) for view in views]
    scales, grey, common = _shared_scales(views, densities, reference)
    molecule = np.logical_or.reduce([view.molecule for view in views])
    full = common if common.any() else views[reference].best
    maps = Maps(densities, [view.inside for view in views], molecule, common, full, spacing)
    parts = differing_parts(maps, reference)
    pairs = [(part, _region(part.mask, mask, maps, scales)) for part, mask in zip(parts, grown(parts, spacing))]
    regions = [region for part, region in pairs if _counts(part, region)]
    regions.sort(key=lambda region: region.volume * region.spread, reverse=True)
    notes = [
        f"{names[index]}: the part that all classes have in common reads {factor:.2f} of what it reads in "
        f"{names[reference]}; do the maps share one grey scale?"
        for index, factor in enumerate(grey)
        if math.isfinite(factor) and abs(math.log(max(factor, 1e-6))) > math.log(1 + _GREY_TOLERANCE)
    ]
    spread = np.max(scales, axis=0) - np.min(scales, axis=0)
    return Comparison(tuple(regions), spread, tuple(grey), reference, tuple(notes))


def _span(view: ClassView) -> float:
    return view.reference.value - view.reference.zero


def _shared_scales(
    views: Sequence[ClassView], densities: Sequence[Volume], reference: int
) -> Tuple[List[Volume], List[float], Mask]:
    """Each class's scale, such that the part that all have in common reads the same; how high that part's density is
    relative to the reference class's, NaN when there is none; where it is."""
    own = [view.own_scale for view in views]
    common = _common_part(views, reference)
    if common.sum() < _LEAST_VOXELS:
        spans = [np.float32(_span(view) / _span(views[reference])) for view in views]
        scales = [np.clip(scale * span, 0, 1) for scale, span in zip(own, spans)]
        return scales, [math.nan] * len(views), np.zeros_like(common)
    heights = [float(values[common].mean()) for values in densities]
    reads = [float(np.median(scale[common])) for scale in own]
    scales = [np.clip(scale * np.float32(reads[reference] / value), 0, 1) for scale, value in zip(own, reads)]
    return scales, [height / heights[reference] for height in heights], common


def _common_part(views: Sequence[ClassView], reference: int) -> Mask:
    """Where every class is whole by its own scale."""
    common = views[reference].molecule.copy()
    for view in views:
        common &= view.own_scale > _COMMON
    return common


def _solvent_level(view: ClassView) -> float:
    return float(np.median(view.lowpassed[view.solvent])) if view.solvent.sum() >= _LEAST_VOXELS else 0.0


def _region(part: Mask, mask: Mask, maps: Maps, scales: Sequence[Volume]) -> Region:
    """A region of this mask, and its occupancies as read over its dense part.

    The class where it is strongest is read off the calibrated scale, the others by their densities relative to it: a
    kernel maximum beside a neighbour that is whole reads some of that, and a density does not.
    """
    core = _core(part, maps)
    heights = np.array([float(values[core].mean()) for values in maps.densities])
    if maps.common.any():
        heights /= [float(values[maps.common].mean()) for values in maps.densities]
    strongest = int(heights.argmax())
    lower, full, upper = quartiles(scales[strongest], core)
    shares = np.clip(heights / max(float(heights[strongest]), 1e-30), 0, 1)
    z, y, x = (float(value) * maps.spacing for value in ndimage.center_of_mass(mask))
    occupancies = tuple((lower * share, full * share, upper * share) for share in shares.tolist())
    return Region(mask, float(mask.sum()) * maps.spacing**3, (z, y, x), occupancies)


def _core(part: Mask, maps: Maps) -> Mask:
    """A part without what is beside the rest of the molecule, unless little is left then."""
    rest = maps.molecule & ~part
    core = part & (ndimage.distance_transform_edt(~rest) * maps.spacing > _BORDER) if rest.any() else part
    return core if core.sum() >= max(_LEAST_VOXELS, _LEAST_CORE * part.sum()) else part


def _counts(part: Part, region: Region) -> bool:
    """Whether a region is more than what is left of noise, which makes faint ones, and than what is left of unequal
    resolution, which makes small differences."""
    strongest = max(median for _, median, _ in region.occupancies)
    return strongest > _LEAST_OCCUPANCY and region.spread > _LEAST_SPREAD and part.sure * strongest > _LEAST_SURE
