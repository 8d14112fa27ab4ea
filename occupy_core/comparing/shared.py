# SPDX-License-Identifier: GPL-3.0-or-later
"""Several maps at once: what counts as full in all of them.

A map that cannot be used is left out here; it fails when its own turn comes. One map is held at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

from occupy_core.errors import JobError, MapError, SettingsError
from occupy_core.estimate import basis_of, full_scale
from occupy_core.inputs import MapInput
from occupy_core.maps import DensityMap, MapGrid, read_map
from occupy_core.progress import Step, silent
from occupy_core.scale import Reference
from occupy_core.settings import Settings

if TYPE_CHECKING:
    from occupy_core.comparing.classes import Views

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
        return _calibrated(maps, settings, threads, views, step)

    def reference(source: DensityMap) -> Reference:
        derived, _, basis = basis_of(source, settings, threads=threads)
        return full_scale(source, basis, derived, settings)

    found = each_map(maps, reference, [], step)
    if not found:
        return None
    named = named_among(maps, settings, found)
    place = max(found, key=lambda place: found[place].value) if named is None else list(found)[named]
    return SharedScale(dict.fromkeys(range(len(maps)), found[place]), place)


def estimate_settings(settings: Settings) -> Settings:
    """Nothing but what the estimate takes."""
    taken = ("mode", "lowpass", "kernel_size", "kernel_radius", "normalisation", "max_box", "solvent_def", "reference")
    return Settings(**{name: getattr(settings, name) for name in taken})


def each_map(
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


def named_among(maps: Sequence[MapInput], settings: Settings, found: Mapping[int, object]) -> Optional[int]:
    """Which of the maps found is the one that the setting `reference` names; None where it names none."""
    place = named_place(maps, settings)
    if place is None:
        return None
    if place not in found:
        raise SettingsError("reference", f"got {settings.reference}, but that map cannot be used; choose another")
    return list(found).index(place)


def _calibrated(
    maps: Sequence[MapInput], settings: Settings, threads: int, views: Optional[Views], step: Step
) -> Optional[SharedScale]:
    # With filters of scipy that nothing else here needs.
    from occupy_core.comparing.class_views import reference_class, shared_references
    from occupy_core.comparing.classes import Views

    taken = replace(estimate_settings(settings), mode=settings.resolved_mode)
    seen, _ = (views or Views()).of(maps, taken, threads, step)
    if not seen:
        return None
    found_views = [item.view for item in seen.values()]
    chosen = reference_class(found_views, named_among(maps, settings, seen))
    references = shared_references(found_views, chosen, spacing=found_views[0].spacing, threads=threads)
    return SharedScale(dict(zip(seen, references)), list(seen)[chosen])
