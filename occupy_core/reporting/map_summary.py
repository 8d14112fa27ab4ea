# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that summarise a map in the report: scale histogram, solvent model curves, surface level."""

from __future__ import annotations

import math
from typing import Any, Dict, List

import numpy as np

from occupy_core.arrays.histograms import Bins, count_bins
from occupy_core.arrays.types import Image, Volume
from occupy_core.maps.density_map import DensityMap
from occupy_core.solvent.model import BINS, CONFIDENT, SolventModel

SCALE_BINS = 50
_MERGED_BINS = 4  # bins of the solvent histogram averaged to one value in the report
_MAX_SECTIONS = 64  # number of sections counted at most; sections of larger maps are skipped evenly
_NOISE_ABOVE_LEVEL = 1e-3  # share of the solvent voxels that may lie above the surface level


def scale_histogram(scale: Volume, confidence: Volume, *, threads: int = 1) -> Dict[str, Any]:
    """Count voxels by local scale.

    Maps of more than 64 sections are counted on every second, third, ... section of the first axis.

    Parameters
    ----------
    scale : float32 array, 3D
        Local scale, 0..1.
    confidence : float32 array, 3D
        Confidence, 0..1, on the same grid.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    dict
        "voxels" and "confident_voxels": counts in 50 bins of the scale from 0 to 1, of all voxels and of those with
        confidence above 0.5. "every_section": distance between counted sections (1 when all are counted).
    """
    every = math.ceil(len(scale) / _MAX_SECTIONS)
    scales, confidences = scale[::every], confidence[::every]

    def bins_of(slab: slice) -> Image:
        bins = np.trunc(scales[slab].reshape(-1) * np.float32(SCALE_BINS))
        np.minimum(bins, np.float32(SCALE_BINS - 1), out=bins)
        bins[confidences[slab].reshape(-1) > CONFIDENT] += SCALE_BINS
        return bins

    counts = count_bins(scales.shape, bins_of, 2 * SCALE_BINS, threads=threads)
    unconfident, confident = counts.reshape(2, -1)
    return {
        "every_section": every,
        "voxels": (unconfident + confident).tolist(),
        "confident_voxels": confident.tolist(),
    }


def solvent_curves(model: SolventModel) -> Dict[str, List[float]]:
    """Return the histogram and the confidence of a solvent model by map value.

    Four bins are averaged to one, and numbers are rounded to six digits.

    Parameters
    ----------
    model : SolventModel

    Returns
    -------
    dict
        Lists of equal length: "values" (map values at the bins), "density" (share of the voxels per unit of grey scale)
        and "confidence" (0..1).
    """
    return {
        name: [float(f"{value:.6g}") for value in values.reshape(BINS // _MERGED_BINS, _MERGED_BINS).mean(axis=1)]
        for name, values in (("values", model.values), ("density", model.density), ("confidence", model.confidence))
    }


def surface_level(source: DensityMap, confidence: Volume, limit: float, *, threads: int = 1) -> float:
    """Compute a level for the map's surface that is above almost all noise.

    Of the voxels with a confidence of 0.5 or less, at most one in a thousand lies above the level, unless the level is
    capped: it is never above the middle between the smallest and the largest value of the map. Sections of large maps
    are skipped as in `scale_histogram`.

    Parameters
    ----------
    source : DensityMap
        Input map.
    confidence : float32 array, 3D
        Confidence, 0..1, on the input grid.
    limit : float
        Confidence limit of the solvent model, in the map's grey scale: the smallest level, before the cap.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    float
        Level on the map's grey scale.
    """
    every = math.ceil(len(source.data) / _MAX_SECTIONS)
    values, confidences = source.data[::every], confidence[::every]
    low, high = (float(value) for value in source.limits)
    bins = Bins(BINS, (low, high))

    def bins_of(slab: slice) -> Image:
        return bins.indices(values[slab][confidences[slab] <= CONFIDENT])

    counts = count_bins(values.shape, bins_of, BINS, threads=threads)
    above = counts[::-1].cumsum()[::-1]
    noise = low + (high - low) * int((above > _NOISE_ABOVE_LEVEL * above[0]).sum()) / BINS
    return min(max(limit, noise), (low + high) / 2)
