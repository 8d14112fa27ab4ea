# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the classes of a classification, from their map files.

Few maps are in memory at a time; the data that the comparison needs of the other maps are in temporary files.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Tuple

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.comparing.class_cache import ClassCache, ClassEntry
from occupy_core.comparing.common_lowpass import coarse_lowpass_warnings, common_lowpass
from occupy_core.comparing.comparison import Comparison, compare_classes
from occupy_core.comparing.difference import SignedDifference, signed_difference
from occupy_core.comparing.each_map import counts, estimate_settings, indices_of_difference, position_of_named_map
from occupy_core.comparing.focus import is_focused
from occupy_core.comparing.limits import MIN_GREY_FACTOR, MIN_PARTICLES
from occupy_core.errors import MapError
from occupy_core.maps.grid import MapGrid
from occupy_core.progress import Step, ignore_step
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings

# Share of the comparison's work that is done when the data of all classes are prepared; for the progress alone.
_PREPARATION = 0.8

# Why a class of a classification within a mask may show nothing, and the way out.
_EMPTY_CLASS = (
    "the classification was done in a mask around a part of the molecule, and a class that lacks this part shows no "
    "density there: look at the maps, and if the sort is clean, take the particles of each class by its number"
)


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
        The low-passed map of each class on the coarse grid, with the median density of its solvent subtracted, in the
        pose in which it was compared.
    grid : MapGrid
        Grid of the maps.
    spacing : float
        Spacing of the coarse grid, in voxels of the maps.
    lowpass : float
        Low-pass of all maps, Å.
    warnings : tuple of str
    focused : bool
        Whether the classification was done in a mask around a part of the molecule.
    difference : SignedDifference, optional
        The difference of two classes that the settings ask for; None where they ask for none, or a class was left out.
    """

    result: Comparison
    map_indices: Tuple[int, ...]
    densities: Tuple[DiskArray, ...]
    grid: MapGrid
    spacing: float
    lowpass: float
    warnings: Tuple[str, ...]
    focused: bool = False
    difference: Optional[SignedDifference] = None


def compare_maps(
    maps: Sequence[MapInput],
    settings: Settings,
    *,
    threads: int = 1,
    cache: Optional[ClassCache] = None,
    focus_mask: Optional[str] = None,
    step: Step = ignore_step,
) -> ClassComparison:
    """Find the regions where maps differ, always in occupancy mode with calibrated normalisation.

    Parameters
    ----------
    maps : sequence of MapInput
    settings : Settings
        Low-pass, kernel, max_box, solvent_def, reference and difference are used.
    threads : int
    cache : ClassCache, optional
        Per-class data of these maps; this call reads the maps with `cache.read` and fills the cache. By default an
        empty cache, which reads the map files.
    focus_mask : str, optional
        Path of the mask that the classification was done in. Where it lies around a part of the molecule, maps are
        compared only within it.
    step : callable
        Called with the fraction of the comparison that is done (0..1) and a text that names the next piece of work.

    Raises
    ------
    MapError
        If fewer than two maps can be compared.
    JobError
        If two maps do not lie on one grid, or a temporary file cannot be written.
    SettingsError
        If the setting `reference` or `difference` gives a number that no map has, or `reference` the number of a map
        that cannot be used.
    """
    notes: List[str] = []
    needed = replace(estimate_settings(settings), mode="occupancy", normalisation="calibrated")
    cache = cache or ClassCache()
    lowpass = common_lowpass([item for item in maps if counts(item)], needed, threads, notes, cache.read)
    needed = replace(needed, lowpass=lowpass)
    entries, left_out = cache.get(maps, needed, threads, lambda fraction, text: step(_PREPARATION * fraction, text))
    notes += left_out
    entries = {index: entry for index, entry in entries.items() if not is_small(maps[index], notes)}
    step(_PREPARATION, "differences")
    focused = _is_focused(focus_mask, entries, notes)
    entries, result = _compare_entries(maps, entries, settings, threads, notes, focused)
    difference = _difference(maps, entries, settings, result.reference, focused, threads, notes)
    first = next(iter(entries.values()))
    notes += coarse_lowpass_warnings(first.parameters.lowpass, first.grid)
    return ClassComparison(
        result,
        tuple(entries),
        result.densities,
        first.grid,
        first.data.spacing / first.grid.voxel_size,
        first.parameters.lowpass,
        (*notes, *result.warnings),
        focused,
        difference,
    )


def _difference(
    maps: Sequence[MapInput],
    entries: Dict[int, ClassEntry],
    settings: Settings,
    reference: int,
    focused: bool,
    threads: int,
    notes: List[str],
) -> Optional[SignedDifference]:
    """Return the difference that the settings ask for, and add its warnings to `notes`; `reference` is a position."""
    pair = indices_of_difference(maps, settings)
    if pair is None:
        return None
    missing = [maps[index].name for index in pair if index not in entries]
    if missing:
        notes.append(f"no difference of classes is written, since {' and '.join(missing)} could not be compared")
        return None
    first, second = (entries[index].data for index in pair)
    names = (maps[pair[0]].name, maps[pair[1]].name)
    pose = list(entries.values())[reference].data
    result = signed_difference((first, second), names, pose, focused=focused, threads=threads)
    notes += [f"{names[0]} minus {names[1]}: {text}" for text in result.warnings]
    return result


def is_small(item: MapInput, notes: List[str]) -> bool:
    """Return whether a class has too few particles to be compared, and add a sentence about it to `notes`."""
    if counts(item):
        return False
    particles = item.class_info.particles if item.class_info else 0
    notes.append(
        f"{item.name} is left out of the comparison: it has {particles} particle{'s' * (particles != 1)}, and a map of "
        f"fewer than {MIN_PARTICLES} does not show what a class holds"
    )
    return True


def _compare_entries(
    maps: Sequence[MapInput],
    entries: Dict[int, ClassEntry],
    settings: Settings,
    threads: int,
    notes: List[str],
    focused: bool,
) -> Tuple[Dict[int, ClassEntry], Comparison]:
    """Compare classes, and again without those of junk or of badly aligned particles; return the classes compared."""
    if len(entries) < 2:
        reasons = [text for text in notes if "left out" in text]  # not those about the low-pass of a comparison
        raise MapError("; ".join(["fewer than two of the maps can be compared", *reasons, *([_EMPTY_CLASS] * focused)]))
    first = next(iter(entries.values()))
    result = compare_classes(
        [entry.data for entry in entries.values()],
        [maps[index].name for index in entries],
        spacing=first.data.spacing,
        lowpass=first.parameters.lowpass,
        reference=position_of_named_map(maps, settings, entries),
        focused=focused,
        threads=threads,
    )
    junk, densest = _junk(maps, list(entries), result.grey_factors)
    if not junk:
        return entries, result
    for index, factor in junk.items():
        notes.append(
            f"{maps[index].name} is left out of the comparison: the part that all classes share has only {factor:.2f} "
            f"times the density that it has in {maps[densest].name}, as in a class of junk or of badly aligned "
            "particles"
        )
    kept = {index: entry for index, entry in entries.items() if index not in junk}
    return _compare_entries(maps, kept, settings, threads, notes, focused)


def _is_focused(path: Optional[str], entries: Dict[int, ClassEntry], notes: List[str]) -> bool:
    """Return whether the classification was done in a mask around a part; say so, or why it is unknown, in `notes`."""
    if path is None or not entries:
        return False
    first = next(iter(entries.values()))
    try:
        focused = is_focused(
            path, first.grid, [entry.data for entry in entries.values()], first.data.spacing / first.grid.voxel_size
        )
    except MapError as error:
        notes.append(f"the mask of the classification could not be used: {error}")
        return False
    if focused:
        notes.append(
            f"the classification was done in {path}, a mask around a part of the molecule: the maps are compared only "
            "within it, in the grey scale that the classification gave them, and 1 stands for the class that is "
            "densest there"
        )
    return focused


def _junk(
    maps: Sequence[MapInput], indices: Sequence[int], grey_factors: Sequence[float]
) -> Tuple[Dict[int, float], int]:
    """Find the classes whose common part is far less dense than in the large classes.

    Large classes have at least the median number of particles; a smaller one may be denser by chance. A class is junk
    if it has less than `MIN_GREY_FACTOR` of the density of the median large class. The median itself may be junk, so it
    counts for no less than `MIN_GREY_FACTOR` of the densest large class. Maps that are no classes of one classification
    may have grey scales of their own: none of them is junk.

    Returns
    -------
    junk : dict
        Density of the common part relative to the densest large class, by the index of the class in `maps`.
    densest : int
        Index in `maps` of the densest large class.
    """
    counted = [(item.class_info.particles if item.class_info else None) or 0 for item in (maps[i] for i in indices)]
    middle = statistics.median(counted)
    large = {index: factor for index, factor, count in zip(indices, grey_factors, counted) if count >= middle}
    densest = max(large, key=lambda index: large[index])
    if not all(maps[index].is_class for index in indices):
        return {}, densest
    least = MIN_GREY_FACTOR * max(statistics.median_high(large.values()), MIN_GREY_FACTOR * large[densest])
    below = {index: factor for index, factor in zip(indices, grey_factors) if factor < least}
    return {index: factor / large[densest] for index, factor in below.items()}, densest
