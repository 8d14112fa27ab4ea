# SPDX-License-Identifier: GPL-3.0-or-later
"""What the comparison of classes needs of each, and what they have in common.

Ours, not in the published program. All of it is on a coarse grid, since only what the low-pass leaves counts, and in
files, so that many classes take no more memory than a few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.comparing.stored import Stored
from occupy_core.estimate import Estimate, calibration_of
from occupy_core.maps import Volume
from occupy_core.scale import Reference
from occupy_core.smoothing import smoothed_around
from occupy_core.transforms import inverse, spectrum_of, waves_within

Mask = NDArray[np.bool_]

LEAST_VOXELS = 30  # for an average to tell anything
_WIDTH = 12.0  # Å, full width of the smoothing under which classes are alike or not
_DENSE = 0.4  # of the reference's density, for a ratio to it to tell anything
_ALIKE = 0.25  # of the logarithm of a ratio
_LEAST_SHARE = 0.1  # of the molecule
_FARTHEST = 20.0  # Å, that a class lies off another as a whole
_FINEST = 8.0  # Å, of the waves that tell it: the low-pass leaves none finer unless asked to
_BINS, _RANGE, _BINS_SMOOTHED = 240, 1.5, 4  # of the histogram of logarithms


@dataclass(frozen=True)
class ClassView:
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
    density: Stored
    own_scale: Stored
    molecule: Stored
    best: Stored
    inside: Stored
    spacing: float

    @property
    def span(self) -> float:
        """From the zero of the scale to its one, as a density."""
        return self.reference.value - self.reference.zero


@dataclass(frozen=True)
class CommonPart:
    """What all classes hold the same of, but for one factor each.

    Attributes
    ----------
    mask : bool array
        Nothing set where there is no such part.
    heights : tuple of float
        Its mean density in each class, relative to the reference class's; NaN where there is no such part.
    factors : tuple of float
        What each class's own scale is to be multiplied by, such that the part reads the same in all; such that one
        density does where there is no such part.
    """

    mask: Mask
    heights: Tuple[float, ...]
    factors: Tuple[float, ...]


def view_of(estimate: Estimate, maximum: Volume, *, threads: int = 1) -> ClassView:
    """Calibrate one class by itself, from its estimate and `estimate.maximum_of` that; errors as of
    `calibration.calibrate`. The low-passed map is taken from the estimate's coarse grid alone."""
    found = calibration_of(estimate, maximum, threads=threads)
    grid, density = found.molecule.grid, found.molecule.density
    if found.solvent.sum() >= LEAST_VOXELS:
        density -= np.float32(found.level)
    reference = found.reference
    own_scale = grid.nearest(maximum) - np.float32(reference.zero)
    own_scale /= np.float32(reference.value - reference.zero)
    return ClassView(
        reference,
        Stored(density),
        Stored(np.clip(own_scale, 0, 1, out=own_scale)),
        Stored(found.molecule.mask),
        Stored(found.best),
        Stored(grid.nearest(estimate.solvent)),
        grid.step * estimate.derived.voxel_size,
    )


def reference_class(views: Sequence[ClassView], asked: Optional[int] = None) -> int:
    """Place of the class whose own scale counts for all: the one asked for, or else that with the largest span."""
    return max(range(len(views)), key=lambda index: views[index].span) if asked is None else asked


def shared_references(
    views: Sequence[ClassView], reference: int, *, spacing: float, threads: int = 1
) -> List[Reference]:
    """For each class the calibration under which all share one scale, that of the reference class; spacing in Å.

    Notes
    -----
    Each keeps the zero of its own solvent. One is where the part that all have in common reads as its density is to the
    reference class's, a ratio that has no bias from noise; where there is no such part, the span is the reference's.
    """
    common = common_part(views, reference, spacing=spacing, threads=threads)
    if common.mask.any():
        spans = [view.span / height / factor for view, height, factor in zip(views, common.heights, common.factors)]
    else:
        spans = [views[reference].span] * len(views)
    return [replace(view.reference, value=view.reference.zero + span) for view, span in zip(views, spans)]


def common_part(views: Sequence[ClassView], reference: int, *, spacing: float, threads: int = 1) -> CommonPart:
    """The part that all classes have in common, within the molecule of the reference class; spacing in Å.

    Notes
    -----
    The ratio of a class's smoothed density to the reference class's is the same throughout what both have in common, so
    the most frequent ratio is that of their grey scales, as long as nothing that differs is as large. The part is where
    every class comes within a quarter of its most frequent ratio.
    """
    dense = views[reference].molecule.load()

    def smooth(view: ClassView) -> NDArray[np.float32]:
        return smoothed_around(view.density.load(), dense, _WIDTH / spacing, threads=threads)

    of_reference = smooth(views[reference])
    if of_reference.size:
        clearly = of_reference > np.float32(_DENSE * np.percentile(of_reference, 95))
        dense[dense], of_reference = clearly, of_reference[clearly]
    mask = dense.copy()
    for place, view in enumerate(views):
        if place != reference and of_reference.size:
            ratio = smooth(view) / of_reference
            logarithm = np.log(np.maximum(ratio, np.float32(1e-3)))
            mask[dense] &= np.abs(logarithm - _mode(logarithm)) < _ALIKE
    if mask.sum() < max(LEAST_VOXELS, _LEAST_SHARE * dense.sum()):
        factors = tuple(view.span / views[reference].span for view in views)
        return CommonPart(np.zeros_like(mask), (math.nan,) * len(views), factors)
    heights = [float(view.density.load()[mask].mean()) for view in views]
    reads = [float(view.own_scale.load()[mask].mean()) for view in views]
    return CommonPart(
        mask,
        tuple(height / heights[reference] for height in heights),
        tuple(reads[reference] / max(value, 1e-3) for value in reads),
    )


def offsets(views: Sequence[ClassView], reference: int, *, spacing: float, threads: int = 1) -> List[float]:
    """How far each class lies off the reference class as a whole, to the next voxel of the coarse grid; Å, as spacing.

    0 where it would be more than 20 Å, since then a part lies on another one that is like it.
    """
    density = views[reference].density.load()
    # No more waves than low-passed maps have, which takes less memory.
    waves = waves_within(density.shape, math.ceil(max(density.shape) * spacing / _FINEST))
    of_reference = spectrum_of(density, waves, threads=threads)
    np.conj(of_reference, out=of_reference)
    distances = []
    for place, view in enumerate(views):
        density = view.density.load()
        spectrum = spectrum_of(density, waves, threads=threads)
        spectrum *= of_reference
        correlation = inverse(spectrum, waves, density, threads=threads)
        best = np.unravel_index(int(correlation.argmax()), correlation.shape)
        steps = [min(int(index), side - int(index)) for index, side in zip(best, correlation.shape)]
        distance = spacing * math.sqrt(sum(step**2 for step in steps))
        distances.append(distance if place != reference and distance <= _FARTHEST else 0.0)
    return distances


def _mode(values: NDArray[np.float32]) -> float:
    """The peak of the histogram of logarithms."""
    counts, edges = np.histogram(values, _BINS, (-_RANGE, _RANGE))
    peak = int(ndimage.gaussian_filter1d(counts.astype(float), _BINS_SMOOTHED, mode="constant").argmax())
    middle = (edges[peak] + edges[peak + 1]) / 2
    around = values[np.abs(values - middle) < _ALIKE / 2]
    return float(np.median(around)) if around.size else float(middle)
