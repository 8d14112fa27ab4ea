# SPDX-License-Identifier: GPL-3.0-or-later
"""Target masks: the occupancy of the parts of a map that a user gives masks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.estimate.input_checks import mask_warnings
from occupy_core.estimate.intervals import occupancy_interval, reads_surface
from occupy_core.estimate.kernel import solve_tau
from occupy_core.estimate.reference import tiled_reference
from occupy_core.fourier.resize import sample_nearest
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.reading import check_on_grid, read_on_grid

_MASK_THRESHOLD = 0.5  # voxels of a target mask above this value belong to the part

# A mask is uneven when it holds both empty and occupied voxels: the lower quartile of the scale in it is below
# _EMPTY_SHARE of the upper quartile, and the 90th percentile is above _OCCUPIED. Checked on simulated complexes
# (docs/accuracy.md).
_EMPTY_SHARE = 0.1
_OCCUPIED = 0.5
UNEVEN_MASK_WARNING = (
    "target mask {path}: the scale varies widely inside it, so the mask holds solvent or parts of different occupancy "
    "and the median scale is unreliable (no interval is given); a target mask should follow one part closely, without "
    "extension or soft edge"
)
SURFACE_MASK_WARNING = (
    "target mask {path}: the middle of the mask reads clearly higher than the mask as a whole, so the mask reads "
    "mostly the surface of the part and the median scale is too low (no interval is given); a target mask should reach "
    "no farther than about 3 Å from the atoms of its part"
)


@dataclass(frozen=True)
class Target:
    """The local scale in one target mask.

    Attributes
    ----------
    path : str
        File of the mask.
    volume : float
        Volume of the mask, Å^3.
    published : float, optional
        Target occupancy of the published program, 0..1: maximum of the map over the mask, relative to the tiled
        reference value for a kernel of as many voxels as the mask has. None when no tile has positive density.
    lower_quartile, median, upper_quartile : float
        Quartiles of the scale over the mask, 0..1.
    interval : two float, optional
        90 % interval of the occupancy, 0..1; only for a calibrated scale in occupancy mode, an even mask
        that reads more than surface, and a map that allows one (`occupy_core.process.estimate_scale`).
    is_uneven : bool
        Whether the mask holds both empty and occupied voxels, so that its median is not the occupancy of any part.
    is_surface : bool
        Whether the mask reads mostly the surface of its part, so that its median is too low.
    mask_warnings : tuple of str
        What is odd about the file of the mask.
    """

    path: str
    volume: float
    published: Optional[float]
    lower_quartile: float
    median: float
    upper_quartile: float
    interval: Optional[Tuple[float, float]] = None
    is_uneven: bool = False
    is_surface: bool = False
    mask_warnings: Tuple[str, ...] = ()

    @property
    def warning(self) -> Optional[str]:
        """Why the mask gets no interval, and the way out; None where the mask is not the reason."""
        if self.is_uneven:
            return UNEVEN_MASK_WARNING.format(path=self.path)
        return SURFACE_MASK_WARNING.format(path=self.path) if self.is_surface else None


def check_targets(paths: Sequence[str], source: DensityMap) -> None:
    """Refuse target masks whose headers show that they cannot be read on the grid of a map, before the work.

    Raises
    ------
    MapError
        For the first such mask.
    """
    for path in paths:
        if path not in source.masks:
            check_on_grid(path, source.grid, source.path, "target mask")


def measure_target(
    path: str, source: DensityMap, basis: Volume, scales: Volume, full_spread: Optional[float], *, tile_size: int
) -> Target:
    """Read a target mask and measure the scale in it.

    Parameters
    ----------
    path : str
        File of the mask.
    source : DensityMap
        The input.
    basis : float32 array, 3D
        The map that the local scale was computed from, in the working box.
    scales : float32 array, 3D
        The local scale, 0..1, on the input's grid.
    full_spread : float, optional
        `Reference.spread`; None if occupancies get no interval.
    tile_size : int
        Edge of the tiles for `Target.published`, voxels.

    Returns
    -------
    Target

    Raises
    ------
    MapError
        If the mask cannot be read, is empty, or does not lie on the input's grid.
    """
    read = read_on_grid(path, source, "target mask")
    mask = read.data > _MASK_THRESHOLD
    if not mask.any():
        raise MapError(
            f"{path}: found no voxel above {_MASK_THRESHOLD} (highest {read.limits[1]:.4g}), expected a mask with "
            f"values from 0 to 1, above {_MASK_THRESHOLD} in the part to measure"
        )
    odd = tuple(mask_warnings(read, source, "target mask", threshold=_MASK_THRESHOLD))
    lower, median, upper = quartiles(scales, mask)
    volume = float(mask.sum()) * source.grid.voxel_size**3
    interval, uneven, surface = None, is_uneven(scales, mask), False
    if full_spread is not None and not uneven:
        interval = part_interval(scales, mask, full_spread=full_spread, volume=volume)
        surface = interval is None
    published = published_occupancy(basis, sample_nearest(mask, basis.shape), tile_size=tile_size)
    return Target(path, volume, published, lower, median, upper, interval, uneven, surface, odd)


def part_interval(
    scales: Volume, mask: NDArray[np.bool_], *, full_spread: float, volume: float
) -> Optional[Tuple[float, float]]:
    """Compute the 90 % interval of the occupancy of a part.

    Parameters
    ----------
    scales : float32 array, 3D
        The calibrated scale in occupancy mode, 0..1.
    mask : bool array of the shape of `scales`
        The part, with at least one voxel.
    full_spread : float
        `Reference.spread`.
    volume : float
        Volume of the part, Å^3.

    Returns
    -------
    two float, 0..1, or None
        None for an uneven mask (`is_uneven`) and for one that reads mostly surface (`reads_surface`).
    """
    interval = occupancy_interval(*quartiles(scales, mask), full_spread=full_spread, volume=volume)
    return None if is_uneven(scales, mask) or reads_surface(scales, mask, interval[1]) else interval


def published_occupancy(basis: Volume, mask: NDArray[np.bool_], *, tile_size: int) -> Optional[float]:
    """Compute the target occupancy of the published program.

    Parameters
    ----------
    basis : float32 array, 3D
        The map that the local scale was computed from.
    mask : bool array of the shape of `basis`
        The target mask.
    tile_size : int
        Edge of the tiles, voxels.

    Returns
    -------
    float or None
        0..1; None for an empty mask and when no tile has positive density.

    Notes
    -----
    Forsberg et al. 2023: the number of voxels in the mask sets the percentile that counts as full scale.
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
    """Return lower quartile, median and upper quartile of the scale over a mask with at least one voxel."""
    lower, median, upper = np.percentile(scales[mask], (25, 50, 75))
    return float(lower), float(median), float(upper)


def is_uneven(scales: Volume, mask: NDArray[np.bool_]) -> bool:
    """Whether a mask holds both empty and occupied voxels.

    True when the lower quartile of the scale is below a tenth of the upper quartile and its 90th percentile is above
    0.5.
    """
    lower, upper, high = np.percentile(scales[mask], (25, 75, 90))
    return bool(lower < _EMPTY_SHARE * upper and high > _OCCUPIED)
