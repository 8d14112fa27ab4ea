# SPDX-License-Identifier: GPL-3.0-or-later
"""Several maps at once: what counts as full in all of them, and where the classes of a classification differ.

A map that cannot be used is left out here; it fails when its own turn comes. One map is held at a time; what
the comparison needs of the others waits in files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

from occupy_core import fourier
from occupy_core.comparing.class_views import ClassView, reference_class, shared_references, view_of
from occupy_core.comparing.comparison import Comparison, compare
from occupy_core.comparing.stored import Stored
from occupy_core.derived import Derived, derive
from occupy_core.errors import JobError, MapError, SettingsError
from occupy_core.estimate import estimate_of, maximum_of, reference_of
from occupy_core.inputs import MapInput
from occupy_core.maps import DensityMap, MapGrid, read_map
from occupy_core.progress import Step, silent
from occupy_core.scale import Reference
from occupy_core.settings import Settings

# Of the box: a coarser low-pass would leave too few waves to tell one region from another.
_COARSEST = 1 / 8
_PREPARING = 0.8  # of a comparison
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class SharedScale:
    """One scale for several maps.

    Attributes
    ----------
    references : dict of int to Reference
        By the map's place in the job.
    place : int
        Of the map whose own reference counts for all.
    """

    references: Dict[int, Reference]
    place: int


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


def shares_reference(maps: Sequence[MapInput], settings: Settings) -> bool:
    """Whether one reference counts for all maps of a job."""
    if len(maps) < 2 or settings.reference == "own":
        return False
    return settings.reference != "auto" or all(item.is_class for item in maps)


def named_place(maps: Sequence[MapInput], settings: Settings) -> Optional[int]:
    """Place of the map that the setting `reference` names by its number; None where it names none.

    Raises
    ------
    SettingsError
        If there is no such map.
    """
    if not settings.reference.isdecimal():
        return None
    numbers = {item.class_info.number: place for place, item in enumerate(maps) if item.class_info}
    if int(settings.reference) not in numbers:
        known = ", ".join(str(number) for number in sorted(numbers)) or "none of which there are"
        raise SettingsError("reference", f"got {settings.reference}, expected one of the maps' numbers: {known}")
    return numbers[int(settings.reference)]


def shared_scale(
    maps: Sequence[MapInput],
    settings: Settings,
    *,
    threads: int = 1,
    views: Optional[Views] = None,
    step: Step = silent,
) -> Optional[SharedScale]:
    """One reference for all maps of a job; None where no map has one.

    Parameters
    ----------
    maps : sequence of MapInput
    settings : Settings
    threads : int
    views : Views, optional
        Of these maps, where there may be some.
    step : callable
        Told how far the work is.

    Raises
    ------
    JobError
        If two maps do not lie on one grid.
    SettingsError
        If the setting `reference` names a map that there is none of, or one that cannot be used.

    Notes
    -----
    The largest reference among the maps, or that of the map which the setting names. Calibrated, each map keeps the
    zero of its own solvent, and one is where the part that all have in common reads as it does in the reference map.
    """
    if settings.normalisation == "calibrated":
        seen, _ = (views or Views()).of(maps, replace(_bare(settings), mode=settings.resolved_mode), threads, step)
        if not seen:
            return None
        found_views = [item.view for item in seen.values()]
        chosen = reference_class(found_views, _named(maps, settings, seen))
        references = shared_references(found_views, chosen, spacing=found_views[0].spacing, threads=threads)
        return SharedScale(dict(zip(seen, references)), list(seen)[chosen])
    found = _each(maps, lambda source: reference_of(estimate_of(source, settings, threads=threads)), [], step)
    if not found:
        return None
    named = _named(maps, settings, found)
    place = max(found, key=lambda place: found[place].value) if named is None else list(found)[named]
    return SharedScale(dict.fromkeys(range(len(maps)), found[place]), place)


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
        As of `shared_scale`.
    """
    notes: List[str] = []
    bare = replace(_bare(settings), mode="occupancy", normalisation="calibrated")
    if bare.lowpass is None:
        bare = replace(bare, lowpass=_common_lowpass(maps, bare, threads, notes))
    seen, left_out = (views or Views()).of(
        maps, bare, threads, lambda fraction, text: step(_PREPARING * fraction, text)
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
        reference=_named(maps, settings, seen),
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


def _bare(settings: Settings) -> Settings:
    """Nothing but what the estimate takes."""
    taken = ("mode", "lowpass", "kernel_size", "kernel_radius", "normalisation", "max_box", "solvent_def", "reference")
    return Settings(**{name: getattr(settings, name) for name in taken})


def _views(
    maps: Sequence[MapInput], settings: Settings, threads: int, notes: List[str], step: Step
) -> Dict[int, _Seen]:
    def view(source: DensityMap) -> _Seen:
        estimate = estimate_of(source, settings, threads=threads, overwrite=True)
        seen = view_of(estimate, maximum_of(estimate, threads=threads, overwrite=True), threads=threads)
        return _Seen(seen, source.grid, estimate.derived)

    return _each(maps, view, notes, step)


def _each(
    maps: Sequence[MapInput], measure: Callable[[DensityMap], _Found], notes: List[str], step: Step = silent
) -> Dict[int, _Found]:
    """What is measured in each map by its place, those that cannot be used left out and noted."""
    found: Dict[int, _Found] = {}
    first: Optional[Tuple[str, MapGrid]] = None
    for place, item in enumerate(maps):
        step(place / len(maps), item.name)
        if item.class_info and item.class_info.particles == 0:
            notes.append(f"{item.name} is left out of the comparison: it has no particles")
            continue
        try:
            source = read_map(item.path, voxel_size=item.voxel_size)
            first = first or (source.path, source.grid)
            difference = first[1].difference(source.grid)
            if difference:
                raise JobError(
                    f"{source.path}: has {difference} as {first[0]} has; maps that are measured against one another "
                    "must lie on one grid; leave one out"
                )
            found[place] = measure(source)
            del source  # before the next is read
        except MapError as error:
            notes.append(f"{item.name} is left out of the comparison: {error}")
    return found


def _named(maps: Sequence[MapInput], settings: Settings, found: Mapping[int, object]) -> Optional[int]:
    """Which of the maps found is the one that the setting `reference` names; None where it names none."""
    place = named_place(maps, settings)
    if place is None:
        return None
    if place not in found:
        raise SettingsError("reference", f"got {settings.reference}, but that map cannot be used; choose another")
    return list(found).index(place)


def _common_lowpass(maps: Sequence[MapInput], settings: Settings, threads: int, notes: List[str]) -> Optional[float]:
    """The default low-pass, or a coarser one that the detail of every map goes down to."""

    def finest(source: DensityMap) -> Tuple[float, float]:
        default = derive(source.grid, settings).lowpass
        coarsest = max(default, _COARSEST * min(source.grid.shape) * source.grid.voxel_size)
        voxel_size = source.grid.voxel_size
        return default, fourier.finest_detail(
            source.data, voxel_size=voxel_size, finest=default, coarsest=coarsest, threads=threads
        )

    found = _each(maps, finest, [])
    if not found:
        return None
    place = max(found, key=lambda place: found[place][1])
    default, needed = found[place]
    if needed > default:
        notes.append(
            f"compared at a low-pass of {needed:.3g} Å, since {maps[place].name} has next to no finer detail "
            "(setting lowpass gives another; setting classes leaves a class out)"
        )
    return needed
