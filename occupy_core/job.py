# SPDX-License-Identifier: GPL-3.0-or-later
"""A job: map files and settings in, map files and a report out. Both hosts run this."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from occupy_core.errors import JobError, OccupyError
from occupy_core.maps import read_map, write_map
from occupy_core.outputs import MAP_OUTPUTS, MAPS_TABLE, REPORT, kinds_of, staged
from occupy_core.process import Result, process_map
from occupy_core.report import job_report, map_report, target_report, target_text, write_json
from occupy_core.settings import Settings


@dataclass(frozen=True)
class ClassInfo:
    """What a classification tells of one of its classes.

    Attributes
    ----------
    number : int
        From 1.
    share : float, optional
        Of the particles, 0..1.
    particles : int, optional
        How many have it as their most likely class.
    """

    number: int
    share: Optional[float] = None
    particles: Optional[int] = None


@dataclass(frozen=True)
class MapInput:
    """A map to work on.

    Attributes
    ----------
    path : str
    prefix : str
        In front of the names of its outputs; lower-case letters, at least three digits and an underscore, or empty.
    voxel_size : float, optional
        Å, where the project knows it; the header's otherwise.
    class_info : ClassInfo, optional
        When the map is a class of a classification.
    """

    path: str
    prefix: str = ""
    voxel_size: Optional[float] = None
    class_info: Optional[ClassInfo] = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MapInput:
        """A map from what `dataclasses.asdict` gave."""
        info = values.get("class_info")
        return cls(**{**values, "class_info": ClassInfo(**info) if info else None})


@dataclass(frozen=True)
class Job:
    """What to do: maps, settings, the folder for the outputs, and how many threads to use."""

    maps: Tuple[MapInput, ...]
    output_dir: str
    settings: Settings
    threads: int = 1

    def to_dict(self) -> Dict[str, Any]:
        """The job as JSON types; `Job.from_dict` is its inverse."""
        return {
            "maps": [asdict(item) for item in self.maps],
            "output_dir": self.output_dir,
            "settings": self.settings.to_dict(),
            "threads": self.threads,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Job:
        """A job from what `to_dict` gave.

        Raises
        ------
        JobError, SettingsError
            If a part is missing or refused.
        """
        try:
            maps = tuple(MapInput.from_dict(item) for item in values["maps"])
            return cls(maps, values["output_dir"], Settings.from_dict(values["settings"]), int(values["threads"]))
        except (KeyError, TypeError, ValueError) as error:
            raise JobError(f"the job is not one that this version wrote: {error!r}") from error


@dataclass(frozen=True)
class MapOutputs:
    """What became of one map: the names of its files by kind (keys of `MAP_OUTPUTS`), and its part of the report."""

    source: MapInput
    files: Dict[str, str]
    report: Dict[str, Any]


Progress = Callable[[str], None]
Tables = Callable[[List[MapOutputs], Path], None]


def read_job(path: str) -> Job:
    """Read a job from the JSON file that a host wrote.

    Raises
    ------
    JobError, SettingsError
        If the file cannot be read or holds no job.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JobError(f"{path}: cannot be read as a job ({error})") from error
    return Job.from_dict(values)


def run_job(job: Job, *, progress: Progress = lambda line: None, tables: Optional[Tables] = None) -> List[MapOutputs]:
    """Work on every map of a job and write the outputs, all or none.

    Parameters
    ----------
    job : Job
    progress : callable
        Takes a line for the user now and then.
    tables : callable, optional
        A host's own files: called with the outputs and the folder to write to, before anything is put in place.

    Returns
    -------
    list of MapOutputs, in the order of the job's maps.

    Raises
    ------
    MapError, SettingsError
        If the only map fails.
    JobError
        If all of several maps fail, there is none, or the output folder cannot be used (see `outputs.staged`).
    """
    if not job.maps:
        raise JobError("no map given, expected at least one")
    done: List[MapOutputs] = []
    failed: Dict[str, str] = {}
    with staged(job.output_dir, _names(job), _inputs(job)) as folder:
        for number, item in enumerate(job.maps, start=1):
            progress(f"Map {number} of {len(job.maps)}: {item.path}")
            try:
                done.append(_run_map(item, job, folder, progress))
            except OccupyError as error:
                if len(job.maps) == 1:
                    raise
                failed[item.path] = str(error)
                progress(f"  FAILED, left out: {error}")
        if not done:
            raise JobError(f"all {len(job.maps)} maps failed; the first: {next(iter(failed.values()))}")
        if tables is not None:
            tables(done, folder)
        write_json(folder / REPORT, job_report(job.settings, [item.report for item in done], failed))
    return done


def _names(job: Job) -> List[str]:
    kinds = kinds_of(job.settings)
    return [REPORT, MAPS_TABLE, *(item.prefix + MAP_OUTPUTS[kind].file_name for item in job.maps for kind in kinds)]


def _inputs(job: Job) -> List[str]:
    definition = job.settings.solvent_def
    masks = [*([definition] if definition else []), *job.settings.target_mask]
    return [*(item.path for item in job.maps), *masks]


def _run_map(item: MapInput, job: Job, folder: Path, progress: Progress) -> MapOutputs:
    result = process_map(read_map(item.path, voxel_size=item.voxel_size), job.settings, threads=job.threads)
    files = {}
    for kind, values in _arrays(result).items():
        files[kind] = item.prefix + MAP_OUTPUTS[kind].file_name
        write_map(folder / files[kind], values, result.source.grid, label=MAP_OUTPUTS[kind].title)
    for line in _summary(result):
        progress(f"  {line}")
    report = map_report(result, files, item.prefix)
    if item.class_info is not None:
        report["class"] = asdict(item.class_info)
    return MapOutputs(item, files, report)


def _arrays(result: Result) -> Dict[str, Any]:
    return {"scale": result.scale, "confidence": result.confidence, **result.modified}


def _summary(result: Result) -> List[str]:
    derived = result.derived
    median = f"median scale {result.median_scale:.3f}"
    if math.isnan(result.median_scale):
        median = "no voxel is confidently more than solvent"
    zero = f"zero at {result.reference.zero:.4g}, " if result.settings.normalisation == "calibrated" else ""
    return [
        f"{derived.mode} mode, low-pass {derived.lowpass:.4g} Å, kernel {derived.kernel_size} voxels a side "
        f"({derived.kernel_voxels} voxels), tau {derived.tau:.4g}",
        f"reference value {result.reference.value:.4g}, {zero}{median}, "
        f"solvent {result.solvent.mean:.4g} +- {result.solvent.sigma:.3g}",
        *(target_text(target_report(target)) for target in result.targets),
        *(f"WARNING: {text}" for text in result.warnings),
    ]
