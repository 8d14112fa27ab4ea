# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report keeps of a map: histogram of the scale, curves of the solvent model, a level for its surface."""

from __future__ import annotations

import math
from typing import Any, Dict, List

import numpy as np

from occupy_core.arrays.histograms import Bins, count_bins
from occupy_core.arrays.types import Image, Volume
from occupy_core.maps.reading import DensityMap
from occupy_core.solvent.model import BINS, CONFIDENT, SolventModel

SCALE_BINS = 50

_BINS_MERGED = 4  # of the solvent's histogram

_SOME_SECTIONS = 64  # that a histogram is taken of

_LEVEL_NOISE = 1e-3  # of the voxels that are no more than solvent, above the level


def scale_histogram(scale: Volume, confidence: Volume, *, threads: int = 1) -> Dict[str, Any]:
    """How many voxels have which local scale: all of them, and those with confidence above 0.5; in 50 bins, 0..1.

    Of a map of many sections, those of every so many along the first axis are counted, as "every_section" says.
    """
    every = math.ceil(len(scale) / _SOME_SECTIONS)

    scales, confidences = scale[::every], confidence[::every]

    def bins_of(slab: slice) -> Image:
        bins = np.trunc(scales[slab].reshape(-1) * np.float32(SCALE_BINS))
        np.minimum(bins, np.float32(SCALE_BINS - 1), out=bins)
        bins[confidences[slab].reshape(-1) > CONFIDENT] += SCALE_BINS
        return bins

    counts = count_bins(scales.shape, bins_of, 2 * SCALE_BINS, threads=threads)
    others, confident = counts.reshape(2, -1)
    return {
        "every_section": every,
        "voxels": (others + confident).tolist(),
        "confident_voxels": confident.tolist(),
    }


def solvent_curves(model: SolventModel) -> Dict[str, List[float]]:
    """The histogram and the confidence of a solvent model, in a quarter of its bins and to six digits."""
    return {
        name: [float(f"{value:.6g}") for value in values.reshape(BINS // _BINS_MERGED, _BINS_MERGED).mean(axis=1)]
        for name, values in (("values", model.values), ("density", model.density), ("confidence", model.confidence))
    }


def surface_level(source: DensityMap, confidence: Volume, limit: float, *, threads: int = 1) -> float:
    """A level for a surface: above it there is next to no voxel that is no more than solvent.

    Parameters
    ----------
    source : DensityMap
        The input.
    confidence : float32 array
        On its grid.
    limit : float
        Confidence limit of the solvent model; the level is at least this.
    threads : int

    Returns
    -------
    float
        In the map's grey scale.
    """
    every = math.ceil(len(source.data) / _SOME_SECTIONS)
    values, confidences = source.data[::every], confidence[::every]
    low, high = (float(value) for value in source.limits)
    bins = Bins(BINS, (low, high))

    def bins_of(slab: slice) -> Image:
        return bins.indices(values[slab][confidences[slab] <= CONFIDENT])

    counts = count_bins(values.shape, bins_of, BINS, threads=threads)
    above = counts[::-1].cumsum()[::-1]
    noise = low + (high - low) * int((above > _LEVEL_NOISE * above[0]).sum()) / BINS
    return min(max(limit, noise), (low + high) / 2)
