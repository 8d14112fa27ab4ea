# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure each map of a job in turn, and find the map that the setting `reference` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

from occupy_core.errors import JobError, MapError, SettingsError
from occupy_core.maps.grid import MapGrid
from occupy_core.maps.reading import DensityMap, read_map
from occupy_core.progress import Step, silent
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings

if TYPE_CHECKING:
    pass


_Found = TypeVar("_Found")


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


def estimate_settings(settings: Settings) -> Settings:
    """Nothing but what the estimate takes."""
    taken = ("mode", "lowpass", "kernel_size", "kernel_radius", "normalisation", "max_box", "solvent_def", "reference")
    return Settings(**{name: getattr(settings, name) for name in taken})


def measure_each_map(
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
