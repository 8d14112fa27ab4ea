# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the molecule that all classes hold the same of, and the shared scale that follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.smoothing import gaussian_smooth_at
from occupy_core.arrays.types import Mask
from occupy_core.comparing.class_data import LEAST_VOXELS, ClassData
from occupy_core.estimate.reference import Reference

_WIDTH = 12.0  # Å, full width of the smoothing under which classes are alike or not

_DENSE = 0.4  # of the reference's density, for a ratio to it to tell anything

_ALIKE = 0.25  # of the logarithm of a ratio

_LEAST_SHARE = 0.1  # of the molecule

_BINS, _RANGE, _BINS_SMOOTHED = 240, 1.5, 4  # of the histogram of logarithms


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


def shared_references(
    views: Sequence[ClassData], reference: int, *, spacing: float, threads: int = 1
) -> List[Reference]:
    """For each class the calibration under which all share one scale, that of the reference class; spacing in Å.

    Notes
    -----
    Each keeps the zero of its own solvent. One is where the part that all have in common reads as its density is to the
    reference class's, a ratio that has no bias from noise; where there is no such part, the span is the reference's.
    """
    common = find_common_part(views, reference, spacing=spacing, threads=threads)
    if common.mask.any():
        spans = [view.span / height / factor for view, height, factor in zip(views, common.heights, common.factors)]
    else:
        spans = [views[reference].span] * len(views)
    return [replace(view.reference, value=view.reference.zero + span) for view, span in zip(views, spans)]


def find_common_part(views: Sequence[ClassData], reference: int, *, spacing: float, threads: int = 1) -> CommonPart:
    """The part that all classes have in common, within the molecule of the reference class; spacing in Å.

    Notes
    -----
    The ratio of a class's smoothed density to the reference class's is the same throughout what both have in common, so
    the most frequent ratio is that of their grey scales, as long as nothing that differs is as large. The part is where
    every class comes within a quarter of its most frequent ratio.
    """
    dense = views[reference].molecule.load()

    def smooth(view: ClassData) -> NDArray[np.float32]:
        return gaussian_smooth_at(view.density.load(), dense, _WIDTH / spacing, threads=threads)

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


def _mode(values: NDArray[np.float32]) -> float:
    """The peak of the histogram of logarithms."""
    counts, edges = np.histogram(values, _BINS, (-_RANGE, _RANGE))
    peak = int(ndimage.gaussian_filter1d(counts.astype(float), _BINS_SMOOTHED, mode="constant").argmax())
    middle = (edges[peak] + edges[peak + 1]) / 2
    around = values[np.abs(values - middle) < _ALIKE / 2]
    return float(np.median(around)) if around.size else float(middle)
