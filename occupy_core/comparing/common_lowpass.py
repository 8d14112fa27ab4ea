# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose one low-pass for all maps of a comparison."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from occupy_core.comparing.each_map import ReadInput, measure_usable_maps
from occupy_core.errors import MapError
from occupy_core.estimate.parameters import resolve_parameters
from occupy_core.fourier.detail import finest_detail
from occupy_core.fourier.transforms import ROUNDING
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.grid import MapGrid
from occupy_core.maps.reading import read_grid
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings

# Share of the shortest side of the box: a coarser low-pass leaves too few waves to read occupancies from, and is chosen
# only where the classification gives coarser resolutions. Our choice.
_MAX_SHARE_OF_BOX = 1 / 8

# Share of the shortest side of the box: the low-pass is never coarser than this. Our choice.
_MAX_SHARE_OF_BOX_AT_ALL = 1 / 4

# A class is named as the cause of the low-pass if it makes it coarser by more than this factor. Our choice.
_TOLD_FACTOR = 1.25


def common_lowpass(
    maps: Sequence[MapInput], settings: Settings, threads: int, notes: List[str], read: ReadInput
) -> Optional[float]:
    """Return the low-pass for all maps, Å; None if no map can be used.

    Parameters
    ----------
    maps : sequence of MapInput
        The maps to be compared.
    settings : Settings
    threads : int
    notes : list of str
        Receives a warning where one map costs the others their detail, and where a map has no detail at the low-pass
        that the settings give.
    read : callable
        Takes a MapInput and returns its DensityMap.

    Notes
    -----
    It is the low-pass that the settings give. Without one, it is the coarsest of the resolutions of the classes, as
    the classification estimates them, or where they are not known the finest low-pass at which every map has detail;
    never finer than the default. It is never coarser than an eighth of the box, or than a quarter of the box where the
    resolutions are known.
    """
    if settings.lowpass is None and knows_resolutions(maps):
        return _lowpass_of_resolutions(maps, settings, notes)

    def planned_and_needed(source: DensityMap, threads: int) -> Tuple[float, float]:
        planned, voxel_size = resolve_parameters(source.grid, settings).lowpass, source.grid.voxel_size
        coarsest = max(planned, _MAX_SHARE_OF_BOX * min(source.grid.shape) * voxel_size)
        return planned, finest_detail(
            source.data, voxel_size=voxel_size, finest=planned, coarsest=coarsest, threads=threads
        )

    measured = measure_usable_maps(maps, planned_and_needed, [], read=read, threads=threads)
    if not measured:
        return settings.lowpass
    planned = next(iter(measured.values()))[0]
    needed = {index: needed for index, (_, needed) in measured.items()}
    index = max(needed, key=lambda index: needed[index])
    if settings.lowpass is not None:
        if needed[index] > planned:
            notes.append(
                f"{maps[index].name} has almost no detail finer than {needed[index]:.3g} Å, but the classes are "
                f"compared at a low-pass of {planned:.3g} Å (setting lowpass): a region may only show that this map "
                "lacks detail"
            )
        return settings.lowpass
    notes += _costly_map(maps, index, needed, planned)
    return max(planned, needed[index])


def _lowpass_of_resolutions(maps: Sequence[MapInput], settings: Settings, notes: List[str]) -> Optional[float]:
    """Return the low-pass where the resolutions of all maps are known; of the files, one header is read."""
    first = next((item for item in maps if not item.is_empty), None)
    if first is None:
        return None
    try:
        grid = read_grid(first.path, voxel_size=first.voxel_size)
        planned = resolve_parameters(grid, settings).lowpass
    except MapError:  # raised again where the maps are measured
        return None
    coarsest = coarsest_lowpass(planned, grid.shape, grid.voxel_size)
    needed = {index: min(coarsest, _resolution(item)) for index, item in enumerate(maps) if not item.is_empty}
    index = max(needed, key=lambda index: needed[index])
    notes += _costly_map(maps, index, needed, planned)
    return max(planned, needed[index])


def coarsest_lowpass(planned: float, shape: Sequence[int], voxel_size: float) -> float:
    """Return the coarsest low-pass of classes whose resolutions are known, Å: a quarter of the box.

    Parameters
    ----------
    planned : float
        The low-pass that the settings give, Å, which is taken in any case.
    shape : sequence of int
        Box of the maps, voxels.
    voxel_size : float
        Å.
    """
    return max(planned, _MAX_SHARE_OF_BOX_AT_ALL * min(shape) * voxel_size)


def coarse_lowpass_warnings(lowpass: float, grid: MapGrid) -> List[str]:
    """Warn about a low-pass (Å) that leaves too few waves in the box of the maps to read occupancies from."""
    limit = _MAX_SHARE_OF_BOX * min(grid.shape) * grid.voxel_size
    if lowpass <= limit * (1 + ROUNDING):
        return []
    return [
        f"the classes are compared at a low-pass of {lowpass:.3g} Å, coarser than an eighth of the box ({limit:.3g} "
        "Å): with so little detail, occupancies may be wrong by more than their intervals say; "
        "trust that a part differs, not by how much"
    ]


def knows_resolutions(maps: Sequence[MapInput]) -> bool:
    """Return whether the classification gives the resolution of every map."""
    return all(_resolution(item) > 0 for item in maps)


def _resolution(item: MapInput) -> float:
    return (item.class_info.resolution if item.class_info else None) or 0.0


def _costly_map(maps: Sequence[MapInput], index: int, needed: Dict[int, float], planned: float) -> List[str]:
    """Return a sentence about a map that costs the others their detail; nothing if there is none."""
    others = max((planned, *(value for other, value in needed.items() if other != index)))
    if needed[index] < _TOLD_FACTOR * others:
        return []
    leave_out = f", or leave {maps[index].name} out of the comparison" if len(maps) > 2 else ""
    return [
        f"compared at a low-pass of {needed[index]:.3g} Å, because {maps[index].name} has almost no finer detail; "
        f"for {others:.3g} Å, as the other maps allow, set lowpass {others:.3g}{leave_out}"
    ]
