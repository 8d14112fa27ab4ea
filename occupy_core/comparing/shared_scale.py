# SPDX-License-Identifier: GPL-3.0-or-later
"""Several maps at once: what counts as full in all of them.

A map that cannot be used is left out here; it fails when its own turn comes. One map is held at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Dict, Optional, Sequence

from occupy_core.comparing.each_map import estimate_settings, measure_each_map, named_among
from occupy_core.estimate.prepare import basis_reference, prepare_basis
from occupy_core.estimate.reference import Reference
from occupy_core.maps.reading import DensityMap
from occupy_core.progress import Step, silent
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


def shared_scale(
    maps: Sequence[MapInput],
    settings: Settings,
    *,
    threads: int = 1,
    views: Optional[ClassCache] = None,
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
        derived, _, basis = prepare_basis(source, settings, threads=threads)
        return basis_reference(source, basis, derived, settings)

    found = measure_each_map(maps, reference, [], step)
    if not found:
        return None
    named = named_among(maps, settings, found)
    place = max(found, key=lambda place: found[place].value) if named is None else list(found)[named]
    return SharedScale(dict.fromkeys(range(len(maps)), found[place]), place)


def _calibrated(
    maps: Sequence[MapInput], settings: Settings, threads: int, views: Optional[ClassCache], step: Step
) -> Optional[SharedScale]:
    # With filters of scipy that nothing else here needs.
    from occupy_core.comparing.class_cache import ClassCache
    from occupy_core.comparing.class_data import reference_class
    from occupy_core.comparing.common_part import shared_references

    taken = replace(estimate_settings(settings), mode=settings.resolved_mode)
    seen, _ = (views or ClassCache()).get(maps, taken, threads, step)
    if not seen:
        return None
    found_views = [item.view for item in seen.values()]
    chosen = reference_class(found_views, named_among(maps, settings, seen))
    references = shared_references(found_views, chosen, spacing=found_views[0].spacing, threads=threads)
    return SharedScale(dict(zip(seen, references)), list(seen)[chosen])
