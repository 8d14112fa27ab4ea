# SPDX-License-Identifier: GPL-3.0-or-later
"""The full scale that all maps of a job share.

A map that can be read but not measured is left out here; the job reports its error when it processes that map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Dict, Optional, Sequence

from occupy_core.comparing.each_map import counts, estimate_settings, measure_usable_maps, position_of_named_map
from occupy_core.estimate.prepare import basis_reference, prepare_basis
from occupy_core.estimate.reference import Reference
from occupy_core.maps.density_map import DensityMap
from occupy_core.progress import Step, ignore_step
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings

if TYPE_CHECKING:
    from occupy_core.comparing.class_cache import ClassCache


@dataclass(frozen=True)
class SharedScale:
    """One scale for several maps.

    Attributes
    ----------
    references : dict of int to Reference
        Zero and full scale of each map, by the map's index in the job.
    reference_index : int
        Index of the map whose own full scale counts for all maps.
    """

    references: Dict[int, Reference]
    reference_index: int


def shares_reference(maps: Sequence[MapInput], settings: Settings) -> bool:
    """Return whether all maps of a job share one full scale.

    This needs two maps or more, and the setting `reference`: "shared" or a number; or "auto", if all maps are classes
    of a classification.
    """
    if len(maps) < 2 or settings.reference == "own":
        return False
    return settings.reference != "auto" or all(item.is_class for item in maps)


def shared_scale(
    maps: Sequence[MapInput],
    settings: Settings,
    *,
    threads: int = 1,
    cache: Optional[ClassCache] = None,
    step: Step = ignore_step,
) -> Optional[SharedScale]:
    """Find one full scale for all maps of a job.

    Parameters
    ----------
    maps : sequence of MapInput
    settings : Settings
    threads : int
    cache : ClassCache, optional
        Per-class data of these maps; read and filled by the calibrated normalisation.
    step : callable
        Called before each map with the fraction of the maps that is done (0..1) and the name of the map.

    Returns
    -------
    SharedScale or None
        None if no map can be used.

    Raises
    ------
    MapError
        If a map is damaged.
    JobError
        If two maps do not lie on one grid, or a temporary file cannot be written.
    SettingsError
        If the setting `reference` gives a number that no map has, or the number of a map that cannot be used.

    Notes
    -----
    Tiled and kernel normalisation: the largest reference value among the maps, or that of the map that the setting
    `reference` names. Calibrated normalisation: `common_part.shared_references`, with the named map, or else the map
    with the largest span, as the reference class.
    """
    if settings.normalisation == "calibrated":
        return _calibrated_scale(maps, settings, threads, cache, step)

    def reference(source: DensityMap, threads: int) -> Reference:
        parameters, _, basis = prepare_basis(source, settings, threads=threads)
        return basis_reference(source, basis, parameters, settings)

    measured = measure_usable_maps(maps, reference, [], step, threads=threads)
    if not measured:
        return None
    named = position_of_named_map(maps, settings, measured)
    counted = [index for index in measured if counts(maps[index])] or list(measured)
    index = max(counted, key=lambda index: measured[index].value) if named is None else list(measured)[named]
    return SharedScale(dict.fromkeys(range(len(maps)), measured[index]), index)


def _calibrated_scale(
    maps: Sequence[MapInput], settings: Settings, threads: int, cache: Optional[ClassCache], step: Step
) -> Optional[SharedScale]:
    # Imported here: loads scipy's filters, which no other normalisation needs.
    from occupy_core.comparing.class_cache import ClassCache
    from occupy_core.comparing.class_data import choose_reference_class
    from occupy_core.comparing.common_part import shared_references

    needed = replace(estimate_settings(settings), mode=settings.resolved_mode)
    entries, _ = (cache or ClassCache()).get(maps, needed, threads, step)
    if not entries:
        return None
    classes = [entry.data for entry in entries.values()]
    counted = [position for position, index in enumerate(entries) if counts(maps[index])]
    chosen = choose_reference_class(classes, position_of_named_map(maps, settings, entries), counted)
    references = shared_references(classes, chosen, spacing=classes[0].spacing, threads=threads)
    return SharedScale(dict(zip(entries, references)), list(entries)[chosen])
