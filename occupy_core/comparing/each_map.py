# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the maps of a job, and find the map that the setting `reference` names."""

from __future__ import annotations

import math
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

from occupy_core.arrays.slabs import for_each
from occupy_core.comparing.limits import MIN_PARTICLES
from occupy_core.errors import JobError, MapError, SettingsError
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.grid import MapGrid
from occupy_core.maps.reading import read_map
from occupy_core.progress import Step, ignore_step
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings

_MOST_NAMED = 10  # maps on another grid, in a message
_VOXELS_AT_ONCE = 1 << 22  # two maps of 128^3; their measures take some ten times their memory

_Measured = TypeVar("_Measured")

# A function that reads the map of an input; raises MapError if the map cannot be read.
ReadInput = Callable[[MapInput], DensityMap]


def read_input(item: MapInput) -> DensityMap:
    """Read the map file of an input; raise MapError if it cannot be read."""
    return read_map(item.path, voxel_size=item.voxel_size, invert=item.invert)


def counts(item: MapInput) -> bool:
    """Return whether a map has enough particles to be compared and to say what is fully occupied.

    A map whose number of particles is not known counts.
    """
    particles = item.class_info.particles if item.class_info else None
    return particles is None or particles >= MIN_PARTICLES


def estimate_settings(settings: Settings) -> Settings:
    """Return settings with the options that affect the estimate; all other options have their defaults."""
    names = ("mode", "lowpass", "kernel_size", "kernel_radius", "normalisation", "max_box", "solvent_def", "reference")
    return Settings(**{name: getattr(settings, name) for name in names})


def maps_at_once(shape: Sequence[int], threads: int) -> int:
    """Return how many maps of this box are measured at a time: of large maps one, of small maps one on each thread.

    A thread that has a map to itself waits less than threads that share each step of one map.
    """
    return max(1, min(threads, _VOXELS_AT_ONCE // math.prod(shape)))


def measure_usable_maps(
    maps: Sequence[MapInput],
    measure: Callable[[DensityMap, int], _Measured],
    notes: List[str],
    step: Step = ignore_step,
    *,
    read: ReadInput = read_input,
    threads: int = 1,
) -> Dict[int, _Measured]:
    """Call `measure(map, threads)` for every map of a job that can be used; `maps_at_once` are in memory at a time.

    Parameters
    ----------
    maps : sequence of MapInput
    measure : callable
        Takes a DensityMap and a number of threads. A map for which it raises MapError is left out.
    notes : list of str
        Receives a line for each map that is left out, with the reason.
    step : callable
        Called before each map with the fraction of the maps that is done (0..1) and the name of the map.
    read : callable
        Takes a MapInput and returns its DensityMap.
    threads : int
        Does not change the result.

    Returns
    -------
    dict
        The results of `measure`, by the map's index in `maps`, in rising order.

    Raises
    ------
    MapError
        If a map is damaged: it cannot be read, is constant, or holds NaN. Classes without particles are not read.
    JobError
        If two maps do not lie on one grid; it names all maps that do not lie on the grid of most maps.
    """
    results: Dict[int, _Measured] = {}
    left_out: Dict[int, str] = {index: "it has no particles" for index, item in enumerate(maps) if item.is_empty}
    grids: List[Tuple[str, MapGrid]] = []
    waiting: List[Tuple[int, DensityMap]] = []
    last = max((index for index in range(len(maps)) if index not in left_out), default=0)
    for index, item in enumerate(maps):
        step(index / len(maps), item.name)
        if index in left_out:
            continue
        source = read(item)
        grids.append((source.path, source.grid))
        if grids[0][1].difference(source.grid):
            del source
            raise _other_grids(grids, [other for other in maps[index + 1 :] if not other.is_empty], read)
        waiting.append((index, source))
        del source  # `waiting` alone keeps it in memory
        together = maps_at_once(grids[0][1].shape, threads)
        if len(waiting) == together or index == last:
            _measure_together(waiting, measure, max(1, threads // together), results, left_out)
    notes += [f"{maps[index].name} is left out of the comparison: {left_out[index]}" for index in sorted(left_out)]
    return {index: results[index] for index in sorted(results)}


def _measure_together(
    waiting: List[Tuple[int, DensityMap]],
    measure: Callable[[DensityMap, int], _Measured],
    threads: int,
    results: Dict[int, _Measured],
    left_out: Dict[int, str],
) -> None:
    """Measure the maps of a list, each on a thread of its own, and empty the list; `threads` are for each map."""

    def work(_: int) -> None:
        index, source = waiting.pop()
        try:
            results[index] = measure(source, threads)
        except MapError as error:
            left_out[index] = str(error)

    for_each(range(len(waiting)), work, threads=len(waiting))


def _other_grids(grids: Sequence[Tuple[str, MapGrid]], rest: Sequence[MapInput], read: ReadInput) -> JobError:
    """Return the error for maps on several grids: those of `grids`, and of `rest`, which are read for this."""
    maps = (read(item) for item in rest)
    return JobError("; ".join(grid_problems([*grids, *((source.path, source.grid) for source in maps)])))


def grid_problems(grids: Sequence[Tuple[str, MapGrid]]) -> List[str]:
    """Return which maps do not lie on the grid that most maps have, a sentence for each other grid.

    Parameters
    ----------
    grids : sequence of (str, MapGrid)
        Path and grid of each map. Of grids that equally many maps have, the first counts.
    """
    groups: List[List[Tuple[str, MapGrid]]] = []
    for path, grid in grids:
        group = next((group for group in groups if not group[0][1].difference(grid)), None)
        if group is None:
            groups.append([(path, grid)])
        else:
            group.append((path, grid))
    most = max(groups, key=len, default=[])
    others = [group for group in groups if group is not most]
    return [_other_grid_text([path for path, _ in group], most[0][1].difference(group[0][1]), most) for group in others]


def _other_grid_text(paths: Sequence[str], difference: str, most: Sequence[Tuple[str, MapGrid]]) -> str:
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    names, verb = ", ".join(paths[:_MOST_NAMED]) + more, "has" if len(paths) == 1 else "have"
    if len(most) == 1:
        unlike, leave_out = most[0][0], "leave one of them out"
    else:
        unlike = f"{len(most)} other maps, such as {most[0][0]}"
        leave_out = f"leave {'it' if len(paths) == 1 else 'them'} out"
    return f"{names}: {verb} {difference}, unlike {unlike}; maps must lie on one grid to be compared: {leave_out}"


def index_of_named_map(maps: Sequence[MapInput], settings: Settings) -> Optional[int]:
    """Return the index of the map whose number the setting `reference` gives; None if it gives no number.

    Raises
    ------
    SettingsError
        If no map has this number.
    """
    if not settings.reference.isdecimal():
        return None
    numbers = _numbers(maps)
    if int(settings.reference) not in numbers:
        raise SettingsError(
            "reference", f"got {settings.reference}, expected one of the maps' numbers: {_known(numbers)}; or auto"
        )
    return numbers[int(settings.reference)]


def indices_of_difference(maps: Sequence[MapInput], settings: Settings) -> Optional[Tuple[int, int]]:
    """Return the indices of the two maps whose numbers the setting `difference` gives; None if it gives none.

    Raises
    ------
    SettingsError
        If no map has one of these numbers.
    """
    if not settings.difference:
        return None
    numbers = _numbers(maps)
    first, second = map(int, settings.difference.split(","))
    if not {first, second} <= set(numbers):
        raise SettingsError(
            "difference", f"got {settings.difference}, expected two of the maps' numbers: {_known(numbers)}"
        )
    return numbers[first], numbers[second]


def _numbers(maps: Sequence[MapInput]) -> Dict[int, int]:
    """Return the index of each map that has a number, by the number."""
    return {item.class_info.number: index for index, item in enumerate(maps) if item.class_info}


def _known(numbers: Mapping[int, int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers)) or "(the maps have no numbers)"


def position_of_named_map(
    maps: Sequence[MapInput], settings: Settings, measured: Mapping[int, object]
) -> Optional[int]:
    """Return the position, among the measured maps, of the map that the setting `reference` names.

    Parameters
    ----------
    maps : sequence of MapInput
    settings : Settings
    measured : mapping of int
        By the map's index in `maps`, as `measure_usable_maps` returns it.

    Returns
    -------
    int or None
        None if the setting gives no number.

    Raises
    ------
    SettingsError
        If no map has this number, or if the map could not be measured.
    """
    index = index_of_named_map(maps, settings)
    if index is None:
        return None
    if index not in measured:
        raise SettingsError(
            "reference",
            f"got {settings.reference}, but that map cannot be used: it shows no molecule, or it has fewer than "
            f"{MIN_PARTICLES} particles; choose another",
        )
    return list(measured).index(index)
