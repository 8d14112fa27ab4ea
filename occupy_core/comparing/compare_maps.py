# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the classes of a classification, from their map files.

One map is in memory at a time; the data that the comparison needs of the other maps are in temporary files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

from occupy_core.comparing.class_cache import ClassCache
from occupy_core.comparing.comparison import Comparison, compare_classes
from occupy_core.comparing.disk_array import DiskArray
from occupy_core.comparing.each_map import ReadInput, estimate_settings, measure_usable_maps, position_of_named_map
from occupy_core.errors import MapError
from occupy_core.estimate.parameters import resolve_parameters
from occupy_core.fourier.detail import finest_detail
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.grid import MapGrid
from occupy_core.progress import Step, ignore_step
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings

# Share of the shortest side of the box: a coarser low-pass would leave too few waves to tell regions apart. Our choice.
_MAX_LOWPASS = 1 / 8

# Share of the comparison's work that is done when the data of all classes are prepared; for the progress alone.
_PREPARATION = 0.8


@dataclass(frozen=True)
class ClassComparison:
    """The comparison of the maps that could be compared.

    Attributes
    ----------
    result : Comparison
        Regions and spread, on the coarse grid.
    map_indices : tuple of int
        Index, in the job, of each map that was compared.
    densities : tuple of DiskArray of float32
        The low-passed map of each class on the coarse grid, with the median density of its solvent subtracted.
    grid : MapGrid
        Grid of the maps.
    spacing : float
        Spacing of the coarse grid, in voxels of the maps.
    lowpass : float
        Low-pass of all maps, Å.
    warnings : tuple of str
    """

    result: Comparison
    map_indices: Tuple[int, ...]
    densities: Tuple[DiskArray, ...]
    grid: MapGrid
    spacing: float
    lowpass: float
    warnings: Tuple[str, ...]


def compare_maps(
    maps: Sequence[MapInput],
    settings: Settings,
    *,
    threads: int = 1,
    cache: Optional[ClassCache] = None,
    step: Step = ignore_step,
) -> ClassComparison:
    """Find the regions where maps differ, always in occupancy mode with calibrated normalisation.

    Parameters
    ----------
    maps : sequence of MapInput
    settings : Settings
        Low-pass, kernel, max_box, solvent_def and reference are used.
    threads : int
    cache : ClassCache, optional
        Per-class data of these maps; this call reads the maps with `cache.read` and fills the cache. By default an
        empty cache, which reads the map files.
    step : callable
        Called with the fraction of the comparison that is done (0..1) and a text that names the next piece of work.

    Raises
    ------
    MapError
        If fewer than two maps can be compared.
    JobError
        If two maps do not lie on one grid, or a temporary file cannot be written.
    SettingsError
        If the setting `reference` gives a number that no map has, or the number of a map that cannot be used.
    """
    notes: List[str] = []
    needed = replace(estimate_settings(settings), mode="occupancy", normalisation="calibrated")
    cache = cache or ClassCache()
    needed = replace(needed, lowpass=_common_lowpass(maps, needed, threads, notes, cache.read))
    entries, left_out = cache.get(maps, needed, threads, lambda fraction, text: step(_PREPARATION * fraction, text))
    notes += left_out
    if len(entries) < 2:
        raise MapError("; ".join(["fewer than two of the maps can be compared", *notes]))
    first = next(iter(entries.values()))
    step(_PREPARATION, "differences")
    result = compare_classes(
        [entry.data for entry in entries.values()],
        [maps[index].name for index in entries],
        spacing=first.data.spacing,
        reference=position_of_named_map(maps, settings, entries),
        threads=threads,
    )
    return ClassComparison(
        result,
        tuple(entries),
        tuple(entry.data.density for entry in entries.values()),
        first.grid,
        first.data.spacing / first.grid.voxel_size,
        first.parameters.lowpass,
        (*notes, *result.warnings),
    )


def _common_lowpass(
    maps: Sequence[MapInput], settings: Settings, threads: int, notes: List[str], read: ReadInput
) -> Optional[float]:
    """Return the low-pass for all maps, Å; None if no map can be used.

    It is the low-pass that the settings give. If they give none, it is the finest one, not finer than the default, at
    which every map has detail. A warning is added to `notes` if a map has almost no detail at the low-pass that the
    settings give or, without one, at the default.
    """

    def planned_and_finest(source: DensityMap) -> Tuple[float, float]:
        planned = resolve_parameters(source.grid, settings).lowpass
        voxel_size = source.grid.voxel_size
        coarsest = max(planned, _MAX_LOWPASS * min(source.grid.shape) * voxel_size)
        return planned, finest_detail(
            source.data, voxel_size=voxel_size, finest=planned, coarsest=coarsest, threads=threads
        )

    lowpasses = measure_usable_maps(maps, planned_and_finest, [], read=read)
    if not lowpasses:
        return settings.lowpass
    index = max(lowpasses, key=lambda index: lowpasses[index][1])
    planned, needed = lowpasses[index]
    if needed > planned:
        notes.append(_lowpass_warning(maps, maps[index].name, planned, needed, settings))
    return needed if settings.lowpass is None else settings.lowpass


def _lowpass_warning(maps: Sequence[MapInput], name: str, planned: float, needed: float, settings: Settings) -> str:
    if settings.lowpass is None:
        leave_out = ", or leave a class out" if len(maps) > 2 else ""
        return (
            f"compared at a low-pass of {needed:.3g} Å, because {name} has almost no finer detail "
            f"(set another low-pass{leave_out})"
        )
    return (
        f"{name} has almost no detail finer than {needed:.3g} Å, but the classes are compared at a low-pass of "
        f"{planned:.3g} Å (setting lowpass): a region may only show that this map lacks detail"
    )
