# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancy of the parts of a map that a user gives masks of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.estimate.kernel import solve_tau
from occupy_core.estimate.reference import tiled_reference
from occupy_core.fourier.resize import sample_nearest
from occupy_core.maps.reading import DensityMap, read_on_grid

# Of a 90 % interval: what remains where everything is even, and the share of the interquartile ranges of the part
# and of what counts as full. `benchmarks/occupancy` measures how often the truth lies in it.
_LEAST_HALF_WIDTH = 0.04
_SHARE_OF_SPREAD = 0.13
_IN_TARGET = 0.5  # what a mask must exceed

# The lower quartile of a part that is there everywhere is more than this share of the upper one.
_EMPTY_SHARE = 0.1
_FULL = 0.5
TOO_UNEVEN = (
    "target mask {path}: the scale varies widely inside it, so the mask holds solvent or parts of different occupancy "
    "and its median means little (no interval is given); a target mask should follow one part closely, without "
    "extension or soft edge"
)


@dataclass(frozen=True)
class Target:
    """What the scale reads in one target mask.

    Attributes
    ----------
    path : str
    volume : float
        Of the mask, Å^3.
    published : float, optional
        The published program's target occupancy, 0..1: the maximum over the mask relative to full scale for as many
        voxels; None where no tile of that percentile is positive.
    lower_quartile, median, upper_quartile : float
        Of the scale over the mask, 0..1.
    interval : tuple of float, optional
        90 % interval of the occupancy, 0..1; for a calibrated scale in occupancy mode and an even mask only.
    is_uneven : bool
        Whether the mask holds what is empty and what is full, so that its median tells the occupancy of no part.
    """

    path: str
    volume: float
    published: Optional[float]
    lower_quartile: float
    median: float
    upper_quartile: float
    interval: Optional[Tuple[float, float]] = None
    is_uneven: bool = False


def measure_target(
    path: str, source: DensityMap, basis: Volume, scales: Volume, full_spread: Optional[float], *, tile_size: int
) -> Target:
    """Read a target mask and measure the scale in it.

    Parameters
    ----------
    path : str
        Of the mask.
    source : DensityMap
        The input.
    basis : float32 array
        The map of the chosen mode, in the box of the computation.
    scales : float32 array
        On the input's grid, 0..1.
    full_spread : float, optional
        `Reference.spread`, where an interval has a meaning.
    tile_size : int
        Edge of the published program's tiles, voxels.

    Raises
    ------
    MapError
        If the mask cannot be read, is empty, or does not lie on the input's grid.
    """
    values = read_on_grid(path, source, "target mask").data
    mask = values > _IN_TARGET
    if not mask.any():
        raise MapError(
            f"{path}: found no voxel above {_IN_TARGET} (highest {values.max():.4g}), expected a mask in 0..1"
        )
    lower, median, upper = quartiles(scales, mask)
    uneven = is_uneven(scales, mask)
    interval = None
    if full_spread is not None and not uneven:
        interval = occupancy_interval(lower, median, upper, full_spread=full_spread)
    return Target(
        path,
        float(mask.sum()) * source.grid.voxel_size**3,
        published_occupancy(basis, sample_nearest(mask, basis.shape), tile_size=tile_size),
        lower,
        median,
        upper,
        interval,
        uneven,
    )


def published_occupancy(basis: Volume, mask: NDArray[np.bool_], *, tile_size: int) -> Optional[float]:
    """The published program's occupancy of a mask, 0..1; None where no tile is positive.

    Notes
    -----
    Forsberg et al. 2023: the mask's own number of voxels sets the percentile that counts as full scale.
    """
    if not mask.any():
        return None
    tau = solve_tau(int(mask.sum()))
    try:
        full = tiled_reference(basis, tau=tau, tile_size=tile_size).value
    except MapError:
        return None
    return float(np.clip(basis[mask].max() / full, 0, 1))


def quartiles(scales: Volume, mask: NDArray[np.bool_]) -> Tuple[float, float, float]:
    """Lower quartile, median and upper quartile of the scale over a mask that is not empty."""
    lower, median, upper = np.percentile(scales[mask], (25, 50, 75))
    return float(lower), float(median), float(upper)


def is_uneven(scales: Volume, mask: NDArray[np.bool_]) -> bool:
    """Whether more than a quarter of a mask reads next to nothing beside the rest, and more than a tenth full."""
    lower, upper, high = np.percentile(scales[mask], (25, 75, 90))
    return bool(lower < _EMPTY_SHARE * upper and high > _FULL)


def occupancy_interval(
    lower_quartile: float, median: float, upper_quartile: float, *, full_spread: float
) -> Tuple[float, float]:
    """The 90 % interval, 0..1, of the occupancy of a part, from the quartiles of its calibrated scale.

    Parameters
    ----------
    lower_quartile, median, upper_quartile : float
        0..1.
    full_spread : float
        `Reference.spread`: the interquartile range of what counts as full.

    Notes
    -----
    The scale varies over a part with its shape, composition and neighbours, and with noise, and over what counts as
    full too; how far off the median may be grows with both. The constants were settled on simulated complexes
    (docs/accuracy.md).
    """
    part, full = upper_quartile - lower_quartile, median * full_spread
    half_width = math.hypot(_LEAST_HALF_WIDTH, _SHARE_OF_SPREAD * math.hypot(part, full))
    return max(0.0, median - half_width), min(1.0, median + half_width)
