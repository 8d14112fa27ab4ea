# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the classes of a classification differ by more than noise explains, and how occupied those regions are.

Ours, not in the published program. All of it is computed on a coarse grid, since only what the low-pass leaves counts.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.calibration import calibrate, coarse_step, without_leakage
from occupy_core.maps import Volume
from occupy_core.scale import Reference
from occupy_core.targets import quartiles

Mask = NDArray[np.bool_]

# Full widths in Å of the smoothings under which classes are compared: a large difference shows in a noisy map only
# under a wide one.
_WIDTHS = (12.0, 20.0, 30.0)
_SIGNIFICANT = 6.0  # standard deviations of the difference of two smoothed maps
_LEAST_RELATIVE = 0.15  # of the stronger class's smoothed density
_BORDER = 0.4  # of the highest difference nearby: where a region ends
_LEAST_VOLUME = 4000.0  # Å^3
_LEAST_OCCUPANCY = 0.25  # in the class where the region is strongest
_LEAST_SPREAD = 0.15  # between two classes
_ALIKE = 0.25  # touching parts whose occupancies differ by less in every class are one region
_COMMON = 0.85  # own scale above which a part counts as whole in a class
_GREY_TOLERANCE = 0.2
_GRAIN = 4.0  # Å, sigma of the smoothing of patterns
_LEAST_VOXELS = 30


@dataclass(frozen=True)
class ClassView:
    """What the comparison needs of one class, on a coarse grid.

    Attributes
    ----------
    lowpassed, maximum : float32 arrays of one shape
        The low-passed map and its kernel maximum without leakage.
    molecule, best, solvent : bool arrays of the same shape
        From the calibration.
    reference : Reference
        Of the class's own calibration.
    """

    lowpassed: Volume
    maximum: Volume
    molecule: Mask
    best: Mask
    solvent: Mask
    reference: Reference

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
    classes have in common reads in each class, relative to the reference class, NaN when there is no such part."""

    regions: Tuple[Region, ...]
    spread: Volume
    grey_factors: Tuple[float, ...]
    warnings: Tuple[str, ...] = ()


def view_of(
    maximum: Volume, lowpassed: Volume, inside: Mask, solvent: Mask, *, voxel_size: float, lowpass: float
) -> ClassView:
    """Calibrate one class by itself, in occupancy mode.

    Parameters and errors are those of `calibration.calibrate`, but for the maximum: it is that of the kernel, as it is.
    """
    maximum = without_leakage(maximum, lowpassed, inside, voxel_size=voxel_size, lowpass=lowpass)
    found = calibrate(maximum, lowpassed, inside, solvent, voxel_size=voxel_size, lowpass=lowpass)
    step = coarse_step(voxel_size)
    coarse = (slice(None, None, step),) * 3
    # Copies, so that the full maps can go.
    return ClassView(
        lowpassed[coarse].copy(), maximum[coarse].copy(), found.molecule, found.best, found.solvent, found.reference
    )


def compare(views: Sequence[ClassView], names: Sequence[str], *, spacing: float) -> Comparison:
    """Find the regions where classes differ.

    Parameters
    ----------
    views : sequence of ClassView
        Two or more, on one grid.
    names : sequence of str
        Of the classes, for warnings.
    spacing : float
        Of the coarse grid, Å.

    Notes
    -----
    Differences are decided on the smoothed low-passed maps, since a linear statistic has no bias from noise as the
    kernel maximum has: under each of three widths, somewhere the difference of two classes must exceed six standard
    deviations of its noise, as told by the solvent, and 15 % of the stronger one. The region reaches from there to
    where the difference has fallen to 0.4 of its highest nearby.
    """
    reference = max(range(len(views)), key=lambda index: _span(views[index]))
    scales, grey = _shared_scales(views, reference)
    molecule = np.logical_or.reduce([view.molecule for view in views])
    solvent = np.logical_and.reduce([view.solvent for view in views]) & ~molecule
    found = np.zeros(molecule.shape, dtype=bool)
    for width in _WIDTHS:
        found |= _differing(views, molecule, solvent, width / spacing)
    found = ndimage.binary_opening(found)
    regions = [_region(mask, scales, spacing) for mask in _parts(found, scales, spacing)]
    kept = [region for region in regions if _counts(region)]
    kept.sort(key=lambda region: region.volume * region.spread, reverse=True)
    notes = [
        f"{names[index]}: the part that all classes have in common reads {factor:.2f} of what it reads in "
        f"{names[reference]}; do the maps share one grey scale?"
        for index, factor in enumerate(grey)
        if math.isfinite(factor) and abs(math.log(max(factor, 1e-6))) > math.log(1 + _GREY_TOLERANCE)
    ]
    spread = np.max(scales, axis=0) - np.min(scales, axis=0)
    return Comparison(tuple(kept), spread, tuple(grey), tuple(notes))


def _span(view: ClassView) -> float:
    return view.reference.value - view.reference.zero


def _shared_scales(views: Sequence[ClassView], reference: int) -> Tuple[List[Volume], List[float]]:
    """Each class's scale, brought to the reference class's grey scale; how the common part reads."""
    own = [view.own_scale for view in views]
    levels = [_solvent_level(view) for view in views]
    common = np.logical_and.reduce([scale > _COMMON for scale in own]) & views[reference].molecule
    measured = common if common.sum() >= _LEAST_VOXELS else views[reference].best
    heights = [float(view.lowpassed[measured].mean()) - level for view, level in zip(views, levels)]
    scales, grey = [], []
    for view, scale, height in zip(views, own, heights):
        ratio = height / heights[reference]
        reads = float(np.median(scale[measured]))
        # The linear density has no bias from noise; where the class has nothing there, only the calibrations are left.
        factor = ratio / reads if reads > _LEAST_OCCUPANCY else _span(view) / _span(views[reference])
        scales.append(np.clip(scale * np.float32(factor), 0, 1))
        grey.append(ratio if measured is common else math.nan)
    return scales, grey


def _solvent_level(view: ClassView) -> float:
    return float(np.median(view.lowpassed[view.solvent])) if view.solvent.sum() >= _LEAST_VOXELS else 0.0


def _differing(views: Sequence[ClassView], molecule: Mask, solvent: Mask, width: float) -> Mask:
    """Where two classes differ under a smoothing of this full width in voxels."""
    sigma = width / (2 * math.sqrt(2 * math.log(2)))
    smooth = [ndimage.gaussian_filter(view.lowpassed, sigma, truncate=2.5) for view in views]
    far = solvent & ~ndimage.maximum_filter(molecule, 2 * round(width / 2) + 1)
    place = far if far.sum() >= _LEAST_VOXELS else solvent
    noises = [_deviation(values[place]) for values in smooth]
    likely, largest = np.zeros_like(smooth[0]), np.zeros_like(smooth[0])
    for index, (values, noise) in enumerate(zip(smooth, noises)):
        for other, other_noise in zip(smooth[:index], noises[:index]):
            difference = np.abs(values - other)
            np.maximum(largest, difference, out=largest)
            np.maximum(likely, difference / np.float32(max(math.hypot(noise, other_noise), 1e-30)), out=likely)
    strongest = np.max(np.abs(smooth), axis=0)
    seeds = molecule & (likely > _SIGNIFICANT) & (largest > _LEAST_RELATIVE * strongest)
    nearby = ndimage.maximum_filter(np.where(seeds, largest, np.float32(0)), 2 * round(width) + 1)
    # The highest of many is a lucky one: noise has raised it by about two standard deviations.
    raised = np.float32(2 * max(math.hypot(one, other) for one, other in itertools.combinations(noises, 2)))
    reached = molecule & (nearby > 0) & (largest > _BORDER * (nearby - raised)) & (likely > _SIGNIFICANT / 2)
    labels, _ = ndimage.label(reached)
    grown = np.unique(labels[seeds & reached])
    return np.isin(labels, grown[grown > 0])


def _deviation(values: NDArray[np.float32]) -> float:
    """Standard deviation by the median, which what is left of the molecule does not move."""
    if values.size == 0:
        return 0.0
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _parts(found: Mask, scales: Sequence[Volume], spacing: float) -> List[Mask]:
    """Connected parts, split where the pattern of occupancies over the classes changes."""
    middle = (np.max(scales, axis=0) + np.min(scales, axis=0)) / 2
    pattern = np.zeros(found.shape, dtype=np.int64)
    for index, scale in enumerate(scales):
        pattern |= (ndimage.gaussian_filter(scale - middle, _GRAIN / spacing) > 0).astype(np.int64) << index
    whole, _ = ndimage.label(found)
    parts = []
    for number, box in enumerate(ndimage.find_objects(whole), start=1):
        inside = whole[box] == number
        labels = _large_parts(np.where(inside, pattern[box], -1), _LEAST_VOLUME / spacing**3)
        for part in _merged(np.where(inside, labels, 0), [scale[box] for scale in scales]):
            mask = np.zeros(found.shape, dtype=bool)
            mask[box] = part
            parts.append(mask)
    return parts


def _large_parts(pattern: NDArray[np.int64], least: float) -> NDArray[np.int64]:
    """Labels, from 1, of the connected parts of one pattern (0 and above); small ones go to the nearest large one."""
    labels = np.zeros(pattern.shape, dtype=np.int64)
    count = 0
    for value in np.unique(pattern[pattern >= 0]):
        some, number = ndimage.label(pattern == value)
        sizes = np.bincount(some.ravel(), minlength=number + 1)
        for large in np.nonzero(sizes[1:] >= least)[0] + 1:
            count += 1
            labels[some == large] = count
    if count == 0:
        return (pattern >= 0).astype(np.int64)
    nearest = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    return labels[tuple(nearest)]


def _merged(labels: NDArray[np.int64], scales: Sequence[Volume]) -> List[Mask]:
    """The labelled parts (from 1), those that touch and are alike in every class joined."""
    masks = [labels == number for number in range(1, int(labels.max()) + 1)]
    masks = [mask for mask in masks if mask.any()]
    readings = [np.array([np.median(scale[mask]) for scale in scales]) for mask in masks]
    pairs = [(one, other) for one in range(len(masks)) for other in range(one)]
    for one, other in sorted(pairs, key=lambda pair: float(np.abs(readings[pair[0]] - readings[pair[1]]).max())):
        alike = np.abs(readings[one] - readings[other]).max() < _ALIKE
        if alike and (ndimage.binary_dilation(masks[one]) & masks[other]).any():
            return _merged(np.where(masks[one], other + 1, _numbered(masks)), scales)
    return masks


def _numbered(masks: Sequence[Mask]) -> NDArray[np.int64]:
    labels = np.zeros(masks[0].shape, dtype=np.int64)
    for number, mask in enumerate(masks, start=1):
        labels[mask] = number
    return labels


def _region(mask: Mask, scales: Sequence[Volume], spacing: float) -> Region:
    centre = tuple(float(value) * spacing for value in ndimage.center_of_mass(mask))
    occupancies = tuple(quartiles(scale, mask) for scale in scales)
    return Region(mask, float(mask.sum()) * spacing**3, (centre[0], centre[1], centre[2]), occupancies)


def _counts(region: Region) -> bool:
    strongest = max(median for _, median, _ in region.occupancies)
    return region.volume >= _LEAST_VOLUME and strongest > _LEAST_OCCUPANCY and region.spread > _LEAST_SPREAD
