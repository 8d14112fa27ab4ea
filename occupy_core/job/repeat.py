# SPDX-License-Identifier: GPL-3.0-or-later
"""Record of a job in report.json, and how a job is repeated from it. Standard library only."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from occupy_core.errors import JobError, SettingsError
from occupy_core.input_files import checksum, read_input_text
from occupy_core.settings.classification import PARTICLES, missing_mask_text
from occupy_core.settings.job_spec import Job, MapInput, optional_text, texts
from occupy_core.settings.output_names import PROGRAM
from occupy_core.settings.settings import Settings
from occupy_core.version import __version__

# Libraries whose other versions may round differently.
_LIBRARIES = ("numpy", "scipy")


@dataclass(frozen=True)
class RecordedJob:
    """A job read from its report, with paths that lead to its files from the current folder.

    Attributes
    ----------
    maps : tuple of MapInput
        Maps of the job.
    missing : tuple of str
        Paths, as in the report, of maps that have been removed since the report was written.
    settings : Settings
        Settings of the job.
    compare : bool
        Whether the job compared its maps.
    warnings : tuple of str
        Reasons why the outcome may differ: other versions, changed files, a focus mask that was removed.
    focus_mask : str, optional
        Path of the mask that the classification was done in.
    input_warnings : tuple of str
        Warnings about the inputs that the job started with.
    particles : str, optional
        Path of the file of the particles that the job divided by region.
    averages_of : str
        "particles" or "subtomograms".
    """

    maps: Tuple[MapInput, ...]
    missing: Tuple[str, ...]
    settings: Settings
    compare: bool
    warnings: Tuple[str, ...]
    focus_mask: Optional[str] = None
    input_warnings: Tuple[str, ...] = ()
    particles: Optional[str] = None
    averages_of: str = PARTICLES


def job_record(job: Job, is_cancelled: Callable[[], bool] = lambda: False) -> Dict[str, Any]:
    """Return the record from which a job can be repeated, together with its settings, as JSON types.

    Parameters
    ----------
    job : Job
    is_cancelled : callable
        Asked while files are read for their checksums; after True, the remaining checksums are None.

    Returns
    -------
    dict
        "maps", "compare", "focus_mask", "input_warnings", "particles" and "averages_of" of the job; paths as the job
        has them. "folder_of_paths": path from the output folder to the folder to which the job's relative paths refer.
        "sha256": checksum by path of each input file, None for a file that cannot be read.
    """
    return {
        "maps": [asdict(item) for item in job.maps],
        "compare": job.compare,
        "focus_mask": job.focus_mask,
        "input_warnings": list(job.input_warnings),
        "particles": job.particles,
        "averages_of": job.averages_of,
        "folder_of_paths": os.path.relpath(os.getcwd(), os.path.realpath(job.output_dir)),
        "sha256": {path: checksum(path, is_cancelled) for path in job.inputs},
    }


def read_job_record(path: str) -> RecordedJob:
    """Read a job from its report.

    Parameters
    ----------
    path : str
        A report.json. Its relative paths count from the folder that "folder_of_paths" leads to from the report's own
        folder, or from the current folder if none of the files exists there and one of the same content exists here:
        never from both, which may be projects with files of the same names.

    Raises
    ------
    JobError
        If the file cannot be read or is not the report of a job.
    SettingsError
        If the report has a setting that this version refuses.
    """
    recorded, recorded_folder, checksums = _parse(path, _read_report(path))
    folder = _folder_of_files(recorded_folder, checksums)
    warnings = list(recorded.warnings)

    def checked(name: str) -> str:
        """Return the path of a recorded file; warn if its checksum has changed. Empty for no file."""
        if not name:
            return name
        located = _locate(name, folder)
        if os.path.exists(located) and checksums.get(name) not in (None, checksum(located)):
            warnings.append(f"{located}: has changed since {path} was written, so the outcome will differ")
        return located

    definition = recorded.settings.solvent_def
    settings = replace(
        recorded.settings,
        solvent_def=None if definition is None else checked(definition),
        target_mask=tuple(checked(name) for name in recorded.settings.target_mask),
        model=None if recorded.settings.model is None else checked(recorded.settings.model),
        model_groups=checked(recorded.settings.groups_file or "") or recorded.settings.model_groups,
    )
    # A map without a checksum was already missing when the report was written: the job failed on that map only.
    missing = tuple(
        item.path
        for item in recorded.maps
        if checksums.get(item.path) and not item.is_empty and not os.path.exists(_locate(item.path, folder))
    )
    maps = tuple(replace(item, path=checked(item.path)) for item in recorded.maps)
    focus_mask = None if recorded.focus_mask is None else checked(recorded.focus_mask)
    if focus_mask is not None and not os.path.exists(focus_mask):
        warnings.append(missing_mask_text(focus_mask, path))
        focus_mask = None
    return replace(
        recorded,
        maps=maps,
        missing=missing,
        settings=settings,
        warnings=tuple(warnings),
        focus_mask=focus_mask,
        particles=checked(recorded.particles or "") or None,
    )


def _read_report(path: str) -> Mapping[str, Any]:
    try:
        report = json.loads(read_input_text(path, expected="the report.json of a job"))
    except (OSError, ValueError, RecursionError) as error:
        reason = "it is no text in UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise JobError(
            f"{path}: cannot be read as a report.json ({reason}), expected the report.json of a job; without one, give "
            "the map and the settings as options"
        ) from error
    if not isinstance(report, dict) or report.get("program") != PROGRAM:
        raise JobError(
            f"{path}: is not a report of this program, expected the report.json of a job; "
            "give that, or the map and the settings as options"
        )
    return report


def _parse(path: str, report: Mapping[str, Any]) -> Tuple[RecordedJob, str, Mapping[str, Any]]:
    """Return the job with its paths as recorded, the folder to which they refer, and the checksums by path."""
    try:
        record, version = report["job"], str(report["version"])
        warnings = _version_warnings(path, version, report["versions"])
        settings = Settings.from_dict(report["settings"])
        maps = tuple(MapInput.from_dict(item) for item in record["maps"])
        folder = os.path.join(os.path.realpath(os.path.dirname(path)), record["folder_of_paths"])
        checksums = dict(record["sha256"])
        compare = record["compare"]
        # Reports of older versions have none of these.
        focus_mask, input_warnings = optional_text(record.get("focus_mask")), texts(record.get("input_warnings", ()))
        particles = optional_text(record.get("particles"))
        averages_of = optional_text(record.get("averages_of")) or PARTICLES
        if not 0 < len({item.prefix for item in maps}) == len(maps) or not isinstance(compare, bool):
            raise ValueError("no map, or two maps have one prefix, or compare is neither true nor false")
        if not all(isinstance(value, str) for value in checksums.values() if value is not None):
            raise TypeError("a checksum in sha256 is no text")
    except SettingsError as error:
        hint = "" if version == __version__ else f"; the report was written by version {version}, this is {__version__}"
        raise SettingsError(error.setting, f"{error.problem} (in {path}{hint})") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise JobError(
            f"{path}: is not a report from which a job can be repeated (missing or wrong: {error!r}); expected a "
            f"report.json of version {__version__}; without one, give the map and the settings as options"
        ) from error
    recorded = RecordedJob(
        maps, (), settings, compare, tuple(warnings), focus_mask, input_warnings, particles, averages_of
    )
    return recorded, folder, checksums


def _version_warnings(path: str, version: str, libraries: Mapping[str, str]) -> List[str]:
    """Warn if the report was written by other versions of this program or of numerical libraries."""
    # Imported here since loading it takes as long as all other modules that check options.
    from importlib import metadata

    warnings = []
    if version != __version__:
        warnings.append(f"{path} was written by version {version}, this is {__version__}: the outcome may differ")
    for name in _LIBRARIES:
        installed = metadata.version(name)
        if libraries[name] != installed:
            warnings.append(
                f"{path} was written with {name} {libraries[name]}, but {installed} is installed: "
                "the last digits may differ"
            )
    return warnings


def _folder_of_files(folder: str, checksums: Mapping[str, Any]) -> str:
    """Return the folder from which the paths in a report count; empty for the current folder."""
    if os.path.isdir(folder) and os.path.samefile(folder, os.curdir):
        return ""
    names = [name for name in checksums if not os.path.isabs(name)]
    if any(os.path.exists(os.path.join(folder, name)) for name in names):
        return folder
    return "" if any(checksums[name] and checksums[name] == checksum(name) for name in names) else folder


def _locate(name: str, folder: str) -> str:
    """Return the path, from the current folder, of a file that a report names by a path from `folder`."""
    return os.path.normpath(os.path.join(folder, name)) if folder and not os.path.isabs(name) else name
