# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a job that compares many volumes: an ensemble.

`occupy_core.ensembles` is imported where it is used, since a job on few maps does not need it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

from occupy_core.errors import ChangedInputError, OccupyError
from occupy_core.job.several_maps import classes_left_out
from occupy_core.progress import Progress
from occupy_core.reporting import scipion_names
from occupy_core.reporting.sorting_steps import SCIPION
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.output_names import PART_PARTICLES
from occupy_core.settings.settings import MODIFICATIONS, Settings, descriptions

if TYPE_CHECKING:
    from occupy_core.ensembles.compare_volumes import EnsembleComparison

# Settings that say what is made of single maps, or which map sets their full scale.
_OF_SINGLE_MAPS = (
    *MODIFICATIONS,
    *("exclude_solvent", "target_mask", "subtraction_mask", "solvent_threshold", "lowpass_output", "hist_match"),
    *("model", "reference"),
)

# Setting of a comparison pair by pair.
_OF_PAIRS = ("difference",)

# Setting of classes, which know their particles.
_OF_CLASSES = ("particles",)

# Work of the comparison of one volume, relative to that of estimating and writing a map.
WORK_OF_VOLUME = 0.8


def with_settings_of_ensemble(job: Job) -> Tuple[Job, List[str]]:
    """Return a job without the settings that have no effect on an ensemble, and a warning that names them.

    Other jobs are returned unchanged. Settings of single maps have an effect where these are processed too.
    """
    if not job.is_ensemble:
        return job, []
    defaults = Settings()
    # All maps share one scale anyway, so that only the number of a map has no effect as the reference.
    of_maps = [name for name in _OF_SINGLE_MAPS if name != "reference" or job.settings.reference.isdecimal()]
    concerned = [*_OF_PAIRS, *(() if all(item.is_class for item in job.maps) else _OF_CLASSES)]
    concerned += [] if job.writes_each_map else of_maps
    ignored = [name for name in concerned if getattr(job.settings, name) != getattr(defaults, name)]
    if not ignored:
        return job, []
    labels = ", ".join(descriptions()[name].label for name in ignored)
    settings = replace(job.settings, preset="custom", **{name: getattr(defaults, name) for name in ignored})
    chosen = " (setting classes)" if job.host != SCIPION and all(item.is_class for item in job.maps) else ""
    return replace(job, settings=settings), [
        f"without effect on {len(job.maps)} maps, which are compared as an ensemble: {labels}; for these settings, "
        f"give ten maps or fewer{chosen}"
    ]


def compare_ensemble(
    job: Job, folder: Path, progress: Progress
) -> Tuple[Optional[Dict[str, Any]], Optional[EnsembleComparison], List[str]]:
    """Compare the volumes of a job, and write the results.

    Parameters
    ----------
    job : Job
    folder : Path
        Existing folder to write to.
    progress : Progress

    Returns
    -------
    report : dict, optional
        The ensemble's part of report.json; None where there are few maps, or no maps were compared.
    comparison : EnsembleComparison, optional
    warnings : list of str
        Why the maps were not compared.

    Raises
    ------
    OccupyError
        If the comparison fails, and the job has no other results.
    """
    if not job.is_ensemble:
        return None, None, []
    from occupy_core.ensembles.compare_volumes import compare_volumes
    from occupy_core.ensembles.describe import ensemble_lines, found_text
    from occupy_core.ensembles.outputs import write_ensemble

    progress(f"Comparing {len(job.maps)} volumes")
    try:
        with progress.part(len(job.maps) * WORK_OF_VOLUME, "comparison") as step:
            comparison = compare_volumes(job.maps, job.settings, threads=job.threads, step=step)
    except ChangedInputError:
        raise
    except OccupyError as error:
        if not job.writes_each_map:
            raise
        warning = f"the maps were not compared: {error}"
        progress(f"  WARNING: {warning}")
        return None, None, [warning]
    warnings = []
    if job.focus_mask:
        warnings = [
            f"the mask of the classification, {job.focus_mask}, is not used for more than ten classes: where it lies "
            "around a part of the molecule, choose ten classes or fewer (setting classes)"
        ]
    maps = [job.maps[index] for index in comparison.volumes.indices]
    report = write_ensemble(comparison, maps, folder, threads=job.threads)
    if job.settings.particles:
        _divide_particles(report, job, maps)
    notes = [f"WARNING: {text}" for text in [*warnings, *report["warnings"]]]
    for line in [found_text(report), *ensemble_lines(report), *notes]:
        progress(f"  {line}")
    return report, comparison, warnings


def _divide_particles(report: Dict[str, Any], job: Job, compared: Sequence[MapInput]) -> None:
    """Add to the report which particles have each part, under the names that the host gives them."""
    from occupy_core.comparing.particle_groups import Member, add_particle_groups_of_parts

    names = scipion_names.PART_PARTICLES if job.host == SCIPION else PART_PARTICLES
    members = [
        Member(item.name, item.class_info.number, item.class_info.particles) for item in compared if item.class_info
    ]
    left_out = classes_left_out(job, {item.name for item in compared})
    add_particle_groups_of_parts(report, members, lambda side, number: names[side].format(number), left_out)
