# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a job that take several maps together: the shared scale and the comparison.

`occupy_core.comparing` is imported where it is used, since a job on one map does not need it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Collection, Dict, List, Optional, Tuple

from occupy_core.errors import ChangedInputError, OccupyError
from occupy_core.progress import Progress
from occupy_core.reporting import scipion_names
from occupy_core.reporting.sorting_steps import SCIPION
from occupy_core.settings.job_spec import Job
from occupy_core.settings.output_names import REGION_PARTICLES

if TYPE_CHECKING:
    from occupy_core.comparing.class_cache import ClassCache
    from occupy_core.comparing.compare_maps import ClassComparison
    from occupy_core.comparing.shared_scale import SharedScale

# Work of a shared scale, and of a comparison, for one map: relative to the work of estimating and writing the map.
_MEASURING = 0.8


def work_of(job: Job) -> float:
    """Return the amount of work in a job; estimating and writing one map is 1."""
    of_one = float(job.writes_each_map) + _MEASURING * (job.compare and len(job.maps) > 1)
    return len(job.maps) * (of_one + _MEASURING * (job.writes_each_map and shares_full_scale(job)))


def with_lowpass_of_classes(job: Job) -> Job:
    """Return the job with the low-pass of its comparison, where the classification gives one and the settings do not.

    The scale maps of the classes then show the detail that the table of regions is read from. In resolution mode, the
    scale is read from the maps as they are, and the job is returned unchanged.

    Raises
    ------
    JobError
        If two classes do not lie on one grid.
    """
    settings = job.settings
    if not job.compare or len(job.maps) < 2 or settings.resolved_mode != "occupancy":
        return job
    from occupy_core.comparing.common_lowpass import common_lowpass, knows_resolutions
    from occupy_core.comparing.each_map import counts, read_input

    counted = [item for item in job.maps if counts(item)]
    if not knows_resolutions(counted):
        return job
    return replace(
        job, settings=replace(settings, lowpass=common_lowpass(counted, settings, job.threads, [], read_input))
    )


def class_cache(job: Job) -> Optional[ClassCache]:
    """Return an empty cache of per-class data; None for a job that compares no maps."""
    if len(job.maps) < 2 or not job.compare:
        return None
    from occupy_core.comparing.class_cache import ClassCache

    return ClassCache()


def find_shared_scale(job: Job, cache: Optional[ClassCache], progress: Progress) -> Optional[SharedScale]:
    """Find the full scale that all maps of a job share; None where each map has its own.

    Parameters
    ----------
    job : Job
    cache : ClassCache, optional
        From `class_cache`; filled where the comparison will need the same data.
    progress : Progress

    Raises
    ------
    JobError, SettingsError
        As in `shared_scale.shared_scale`.
    """
    if not shares_full_scale(job):
        return None
    from occupy_core.comparing.shared_scale import shared_scale

    progress(f"Finding full scale for {len(job.maps)} maps")
    with progress.part(len(job.maps) * _MEASURING, "full scale") as step:
        scale = shared_scale(job.maps, job.settings, threads=job.threads, cache=cache, step=step)
    if scale:
        progress(f"One full scale for all {len(job.maps)} maps, from {job.maps[scale.reference_index].name}")
    return scale


def empty_class_notes(job: Job) -> List[str]:
    """Return a note for each class without particles, where no comparison of the maps says so."""
    if job.shown_maps[0].is_empty:
        names = ", ".join(item.name for item in job.maps)
        return [f"{names}: has no particles, expected some; the numbers tell nothing, so choose another class"]
    left_out = [] if job.compare else [item for item in job.maps if item not in job.shown_maps]
    return [f"{item.name} is left out: it has no particles" for item in left_out]


def compare_job_maps(
    job: Job, cache: Optional[ClassCache], folder: Path, progress: Progress
) -> Tuple[Optional[Dict[str, Any]], Optional[ClassComparison], List[str]]:
    """Compare the maps of a job and write the regions.

    Parameters
    ----------
    job : Job
    cache : ClassCache, optional
        From `class_cache`, perhaps filled by `find_shared_scale`.
    folder : Path
        Existing folder to write to.
    progress : Progress

    Returns
    -------
    report : dict, optional
        The comparison's part of report.json; None where no maps were compared.
    comparison : ClassComparison, optional
    warnings : list of str
        Why the maps were not compared.
    """
    if len(job.maps) < 2:
        unused = job.settings.reference not in ("auto", "own")
        return None, None, [f"reference {job.settings.reference} has no effect with one map"] if unused else []
    if not job.compare or job.is_ensemble:
        return None, None, []
    from occupy_core.comparing.compare_maps import compare_maps
    from occupy_core.comparing.describe import comparison_lines
    from occupy_core.comparing.outputs import write_comparison

    progress(f"Comparing {len(job.maps)} maps")
    try:
        with progress.part(len(job.maps) * _MEASURING, "comparison") as step:
            comparison = compare_maps(
                job.maps, job.settings, threads=job.threads, cache=cache, focus_mask=job.focus_mask, step=step
            )
    except ChangedInputError:
        raise
    except OccupyError as error:  # the maps are processed already: a failed comparison must not lose them
        warning = f"the maps were not compared: {error}"
        progress(f"  WARNING: {warning}")
        return None, None, [warning]
    report = write_comparison(comparison, [job.maps[index] for index in comparison.map_indices], folder)
    if job.settings.particles:
        _divide_particles(report, job)
    for line in [*comparison_lines(report), *(f"WARNING: {text}" for text in report["warnings"])]:
        progress(f"  {line}")
    return report, comparison, []


def _divide_particles(report: Dict[str, Any], job: Job) -> None:
    """Add to the report of a comparison which particles have each region, under the names that the host gives them."""
    from occupy_core.comparing.particle_groups import add_particle_groups

    names = scipion_names.REGION_PARTICLES if job.host == SCIPION else REGION_PARTICLES
    compared = {item["name"] for item in report["maps"]}
    add_particle_groups(report, lambda side, number: names[side].format(number), classes_left_out(job, compared))


def classes_left_out(job: Job, compared: Collection[str]) -> List[str]:
    """Return the names of the classes with particles that were not compared; `compared` are the names of the others."""
    return [item.name for item in job.maps if item.name not in compared and not item.is_empty]


def shares_full_scale(job: Job) -> bool:
    """Return whether all maps of a job share one full scale, for which they must lie on one grid."""
    if len(job.maps) < 2:
        return False
    from occupy_core.comparing.shared_scale import shares_reference

    return shares_reference(job.maps, job.settings)
