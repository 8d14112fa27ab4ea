# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the classes of a classification differ, from their map files.

One map is held at a time; what the comparison needs of the others waits in files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Tuple

from occupy_core import fourier
from occupy_core.comparing.class_views import ClassView, view_of
from occupy_core.comparing.comparison import Comparison, compare
from occupy_core.comparing.shared import each_map, estimate_settings, named_among
from occupy_core.comparing.stored import Stored
from occupy_core.derived import Derived, derive
from occupy_core.errors import MapError
from occupy_core.estimate import estimate_of, maximum_of
from occupy_core.inputs import MapInput
from occupy_core.maps import DensityMap, MapGrid
from occupy_core.progress import Step, silent
from occupy_core.settings import Settings

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
    densities: Tuple[Stored, ...]
    grid: MapGrid
    spacing: float
    lowpass: float
    warnings: Tuple[str, ...]


class Views:
    """What the maps of a job are compared by: made once where the shared scale and the comparison need the same."""

    def __init__(self) -> None:
        self._made: Dict[Settings, Tuple[Dict[int, _Seen], List[str]]] = {}

    def of(
        self, maps: Sequence[MapInput], settings: Settings, threads: int, step: Step = silent
    ) -> Tuple[Dict[int, _Seen], List[str]]:
        """The maps by their place, and why others are left out; settings are those that the estimate takes."""
        if settings in self._made:
            return self._made[settings]
        notes: List[str] = []
        seen = _views(maps, settings, threads, notes, step)
        if seen:
            lowpass = next(iter(seen.values())).derived.lowpass
            self._made = {replace(settings, lowpass=lowpass): (seen, notes)}
        return seen, notes


def compare_maps(
    maps: Sequence[MapInput],
    settings: Settings,
    *,
    threads: int = 1,
    views: Optional[Views] = None,
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
    seen, left_out = (views or Views()).of(
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
        first.derived.lowpass,
        (*notes, *result.warnings),
    )


@dataclass(frozen=True)
class _Seen:
    view: ClassView
    grid: MapGrid
    derived: Derived


def _views(
    maps: Sequence[MapInput], settings: Settings, threads: int, notes: List[str], step: Step
) -> Dict[int, _Seen]:
    def view(source: DensityMap) -> _Seen:
        estimate = estimate_of(source, settings, threads=threads, overwrite=True)
        seen = view_of(estimate, maximum_of(estimate, threads=threads, overwrite=True), threads=threads)
        return _Seen(seen, source.grid, estimate.derived)

    return each_map(maps, view, notes, step)


def _common_lowpass(maps: Sequence[MapInput], settings: Settings, threads: int, notes: List[str]) -> Optional[float]:
    """The low-pass that is asked for; else the default one, or a coarser one that the detail of every map goes down
    to."""

    def finest(source: DensityMap) -> Tuple[float, float]:
        default = derive(source.grid, settings).lowpass
        coarsest = max(default, _COARSEST * min(source.grid.shape) * source.grid.voxel_size)
        voxel_size = source.grid.voxel_size
        return default, fourier.finest_detail(
            source.data, voxel_size=voxel_size, finest=default, coarsest=coarsest, threads=threads
        )

    found = each_map(maps, finest, [])
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
