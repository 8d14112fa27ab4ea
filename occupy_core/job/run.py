# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a job: map files and settings in, map files and a report out. Both hosts call `run_job`."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Tuple

from occupy_core.errors import ChangedInputError, JobError, OccupyError
from occupy_core.input_files import unchanged_inputs
from occupy_core.job.background import record_in_background
from occupy_core.job.check_inputs import check_inputs
from occupy_core.job.drawing import Drawing, drawing_beside
from occupy_core.job.ensemble import compare_ensemble, with_settings_of_ensemble
from occupy_core.job.fitted_model import (
    MODEL_WORK,
    add_local_scale,
    measure_job_model,
    model_file_names,
    model_surfaces,
    name_parts_of_regions,
)
from occupy_core.job.memory_need import enough_memory
from occupy_core.job.one_map import map_file_names, process_map_file
from occupy_core.job.output_folder import OutputFolder
from occupy_core.job.outputs import JobOutputs, MapOutputs
from occupy_core.job.several_maps import (
    class_cache,
    compare_job_maps,
    empty_class_notes,
    find_shared_scale,
    with_lowpass_of_classes,
    work_of,
)
from occupy_core.job.staging import staged_outputs
from occupy_core.job.write_reports import ReportContents, pages_of_one, write_reports
from occupy_core.progress import Progress, Say
from occupy_core.reporting.next_steps import next_steps
from occupy_core.settings.job_spec import Job
from occupy_core.settings.output_names import (
    CHIMERAX,
    FIGURE,
    MAPS_TABLE,
    NODE_FILE,
    PARTS_TABLE,
    REPORT,
    SPREAD_MAP,
    VOLUMES_TABLE,
)

if TYPE_CHECKING:  # loaded only by jobs on several maps
    from occupy_core.comparing.class_cache import ClassCache
    from occupy_core.comparing.shared_scale import SharedScale

# Writes a host's own files: called with the outputs and the folder to write to.
WriteTables = Callable[[JobOutputs, Path], None]


def run_job(
    job: Job,
    *,
    progress: Say = lambda line: None,
    tables: Optional[WriteTables] = None,
    locked: Optional[OutputFolder] = None,
) -> JobOutputs:
    """Process every map of a job and write the outputs: all of them, or none.

    Parameters
    ----------
    job : Job
    progress : callable
        Called with lines for the user; in a long job also with lines that show how much work is left.
    tables : callable, optional
        Writes the host's own files: called with the outputs and the folder to write to, before any file is put in
        place.
    locked : OutputFolder, optional
        The job's output folder, if the caller has locked it. The caller then has to call `OutputFolder.finish`.

    Raises
    ------
    MapError, SettingsError
        If the only map fails.
    ChangedInputError
        If an input file changes before the outputs are put in place.
    ModelError
        If the model cannot be used or does not lie in the maps.
    JobError
        If there is no map, the memory does not suffice (`memory_need.enough_memory`), all of several maps fail, two
        maps that are compared do not lie on one grid, or the output folder cannot be used (`staging.staged_outputs`).
    """
    if not job.maps:
        raise JobError("no map given, expected at least one")
    _check_working_folder()
    job, ignored = with_settings_of_ensemble(job)
    reporter = Progress(progress, work_of(job) + len(job.maps) * MODEL_WORK * (job.settings.model is not None))
    for text in (*job.input_warnings, *ignored):
        reporter(f"WARNING: {text}")
    opened = nullcontext(locked) if locked else OutputFolder(job.output_dir)
    # In this order: the memory is checked before work begins, inputs are compared before outputs are put in place.
    with opened as target, staged_outputs(target, _expected_names(job), job.inputs) as folder, enough_memory(
        job, reporter
    ) as notes, drawing_beside(job, folder) as drawing, _recorded(job) as record:
        check_inputs(job, reporter)
        model_report, model = measure_job_model(job, folder, reporter)  # first: a wrong model must not cost an hour
        cache = class_cache(job)
        shared, processed, failed = _process_each(job, cache, folder, reporter, drawing)
        add_local_scale(model_report, model, job, processed, folder)
        comparison_report, comparison, warnings = compare_job_maps(job, cache, folder, reporter)
        name_parts_of_regions(comparison_report, comparison, model, job)
        ensemble_report, ensemble, not_compared = compare_ensemble(job, folder, reporter)
        figures = job.settings.figures
        reporter(f"Writing {REPORT}, {FIGURE} and {CHIMERAX}" if figures else f"Writing {REPORT}, {CHIMERAX}")
        contents = ReportContents(
            job=job,
            map_reports=[item.report for item in processed],
            map_sections=[item.sections for item in processed if item.sections and len(job.maps) == 1],
            failed=failed,
            shared_reference=job.maps[shared.reference_index].path if shared else None,
            comparison=comparison_report,
            class_comparison=comparison,
            ensemble=ensemble_report,
            ensemble_comparison=ensemble,
            model=model_report,
            model_surfaces=partial(model_surfaces, model, job, processed),
            warnings=[*job.input_warnings, *ignored, *notes, *empty_class_notes(job), *warnings, *not_compared],
            job_record=record(),
        )
        report = write_reports(contents, folder, drawing)
        outputs = JobOutputs(
            processed,
            comparison_report,
            report["warnings"],
            report["outputs"],
            model_report,
            report["result"],
            next_steps(report, job.host, job.output_dir),
            ensemble_report,
        )
        if tables is not None:
            tables(outputs, folder)
    return outputs


@contextmanager
def _recorded(job: Job) -> Iterator[Callable[[], Dict[str, Any]]]:
    """Compute the record of a job beside the block, in which its inputs must not change."""
    with unchanged_inputs(job.inputs), record_in_background(job) as record:
        yield record


def _check_working_folder() -> None:
    """Refuse to run in a folder that was removed: names of files cannot be found from there."""
    try:
        os.getcwd()
    except OSError as error:
        raise JobError(
            f"the working folder was removed or renamed ({error.strerror}); change to the project's folder and run the "
            "job again"
        ) from error


def _process_each(
    job: Job, cache: Optional[ClassCache], folder: Path, progress: Progress, drawing: Optional[Drawing]
) -> Tuple[Optional[SharedScale], List[MapOutputs], Dict[str, str]]:
    """Process the maps one by one, as `_process_maps`, and return the full scale that they share too.

    The volumes of an ensemble are only compared.
    """
    if not job.writes_each_map:
        return None, [], {}
    for_maps = with_lowpass_of_classes(job)
    shared = find_shared_scale(for_maps, cache, progress)
    return shared, *_process_maps(for_maps, folder, shared, progress, _page_drawer(job, shared, drawing))


def _process_maps(
    job: Job, folder: Path, shared: Optional[SharedScale], progress: Progress, done: Callable[[MapOutputs], object]
) -> Tuple[List[MapOutputs], Dict[str, str]]:
    """Process each map; return the outputs of the maps that succeeded, and the reasons of failures by path.

    `done` is called with the outputs of each map that succeeded. Classes without particles are left out.
    """
    processed: List[MapOutputs] = []
    failed: Dict[str, str] = {}
    for number, item in enumerate(job.maps, start=1):
        if item not in job.shown_maps:
            progress(f"Map {number} of {len(job.maps)}: left out, {item.name} has no particles")
            continue
        progress(f"Map {number} of {len(job.maps)}: {item.path}")
        try:
            with progress.part(1, f"map {number} of {len(job.maps)}") as step:
                reference = shared.references.get(number - 1) if shared else None
                processed.append(process_map_file(item, job, folder, reference=reference, say=progress, step=step))
            done(processed[-1])
        except OccupyError as error:
            if len(job.maps) == 1 or isinstance(error, ChangedInputError):
                raise
            for name in map_file_names(item, job.settings).values():  # files written before the failure
                (folder / name).unlink(missing_ok=True)
            failed[item.path] = str(error)
            progress(f"  FAILED, left out: {error}")
    if not processed:
        raise JobError(f"all {len(job.maps)} maps failed; the first: {next(iter(failed.values()))}")
    return processed, failed


def _page_drawer(job: Job, shared: Optional[SharedScale], drawing: Optional[Drawing]) -> Callable[[MapOutputs], object]:
    """Return the function that has the pages of a map drawn while the next map is processed.

    The pages of an only map wait for the warnings of the job, and so are drawn at its end.
    """

    def draw(item: MapOutputs) -> None:
        if drawing is not None and item.sections is not None and len(job.maps) > 1:
            named = job.maps[shared.reference_index] if shared else None
            drawing.add(partial(pages_of_one, job.settings, item.report, item.sections, named))

    return draw


def _expected_names(job: Job) -> List[str]:
    """Return the names of the files that the job will write, as far as they are known before it runs."""
    each = job.shown_maps if job.writes_each_map else ()
    maps = [name for item in each for name in map_file_names(item, job.settings).values()]
    names = [REPORT, FIGURE, CHIMERAX, MAPS_TABLE, NODE_FILE, *maps, *model_file_names(job)]
    if job.is_ensemble:
        return [*names, VOLUMES_TABLE, PARTS_TABLE]
    return [*names, SPREAD_MAP] if job.compare else names
