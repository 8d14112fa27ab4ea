# SPDX-License-Identifier: GPL-3.0-or-later
"""The common part of the classes, which is the same in all of them, and the shared scale that it gives.

Ours, not in the published program. The limits below are our own choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.smoothing import gaussian_smooth_at
from occupy_core.arrays.types import Mask
from occupy_core.comparing.class_data import ClassData
from occupy_core.comparing.limits import DETECTION_WIDTHS, MIN_VOXELS, RELIABLE_DENSITY, TINY
from occupy_core.comparing.two_groups import SAME_SHARE, find_peak
from occupy_core.estimate.reference import Reference

# Natural logarithm: in the common part, the ratio of two classes' densities is nearer to the most frequent ratio.
_MAX_LOG_DIFFERENCE = 0.25

# Share of the voxels that are dense in the reference class: a smaller common part is not used.
_MIN_SHARE = 0.1


@dataclass(frozen=True)
class CommonPart:
    """The part of the molecule that is the same in all classes, apart from one grey-scale factor per class.

    Attributes
    ----------
    mask : bool array, 3D
        On the coarse grid; all False if the classes have no common part.
    grey_factors : tuple of float
        Mean density of the common part in each class, relative to the reference class; NaN if there is no common part.
    scale_factors : tuple of float
        For each class, the factor for its own scale that makes the common part equal in all classes; without a common
        part, the factor that makes equal densities equal in all classes.
    """

    mask: Mask
    grey_factors: Tuple[float, ...]
    scale_factors: Tuple[float, ...]


def shared_references(
    classes: Sequence[ClassData], reference: int, *, spacing: float, threads: int = 1
) -> List[Reference]:
    """Return, for each class, the zero and full scale under which all classes share the scale of the reference class.

    Parameters
    ----------
    classes : sequence of ClassData
        On one coarse grid.
    reference : int
        Index of the reference class.
    spacing : float
        Spacing of the coarse grid, Å.
    threads : int

    Notes
    -----
    Each class keeps the zero of its own solvent. Full scale is chosen such that the scale of the common part, divided
    by its scale in the reference class, equals the ratio of its mean densities in the two classes; noise does not bias
    this ratio. Without a common part, all classes have the span (full scale minus zero) of the reference class.
    """
    common = find_common_part(classes, reference, spacing=spacing, threads=threads)
    if common.mask.any():
        spans = [
            item.span / grey / factor for item, grey, factor in zip(classes, common.grey_factors, common.scale_factors)
        ]
    else:
        spans = [classes[reference].span] * len(classes)
    return [replace(item.reference, value=item.reference.zero + span) for item, span in zip(classes, spans)]


def find_common_part(classes: Sequence[ClassData], reference: int, *, spacing: float, threads: int = 1) -> CommonPart:
    """Find the part of the reference class's molecule that is the same in all classes.

    Parameters
    ----------
    classes : sequence of ClassData
        On one coarse grid.
    reference : int
        Index of the reference class.
    spacing : float
        Spacing of the coarse grid, Å.
    threads : int

    Notes
    -----
    The ratio of a class's smoothed density to that of the reference class is constant over the common part. The most
    frequent ratio is therefore the ratio of their grey scales, unless a part that differs is as large. Classes of one
    classification share one grey scale: a ratio near 1 is taken if a third of the voxels have it. The common part
    consists of the voxels where the ratio of every class is within a quarter (natural logarithm) of its most frequent
    ratio.
    """
    dense = classes[reference].molecule.load()

    def smooth(item: ClassData) -> NDArray[np.float32]:
        return gaussian_smooth_at(item.density.load(), dense, DETECTION_WIDTHS[0] / spacing, threads=threads)

    of_reference = smooth(classes[reference])
    if of_reference.size:
        reliable = of_reference > np.float32(RELIABLE_DENSITY * np.percentile(of_reference, 95))
        dense[dense], of_reference = reliable, of_reference[reliable]
    mask = dense.copy()
    for index, item in enumerate(classes):
        if index != reference and of_reference.size:
            ratio = smooth(item) / of_reference
            logarithm = np.log(np.maximum(ratio, np.float32(TINY)))
            mask[dense] &= np.abs(logarithm - _most_frequent(logarithm)) < _MAX_LOG_DIFFERENCE
    if mask.sum() < max(MIN_VOXELS, _MIN_SHARE * dense.sum()):
        return no_common_part(classes, reference)
    densities = [float(item.density.load()[mask].mean()) for item in classes]
    scales = [float(item.own_scale.load()[mask].mean()) for item in classes]
    return CommonPart(
        mask,
        tuple(density / densities[reference] for density in densities),
        tuple(scales[reference] / max(scale, TINY) for scale in scales),
    )


def no_common_part(classes: Sequence[ClassData], reference: int) -> CommonPart:
    """Return an empty common part, under which equal densities have equal scales in all classes."""
    factors = tuple(item.span / classes[reference].span for item in classes)
    return CommonPart(np.zeros_like(classes[reference].molecule.load()), (math.nan,) * len(classes), factors)


def _most_frequent(logarithms: NDArray[np.float32]) -> float:
    """Return the median of the logarithms about the peak of their distribution.

    A peak near 0, which stands for one grey scale, is taken if a third of the logarithms lie about it, even if another
    peak is higher.
    """
    near_zero = logarithms[np.abs(logarithms) < _MAX_LOG_DIFFERENCE]
    if near_zero.size:
        middle = find_peak(near_zero).middle
        around = _around(logarithms, middle)
        if abs(middle) < _MAX_LOG_DIFFERENCE / 2 and around.size > SAME_SHARE * logarithms.size:
            return float(np.median(around))
    middle = find_peak(logarithms).middle
    around = _around(logarithms, middle)
    return float(np.median(around)) if around.size else middle


def _around(logarithms: NDArray[np.float32], middle: float) -> NDArray[np.float32]:
    return logarithms[np.abs(logarithms - middle) < _MAX_LOG_DIFFERENCE / 2]
