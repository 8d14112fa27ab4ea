# SPDX-License-Identifier: GPL-3.0-or-later
"""A job again, from the report that it left. Standard library only."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from occupy_core import __version__
from occupy_core.errors import JobError, SettingsError
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.output_names import PROGRAM
from occupy_core.settings.settings import Settings

# Other versions of these may round differently.
_LIBRARIES = ("numpy", "scipy")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class RecordedJob:
    """A job as its report tells it.

    Attributes
    ----------
    maps : tuple of MapInput
    missing : tuple of str
        Those of their files that are gone.
    settings : Settings
    compare : bool
    warnings : tuple of str
        Why the outcome may differ.
    """

    maps: Tuple[MapInput, ...]
    missing: Tuple[str, ...]
    settings: Settings
    compare: bool
    warnings: Tuple[str, ...]


def job_record(job: Job, is_given_up: Callable[[], bool] = lambda: False) -> Dict[str, Any]:
    """What a report keeps of a job, beside the settings, so that it can be done again.

    Paths are as they were given, from the folder that "folder_of_paths" leads to from the report's. "sha256" tells
    whether a file is still the same; reading for it ends where `is_given_up`.
    """
    return {
        "maps": [asdict(item) for item in job.maps],
        "compare": job.compare,
        "folder_of_paths": os.path.relpath(os.getcwd(), os.path.realpath(job.output_dir)),
        "sha256": {path: _sha256(path, is_given_up) for path in job.inputs},
    }


def read_job_record(path: str) -> RecordedJob:
    """Read the job that a report tells of.

    Parameters
    ----------
    path : str
        A report.json. The files that it names are looked for where they were from the report's folder, or else from
        the current folder.

    Raises
    ------
    JobError
        If it cannot be read or is no report of a job.
    SettingsError
        If it has a setting that this version refuses.
    """
    report = _read(path)
    try:
        told, version = report["job"], str(report["version"])
        notes = _other_versions(path, version, report["versions"])
        settings = Settings.from_dict(report["settings"])
        maps = [MapInput.from_dict(item) for item in told["maps"]]
        base = os.path.join(os.path.realpath(os.path.dirname(path)), told["folder_of_paths"])
        checksums = dict(told["sha256"])
        compare = told["compare"]
        if len({item.prefix for item in maps}) < len(maps) or not isinstance(compare, bool):
            raise ValueError("two maps of one prefix, or compare neither true nor false")
    except SettingsError as error:
        hint = "" if version == __version__ else f"; the report is of version {version}, this is {__version__}"
        raise SettingsError(error.setting, f"{error.problem} (in {path}{hint})") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise JobError(
            f"{path}: is not a report that a job can be repeated from ({error!r} is missing or not as expected); "
            f"expected a report.json of version {__version__}; give map and settings as options"
        ) from error

    def here(name: str) -> str:
        found = _found(name, base)
        if os.path.exists(found) and checksums.get(name) not in (None, _sha256(found)):
            notes.append(f"{found}: has changed since {path} was written, so the outcome will differ")
        return found

    definition = settings.solvent_def
    settings = replace(
        settings,
        solvent_def=None if definition is None else here(definition),
        target_mask=tuple(here(name) for name in settings.target_mask),
    )
    # What was missing then is left out again.
    missing = [item.path for item in maps if checksums.get(item.path) and not os.path.exists(_found(item.path, base))]
    maps = [replace(item, path=here(item.path)) for item in maps]
    return RecordedJob(tuple(maps), tuple(missing), settings, compare, tuple(notes))


def _read(path: str) -> Mapping[str, Any]:
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise JobError(f"{path}: cannot be read as a report.json ({error})") from error
    if not isinstance(report, dict) or report.get("program") != PROGRAM:
        raise JobError(f"{path}: is not a report of this program, expected the report.json of a job")
    return report


def _other_versions(path: str, version: str, libraries: Mapping[str, str]) -> List[str]:
    from importlib import metadata  # here, since it takes as long to load as all other modules that check options

    notes = []
    if version != __version__:
        notes.append(f"{path} is of version {version}, this is {__version__}: the outcome may differ")
    for name in _LIBRARIES:
        here = metadata.version(name)
        if libraries[name] != here:
            notes.append(f"{path} was made with {name} {libraries[name]}, here is {here}: last digits may differ")
    return notes


def _found(name: str, base: str) -> str:
    """Where a file that a report names is."""
    if os.path.isabs(name) or (os.path.isdir(base) and os.path.samefile(base, os.curdir)):
        return name
    moved = os.path.normpath(os.path.join(base, name))
    return moved if os.path.exists(moved) else name


def _sha256(path: str, is_given_up: Callable[[], bool] = lambda: False) -> Optional[str]:
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                digest.update(chunk)
                if is_given_up():
                    return None
    except OSError:
        return None
    return digest.hexdigest()
