# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a job's files in place: all at once when the job is complete, or none."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import stat
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Iterator, List, Mapping, Sequence, Set

from occupy_core.errors import JobError
from occupy_core.files import read_text
from occupy_core.job.output_folder import OutputFolder
from occupy_core.job.owner import signs_of_life
from occupy_core.job.placing import OWNER, make_staging, place, sync_files
from occupy_core.settings.output_names import (
    CHIMERAX,
    FIGURE,
    MAPS_TABLE,
    MODEL_TABLE,
    NODE_FILE,
    PARTS_TABLE,
    PROGRAM,
    REGION_PARTICLES,
    REGIONS_TABLE,
    REPORT,
    is_output_name,
    is_particle_file,
)
from occupy_core.version import MAP_LABEL

_LABELS_OFFSET, _HEADER_BYTES = 224, 1024  # of the labels in the header of a map
_WAYS_OUT = {
    errno.ENOSPC: "make room, or choose another",
    errno.EDQUOT: "make room, or choose another",
}
_OTHER_WAY_OUT = "choose another, or change its permissions"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def staged_outputs(folder: OutputFolder, names: Sequence[str], inputs: Sequence[str]) -> Iterator[Path]:
    """Give a staging folder to write a job's files to; move the files to the output folder when the block succeeds.

    Files of the last job in the output folder are replaced, or removed where the new job writes none of that name. When
    the block fails, the output folder stays as it was once `folder` is left.

    Parameters
    ----------
    folder : OutputFolder
        The output folder, locked.
    names : sequence of str
        Names of the files that the job is known to write.
    inputs : sequence of str
        Paths of the files that the job reads; they are never replaced.

    Yields
    ------
    Path
        The staging folder, inside the output folder.

    Raises
    ------
    JobError
        If the output folder cannot be used, or an output would replace an input or a file that this program did not
        write.
    """
    target = folder.path
    try:
        last = _names_of_last_job(target)
        _refuse_names(target, {*names, *last}, inputs)
        _refuse_files_of_others(target, set(names) - last)
        new = make_staging(target)
        with nullcontext() if folder.has_locks else signs_of_life(new.parent / OWNER):
            yield new
        written = {path.name for path in new.iterdir()}
        _refuse_names(target, {*written, *last}, inputs)
        _refuse_files_of_others(target, written - last)
        sync_files(new)
        with _signals_deferred():
            place(new, last)
    except OSError as error:
        raise JobError(_text_of(error, target)) from error


def _text_of(error: OSError, target: Path) -> str:
    """Return the message for an error of the operating system: it names the output folder, or a file elsewhere."""
    reason = error.strerror or error
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"{target}: too many open files; raise the limit, for example with: ulimit -n 1024"
    elsewhere = isinstance(error.filename, str) and target.resolve() not in Path(error.filename).resolve().parents
    if elsewhere:
        return f"{error.filename}: {reason}"
    if not target.is_dir():
        return f"{target}: this output folder was removed or renamed while the job ran; run the job again"
    too_large = error.errno == errno.EFBIG
    way_out = _too_large_text() if too_large else _WAYS_OUT.get(error.errno or 0, _OTHER_WAY_OUT)
    return f"{target}: cannot write to this output folder ({reason}); {way_out}"


def _too_large_text() -> str:
    """Return the way out for a file that is too large: for the limit of this process, or for the file system."""
    of_system = "the file system takes no file of this size (FAT: 4 GB): choose a folder on another"
    if resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY:
        return of_system
    return f"raise the limit of a file's size, for example with: ulimit -f unlimited; or {of_system}"


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Delay SIGINT, SIGTERM and SIGHUP until the block ends. Does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: List[int] = []
    # Handlers, not a signal mask: a signal that this thread blocks is delivered to another thread.
    handlers = {
        number: signal.signal(number, lambda number, _frame: received.append(number)) for number in _STOP_SIGNALS
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for late in received:
            signal.raise_signal(late)


def _names_of_last_job(target: Path) -> Set[str]:
    """Return the names of the files that the last job in the folder wrote, from its report.

    Names that no job writes are left out: a report that somebody else wrote must not remove other files. So are maps
    without the label of this program. A report that is a link belongs to another folder and tells nothing about this.
    """
    report = target / REPORT
    if not os.path.lexists(report) or report.is_symlink():
        return set()
    try:
        content = json.loads(read_text(report))
        if content["program"] != PROGRAM:
            raise ValueError
        maps = [name for item in content["maps"] for name in item["outputs"].values()]
        of_regions = [*(content.get("comparison") or {}).get("outputs", []), *_particle_files(content)]
        of_ensemble = (content.get("ensemble") or {}).get("outputs", [])
        of_model = (content.get("model") or {}).get("outputs", [])
        written = (*maps, *of_regions, *of_ensemble, *of_model)
        named = [name for name in written if isinstance(name, str) and is_output_name(name)]
    except OSError as error:
        raise JobError(
            f"{report}: cannot be read as a report of this program ({error.strerror}); choose "
            "another output folder, or move this file away"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise JobError(
            f"{report}: is not a report of this program, so the files beside it may not be either; choose another "
            "output folder, or move this file away"
        ) from None
    names = {MAPS_TABLE, REGIONS_TABLE, PARTS_TABLE, MODEL_TABLE, FIGURE, CHIMERAX, NODE_FILE, *named}
    there = [target / name for name in names if _holds_data(target / name)]
    if there and not any(map(_has_label, there)):
        raise JobError(
            f"{report}: none of its maps and commands for ChimeraX lies beside it, so it may be a copy, and the other "
            f"files here ({', '.join(sorted(path.name for path in there))}) may be of others; choose another output "
            "folder, or move these files away"
        )
    others = {path.name for path in there if _must_have_label(path) and not _has_label(path)}
    return {REPORT, *names} - others


def _particle_files(report: Mapping[str, Any]) -> List[Any]:
    """Return the names of the files of particles that a report names."""
    items = [*(report.get("comparison") or {}).get("regions", []), *(report.get("ensemble") or {}).get("parts", [])]
    divided = [item["particles"] for item in items if item.get("particles")]
    return [groups[side]["name"] for groups in divided for side in REGION_PARTICLES]


def _refuse_names(target: Path, names: Set[str], inputs: Sequence[str]) -> None:
    """Refuse output names that this program does not write, that are folders, or that would replace an input."""
    for output in (target / name for name in sorted(names)):
        if not is_output_name(output.name):
            raise JobError(
                f"{output}: is no name of an output; expected a prefix of lower-case letters, a number and an "
                "underscore, such as class001_, or none"
            )
        if output.is_dir():
            raise JobError(f"{output}: is a folder and the name of an output too; choose another output folder")
        for path in inputs:
            if output.exists() and os.path.exists(path) and os.path.samefile(output, path):
                raise JobError(f"{path}: is an input and the name of an output too; choose another output folder")


def _refuse_files_of_others(target: Path, names: Set[str]) -> None:
    """Refuse to replace files that this program did not write; `names` are those that no report tells.

    Each map of this program has a label with its name. A folder that has such a map, but no report, is what earlier
    versions left of a job. A link is replaced: what it leads to stays.
    """
    there = [path for path in (target / name for name in sorted(names)) if _holds_data(path)]
    maps = {path: _has_label(path) for path in there if _must_have_label(path)}
    is_of_job = any(maps.values()) and not os.path.lexists(target / REPORT)
    for path in there:
        if not maps.get(path, is_of_job):
            raise JobError(
                f"{path}: has the name of an output, but was not written by this program; choose another output "
                "folder, or move this file away"
            )


def _holds_data(path: Path) -> bool:
    """Return whether a regular file would be lost together with this name."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def _must_have_label(path: Path) -> bool:
    """Return whether this program writes its name into each file of this kind: maps, and files of particles."""
    return path.suffix == ".mrc" or is_particle_file(path.name)


def _has_label(path: Path) -> bool:
    """Return whether a map's header, or the start of commands or of a STAR file, names this program; else False."""
    start = {".mrc": _LABELS_OFFSET, ".cxc": 0, ".star": 0}.get(path.suffix, _HEADER_BYTES)
    with open(path, "rb") as file:
        return MAP_LABEL.encode() in file.read(_HEADER_BYTES)[start:]
