# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from the settings for a map's grid, without the map itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from occupy_core.errors import MapError, SettingsError
from occupy_core.estimate.kernel import ball_mask, default_kernel_radius, default_kernel_size, solve_tau
from occupy_core.fourier.resize import cropped_shape
from occupy_core.fourier.transforms import ROUNDING
from occupy_core.maps.grid import MapGrid, box_text
from occupy_core.settings.settings import Settings

# A low-pass must leave this many waves across the shortest side, or nothing but a blur is left.
_FEWEST_WAVES = 2


@dataclass(frozen=True)
class ResolvedParameters:
    """What follows from the settings and the map's box and voxel size.

    Attributes
    ----------
    mode : str
        "resolution" or "occupancy".
    box : tuple of int
        The box of the computation, in voxels, in the order of the file.
    voxel_size : float
        Of the computation, Å.
    lowpass : float
        Å.
    kernel_size, kernel_radius, kernel_voxels
        Edge of the kernel's box and radius in voxels; how many voxels it has.
    tau : float
        Percentile as a fraction.
    """

    mode: str
    box: Tuple[int, int, int]
    voxel_size: float
    lowpass: float
    kernel_size: int
    kernel_radius: float
    kernel_voxels: int
    tau: float


def resolve_parameters(grid: MapGrid, settings: Settings) -> ResolvedParameters:
    """Settle all that the settings leave to the map's grid.

    Raises
    ------
    MapError
        If the box is too small.
    SettingsError
        If the low-pass or the kernel does not suit the map's box.
    """
    box = cropped_shape(grid.shape, settings.max_box)
    voxel_size = grid.voxel_size * max(grid.shape) / max(box)
    lowpass = settings.lowpass if settings.lowpass is not None else max(8.0, 3 * voxel_size)
    if settings.lowpass is not None:
        _check_cutoff("lowpass", lowpass, box, voxel_size)
    elif not _leaves_waves(lowpass, box, voxel_size):
        raise MapError(
            f"the box of {box_text(box)} voxels of {voxel_size:.4g} Å is too small for the low-pass of {lowpass:.4g} Å "
            f"that such voxels take, expected at least {_FEWEST_WAVES * lowpass:.4g} Å along each side"
        )
    if settings.lowpass_output is not None:
        _check_cutoff("lowpass_output", settings.lowpass_output, box, voxel_size)
    size = settings.kernel_size or default_kernel_size(lowpass, voxel_size)
    if size > min(box):
        raise SettingsError("kernel_size", f"got {size} voxels, expected at most {min(box)}: the map's shortest side")
    radius = settings.kernel_radius or default_kernel_radius(lowpass, voxel_size, is_occupancy=settings.reads_occupancy)
    voxels = int(ball_mask(size, radius).sum())
    tau = settings.tau if settings.tau is not None else solve_tau(voxels)
    return ResolvedParameters(settings.resolved_mode, box, voxel_size, lowpass, size, radius, voxels, tau)


def _leaves_waves(cutoff: float, box: Tuple[int, int, int], voxel_size: float) -> bool:
    return cutoff * _FEWEST_WAVES <= min(box) * voxel_size * (1 + ROUNDING)


def _check_cutoff(name: str, cutoff: float, box: Tuple[int, int, int], voxel_size: float) -> None:
    finest, coarsest = 2 * voxel_size, min(box) * voxel_size / _FEWEST_WAVES
    if cutoff < finest * (1 - ROUNDING) or not _leaves_waves(cutoff, box, voxel_size):
        raise SettingsError(
            name,
            f"{cutoff:.4g} Å does not suit a box of {box_text(box)} voxels of {voxel_size:.4g} Å, "
            f"expected {finest:.4g} to {coarsest:.4g} Å",
        )
