# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the classes of a classification differ, from their map files.

One map is held at a time; what the comparison needs of the others waits in files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

from occupy_core.comparing.class_cache import ClassCache
from occupy_core.comparing.comparison import Comparison, compare
from occupy_core.comparing.disk_array import DiskArray
from occupy_core.comparing.each_map import estimate_settings, measure_each_map, named_among
from occupy_core.errors import MapError
from occupy_core.estimate.parameters import resolve_parameters
from occupy_core.fourier.detail import finest_detail
from occupy_core.maps.grid import MapGrid
from occupy_core.maps.reading import DensityMap
from occupy_core.progress import Step, silent
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings

# Of the box: a coarser low-pass would leave too few waves to tell one region from another.
_COARSEST = 1 / 8
_PREPARING = 0.8  # of a comparison


@dataclass(frozen=True)
class ClassComparison:
    """The comparison of the maps that could be compared.

    Attributes
    ----------
    result : Comparison
        On the coarse grid.
    places : tuple of int
        Of these maps, among the job's.
    densities : tuple of Stored float32 arrays
        Of each of them on the coarse grid, low-passed, with the solvent at 0.
    grid : MapGrid
        Of the maps.
    spacing : float
        Of the coarse grid, in voxels of the maps.
    lowpass : float
        Å.
    warnings : tuple of str
    """

    result: Comparison
    places: Tuple[int, ...]
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
    views: Optional[ClassCache] = None,
    step: Step = silent,
) -> ClassComparison:
    """Find the regions where maps differ: in occupancy mode, calibrated, whatever the settings say.

    Parameters
    ----------
    maps : sequence of MapInput
    settings : Settings
        Low-pass, kernel, largest box, solvent definition and reference count.
    threads : int
    views : Views, optional
        Of these maps, where there may be some.
    step : callable
        Told how far the work is.

    Raises
    ------
    MapError
        If fewer than two can be compared.
    JobError
        If two maps do not lie on one grid.
    SettingsError
        As of `shared.shared_scale`.
    """
    notes: List[str] = []
    taken = replace(estimate_settings(settings), mode="occupancy", normalisation="calibrated")
    taken = replace(taken, lowpass=_common_lowpass(maps, taken, threads, notes))
    seen, left_out = (views or ClassCache()).get(
        maps, taken, threads, lambda fraction, text: step(_PREPARING * fraction, text)
    )
    notes += left_out
    if len(seen) < 2:
        raise MapError("; ".join(["fewer than two of the maps can be compared", *notes]))
    first = next(iter(seen.values()))
    step(_PREPARING, "differences")
    result = compare(
        [item.view for item in seen.values()],
        [maps[place].name for place in seen],
        spacing=first.view.spacing,
        reference=named_among(maps, settings, seen),
        threads=threads,
    )
    return ClassComparison(
        result,
        tuple(seen),
        tuple(item.view.density for item in seen.values()),
        first.grid,
        first.view.spacing / first.grid.voxel_size,
        first.parameters.lowpass,
        (*notes, *result.warnings),
    )


def _common_lowpass(maps: Sequence[MapInput], settings: Settings, threads: int, notes: List[str]) -> Optional[float]:
    """The low-pass that is asked for; else the default one, or a coarser one that the detail of every map goes down
    to."""

    def finest(source: DensityMap) -> Tuple[float, float]:
        default = resolve_parameters(source.grid, settings).lowpass
        coarsest = max(default, _COARSEST * min(source.grid.shape) * source.grid.voxel_size)
        voxel_size = source.grid.voxel_size
        return default, finest_detail(
            source.data, voxel_size=voxel_size, finest=default, coarsest=coarsest, threads=threads
        )

    found = measure_each_map(maps, finest, [])
    if not found:
        return settings.lowpass
    place = max(found, key=lambda place: found[place][1])
    default, needed = found[place]
    if needed > default and settings.lowpass is None:
        leave_out = ", or leave a class out" if len(maps) > 2 else ""
        notes.append(
            f"compared at a low-pass of {needed:.3g} Å, since {maps[place].name} has next to no finer detail "
            f"(set another low-pass{leave_out})"
        )
    elif needed > default:
        notes.append(
            f"{maps[place].name} has next to no detail finer than {needed:.3g} Å, and the classes are compared at a "
            f"low-pass of {default:.3g} Å (setting lowpass): regions may be what it lacks of that detail"
        )
    return needed if settings.lowpass is None else settings.lowpass
