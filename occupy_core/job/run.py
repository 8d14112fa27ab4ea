# SPDX-License-Identifier: GPL-3.0-or-later
"""A job: map files and settings in, map files and a report out. Both hosts run this."""

from __future__ import annotations

import math
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Tuple, Union

from occupy_core.arrays.types import Volume
from occupy_core.errors import JobError, OccupyError
from occupy_core.estimate.reference import Reference
from occupy_core.job.staging import staged_outputs
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import MapWriter, open_written
from occupy_core.process import Make, Result, process_map
from occupy_core.progress import Progress, Say, Step
from occupy_core.reporting.pdf.preload import load_drawing
from occupy_core.reporting.repeat import job_record
from occupy_core.reporting.report import map_report, target_report, target_text
from occupy_core.reporting.sections import (
    CentralSections,
    MapSections,
    assemble_sections,
    central_sections,
    tile_section,
)
from occupy_core.reporting.write_all import write_reports
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.output_names import (
    CHIMERAX,
    FIGURE,
    MAP_OUTPUTS,
    MAPS_TABLE,
    REPORT,
    SPREAD_MAP,
    output_kinds,
)
from occupy_core.settings.settings import Settings

if TYPE_CHECKING:  # what concerns several maps is loaded where there are several
    from occupy_core.comparing.class_cache import ClassCache
    from occupy_core.comparing.compare_maps import ClassComparison
    from occupy_core.comparing.shared_scale import SharedScale


@dataclass(frozen=True)
class MapOutputs:
    """What became of one map: the names of its files by kind (keys of `MAP_OUTPUTS`), its part of the report, and
    sections for figures."""

    source: MapInput
    files: Dict[str, str]
    report: Dict[str, Any]
    slices: MapSections


@dataclass(frozen=True)
class JobOutputs:
    """What became of a job: its maps, in the order of the input, and the report of the comparison where there is one.

    Attributes
    ----------
    maps : list of MapOutputs
    comparison : dict, optional
        As `comparison_outputs.write_comparison` gives it.
    notes : list of str
        Warnings of the job as a whole.
    files : list of str
        Names of further files for users: figures, and commands for ChimeraX.
    """

    maps: List[MapOutputs]
    comparison: Optional[Dict[str, Any]]
    notes: List[str]
    files: List[str]

    @property
    def warnings(self) -> List[str]:
        """Of the job as a whole, of the comparison, of the maps."""
        compared = self.comparison["warnings"] if self.comparison else []
        several = len(self.maps) > 1
        of_maps = [
            f"{item.source.name}: {text}" if several else text for item in self.maps for text in item.report["warnings"]
        ]
        return [*self.notes, *compared, *of_maps]


_MEASURING = 0.8  # for a shared reference or a comparison, beside the work on a map itself
Tables = Callable[[JobOutputs, Path], None]


def run_job(job: Job, *, progress: Say = lambda line: None, tables: Optional[Tables] = None) -> JobOutputs:
    """Work on every map of a job and write the outputs, all or none.

    Parameters
    ----------
    job : Job
    progress : callable
        Takes a line for the user now and then; when it takes long, lines that say how much is left.
    tables : callable, optional
        A host's own files: called with the outputs and the folder to write to, before anything is put in place.

    Raises
    ------
    MapError, SettingsError
        If the only map fails.
    JobError
        If all of several maps fail, there is none, two that are to be measured against one another do not lie on one
        grid, or the output folder cannot be used (see `outputs.staged`).
    """
    if not job.maps:
        raise JobError("no map given, expected at least one")
    done: List[MapOutputs] = []
    failed: Dict[str, str] = {}
    tell = Progress(progress, _work(job))
    with staged_outputs(job.output_dir, _names(job), job.inputs) as folder, _aside(job) as told:
        views = _views(job)
        shared = _shared(job, views, tell)
        for number, item in enumerate(job.maps, start=1):
            tell(f"Map {number} of {len(job.maps)}: {item.path}")
            try:
                with tell.part(1, f"map {number} of {len(job.maps)}") as step:
                    reference = shared.references.get(number - 1) if shared else None
                    done.append(_run_map(item, job, folder, tell, step, reference))
            except OccupyError as error:
                if len(job.maps) == 1:
                    raise
                for name in _files(item, job.settings).values():  # what was written before it failed
                    (folder / name).unlink(missing_ok=True)
                failed[item.path] = str(error)
                tell(f"  FAILED, left out: {error}")
        if not done:
            raise JobError(f"all {len(job.maps)} maps failed; the first: {next(iter(failed.values()))}")
        compared, found, notes = _compare(job, views, folder, tell)
        tell(f"Writing {REPORT}, {FIGURE} and {CHIMERAX}" if job.settings.figures else f"Writing {REPORT}, {CHIMERAX}")
        report = write_reports(
            job,
            [item.report for item in done],
            [item.slices for item in done],
            failed=failed,
            shared=job.maps[shared.place].path if shared else None,
            comparison=compared,
            found=found,
            notes=notes,
            told=told(),
            folder=folder,
        )
        outputs = JobOutputs(done, compared, report["warnings"], report["outputs"])
        if tables is not None:
            tables(outputs, folder)
    return outputs


@contextmanager
def _aside(job: Job) -> Iterator[Callable[[], Dict[str, Any]]]:
    """`recorded`, which reads all files, in a thread, where what draws is loaded too; given up when this is left."""
    left = Event()
    found: List[Union[Dict[str, Any], Exception]] = []

    def look() -> None:
        try:
            found.append(job_record(job, left.is_set))
        except Exception as error:
            found.append(error)
        if job.settings.figures and not left.is_set():
            with suppress(Exception):  # told of when it comes to drawing
                load_drawing()

    def told() -> Dict[str, Any]:
        thread.join()
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    thread = Thread(target=look)
    thread.start()
    try:
        yield told
    finally:
        left.set()
        thread.join()


def _work(job: Job) -> float:
    """How much there is to do, in units of one map."""
    shares = _shares_reference(job)
    return len(job.maps) * (1 + _MEASURING * (shares + (job.compare and len(job.maps) > 1)))


def _views(job: Job) -> Optional[ClassCache]:
    if len(job.maps) < 2 or not job.compare:
        return None
    from occupy_core.comparing.class_cache import ClassCache

    return ClassCache()


def _shares_reference(job: Job) -> bool:
    if len(job.maps) < 2:
        return False
    from occupy_core.comparing.shared_scale import shares_reference

    return shares_reference(job.maps, job.settings)


def _shared(job: Job, views: Optional[ClassCache], tell: Progress) -> Optional[SharedScale]:
    if not _shares_reference(job):
        return None
    from occupy_core.comparing.shared_scale import shared_scale

    tell(f"Looking for what counts as full in {len(job.maps)} maps")
    with tell.part(len(job.maps) * _MEASURING, "full scale") as step:
        found = shared_scale(job.maps, job.settings, threads=job.threads, views=views, step=step)
    if found:
        tell(f"One reference for all {len(job.maps)} maps, from {job.maps[found.place].name}")
    return found


def _names(job: Job) -> List[str]:
    maps = [name for item in job.maps for name in _files(item, job.settings).values()]
    names = [REPORT, FIGURE, CHIMERAX, MAPS_TABLE, *maps]
    return [*names, SPREAD_MAP] if job.compare else names


def _run_map(
    item: MapInput, job: Job, folder: Path, tell: Progress, step: Step, reference: Optional[Reference]
) -> MapOutputs:
    source = read_map(item.path, voxel_size=item.voxel_size, mapped=True, threads=job.threads)
    files = _files(item, job.settings)
    panels = {"input": central_sections(source.data)}

    def write(kind: str, make: Make) -> Volume:
        sections = CentralSections(source.grid.shape)

        def put(slab: slice, values: Volume) -> None:
            sections.add_slab(slab, values)
            writer.write_slab(slab, values)

        with MapWriter(folder / files[kind], source.grid, label=MAP_OUTPUTS[kind].title) as writer:
            make(put)
        panels[kind] = sections.images
        return open_written(folder / files[kind], source.grid.shape)

    result = process_map(source, job.settings, reference=reference, threads=job.threads, step=step, keep=write)
    for line in _summary(result):
        tell(f"  {line}")
    report = map_report(result, files, item.prefix, item.name, threads=job.threads)
    if item.class_info is not None:
        report["class"] = asdict(item.class_info)
    in_order = {kind: panels[kind] for kind in ("input", *files)}
    return MapOutputs(item, files, report, assemble_sections(in_order, source.data, tile_section(report)))


def _files(item: MapInput, settings: Settings) -> Dict[str, str]:
    return {kind: item.prefix + MAP_OUTPUTS[kind].file_name for kind in output_kinds(settings)}


def _compare(
    job: Job, views: Optional[ClassCache], folder: Path, tell: Progress
) -> Tuple[Optional[Dict[str, Any]], Optional[ClassComparison], List[str]]:
    """Compare the maps and write what comes of it; a warning where they cannot be compared."""
    if len(job.maps) < 2:
        unused = job.settings.reference not in ("auto", "own")
        return None, None, [f"reference {job.settings.reference} has no effect with one map"] if unused else []
    if not job.compare:
        return None, None, []
    from occupy_core.comparing.compare_maps import compare_maps
    from occupy_core.comparing.outputs import comparison_lines, write_comparison

    tell(f"Comparing {len(job.maps)} maps")
    try:
        with tell.part(len(job.maps) * _MEASURING, "comparison") as step:
            found = compare_maps(job.maps, job.settings, threads=job.threads, views=views, step=step)
    except OccupyError as error:  # the maps are done: no reason to lose them
        note = f"the maps were not compared: {error}"
        tell(f"  WARNING: {note}")
        return None, None, [note]
    report = write_comparison(found, [job.maps[place] for place in found.places], folder)
    for line in [*comparison_lines(report), *(f"WARNING: {text}" for text in report["warnings"])]:
        tell(f"  {line}")
    return report, found, []


def _summary(result: Result) -> List[str]:
    parameters = result.parameters
    median = f"median scale {result.median_scale:.3f}"
    if math.isnan(result.median_scale):
        median = "no voxel is confidently more than solvent"
    zero = f"zero at {result.reference.zero:.4g}, " if result.settings.normalisation == "calibrated" else ""
    return [
        f"{parameters.mode} mode, low-pass {parameters.lowpass:.4g} Å, kernel {parameters.kernel_size} voxels a side "
        f"({parameters.kernel_voxels} voxels), tau {parameters.tau:.4g}",
        f"reference value {result.reference.value:.4g}, {zero}{median}, "
        f"solvent {result.solvent.mean:.4g} +- {result.solvent.sigma:.3g}",
        *(target_text(target_report(target)) for target in result.targets),
        *(f"WARNING: {text}" for text in result.warnings),
    ]
