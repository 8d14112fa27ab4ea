# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a job that compares many volumes: an ensemble.

`occupy_core.ensembles` is imported where it is used, since a job on few maps does not need it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from occupy_core.errors import ChangedInputError, OccupyError
from occupy_core.progress import Progress
from occupy_core.settings.job_spec import Job
from occupy_core.settings.settings import MODIFICATIONS, Settings, descriptions

if TYPE_CHECKING:
    from occupy_core.ensembles.compare_volumes import EnsembleComparison

# Settings that say what is made of single maps, or which map sets their full scale.
_OF_SINGLE_MAPS = (
    *MODIFICATIONS,
    *("exclude_solvent", "target_mask", "subtraction_mask", "solvent_threshold", "lowpass_output", "hist_match"),
    *("model", "reference"),
)

# Settings of a comparison pair by pair.
_OF_PAIRS = ("particles", "difference")

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
    concerned = _OF_PAIRS if job.writes_each_map else (*of_maps, *_OF_PAIRS)
    ignored = [name for name in concerned if getattr(job.settings, name) != getattr(defaults, name)]
    if not ignored:
        return job, []
    labels = ", ".join(descriptions()[name].label for name in ignored)
    settings = replace(job.settings, preset="custom", **{name: getattr(defaults, name) for name in ignored})
    return replace(job, settings=settings), [
        f"without effect on {len(job.maps)} maps, which are compared as an ensemble: {labels}; for these settings, "
        "give ten maps or fewer"
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
    notes = [f"WARNING: {text}" for text in [*warnings, *report["warnings"]]]
    for line in [found_text(report), *ensemble_lines(report), *notes]:
        progress(f"  {line}")
    return report, comparison, warnings
