# SPDX-License-Identifier: GPL-3.0-or-later
"""The working box, low-pass, kernel and tau for a map, from the settings and the map's grid alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from occupy_core.errors import MapError, SettingsError
from occupy_core.estimate.kernel import ball_mask, default_kernel_radius, default_kernel_size, solve_tau
from occupy_core.fourier.low_pass import default_lowpass
from occupy_core.fourier.resize import cropped_shape
from occupy_core.fourier.transforms import ROUNDING
from occupy_core.maps.grid import MapGrid, box_text
from occupy_core.settings.settings import Settings

# The cutoff of a low-pass must fit this many times into the shortest side of the box; otherwise only a blur is left.
_MIN_WAVES = 2
_DECIMALS = 9  # of derived values: 3 voxels of 3.54 Å are 10.62 Å, not 10.620000000000001 Å


@dataclass(frozen=True)
class ResolvedParameters:
    """Box, low-pass, kernel and tau for one map.

    Attributes
    ----------
    mode : str
        "resolution" or "occupancy".
    box : three int
        Working box (z, y, x), voxels.
    voxel_size : float
        Edge of a voxel of the working box, Å.
    lowpass : float
        Cutoff of the low-pass, Å.
    kernel_size : int
        Edge of the kernel's box, voxels; odd.
    kernel_radius : float
        Radius of the kernel, voxels.
    kernel_voxels : int
        Number of voxels in the kernel.
    tau : float
        Percentile of the map values in a tile, as a fraction.
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
    """Choose the parameters that the settings leave open, and check that all of them suit the map's box.

    Parameters
    ----------
    grid : MapGrid
        Grid of the input map.
    settings : Settings

    Returns
    -------
    ResolvedParameters

    Raises
    ------
    MapError
        If the box is too small for the default low-pass.
    SettingsError
        If a low-pass or the kernel of the settings does not suit the box.
    """
    box = cropped_shape(grid.shape, settings.max_box)
    voxel_size = grid.voxel_size * max(grid.shape) / max(box)
    lowpass = _lowpass(settings, box, voxel_size)
    if settings.lowpass_output is not None:
        _check_cutoff("lowpass_output", settings.lowpass_output, box, voxel_size)
    size = settings.kernel_size or default_kernel_size(lowpass, voxel_size)
    if size > min(box):
        raise SettingsError(
            "kernel_size",
            f"got {size} voxels, expected at most {min(box)}: the map's shortest side; choose a smaller one",
        )
    reads_occupancy = settings.reads_occupancy
    radius = settings.kernel_radius or default_kernel_radius(lowpass, voxel_size, reads_occupancy=reads_occupancy)
    radius = round(radius, _DECIMALS)
    voxels = int(ball_mask(size, radius).sum())
    tau = settings.tau if settings.tau is not None else solve_tau(voxels)
    return ResolvedParameters(settings.resolved_mode, box, voxel_size, lowpass, size, radius, voxels, tau)


def _lowpass(settings: Settings, box: Tuple[int, int, int], voxel_size: float) -> float:
    """Return the cutoff of the low-pass, Å: the setting, else 8 Å or 3 voxels, whichever is larger."""
    if settings.lowpass is not None:
        _check_cutoff("lowpass", settings.lowpass, box, voxel_size)
        return settings.lowpass
    lowpass = default_lowpass(voxel_size)
    if not _leaves_waves(lowpass, box, voxel_size):
        raise MapError(
            f"the box of {box_text(box)} voxels of {voxel_size:.4g} Å is too small for the default low-pass of "
            f"{lowpass:.4g} Å, expected sides of at least {_MIN_WAVES * lowpass:.4g} Å; set a finer lowpass or use a "
            "larger box"
        )
    return lowpass


def _leaves_waves(cutoff: float, box: Tuple[int, int, int], voxel_size: float) -> bool:
    """Whether the box is large enough for a low-pass."""
    return cutoff * _MIN_WAVES <= min(box) * voxel_size * (1 + ROUNDING)


def _check_cutoff(name: str, cutoff: float, box: Tuple[int, int, int], voxel_size: float) -> None:
    """Refuse a cutoff (setting `name`, Å) finer than two voxels or too coarse for the box."""
    finest, coarsest = 2 * voxel_size, min(box) * voxel_size / _MIN_WAVES
    if cutoff < finest * (1 - ROUNDING) or not _leaves_waves(cutoff, box, voxel_size):
        raise SettingsError(
            name,
            f"{cutoff:.4g} Å does not suit a box of {box_text(box)} voxels of {voxel_size:.4g} Å, "
            f"expected {finest:.4g} to {coarsest:.4g} Å; choose one of these, or leave it out",
        )
