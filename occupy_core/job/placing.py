# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the files of a job in place of the files of the last job: all of them or none, also when the process is killed.

A staging folder holds the job's files in `new`. Before the first file is moved, their names are written to `moves`, the
report as the last. Then the files of the last job move to `old`, its report first, and the files of the job move to the
output folder, its report last. So a report in the output folder lies beside its own files only.

A staging folder with `moves` was left by a job that did not end. While the report is in `new`, the files of the last
job can be put back; after that, the job is complete. Standard library only.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Iterable, List, Set

from occupy_core.files import open_new, read_text
from occupy_core.job.owner import owner_is_running, write_owner
from occupy_core.settings.output_names import REPORT, is_output_name

# The name of a staging folder is this and the number of the process whose job writes to it.
_STAGING = ".occupy_staging_"
OWNER = "owner"  # file in a staging folder
_NEW, _OLD, _MOVES, _DROPPED = "new", "old", "moves", "dropped"
# One thread of a process moves files; another that has to end the process waits for it.
_moving = threading.Lock()


def staging_of(folder: Path, process: int) -> Path:
    """Return the path of the staging folder of a process in an output folder."""
    return folder / f"{_STAGING}{process}"


def make_staging(folder: Path) -> Path:
    """Make the staging folder of this process and return the folder in it that the job writes its files to."""
    staging = staging_of(folder, os.getpid())
    staging.mkdir(mode=0o700)  # nobody else can plant a link where this program writes
    write_owner(staging / OWNER)
    new = staging / _NEW
    new.mkdir()
    return new


def sync_files(new: Path) -> None:
    """Write the job's files to the disk. A full disk in a network shows here, before the first file is moved."""
    for path in new.iterdir():
        _sync(path)


def place(new: Path, last: Set[str]) -> None:
    """Move the job's files to the output folder, in place of the last job's files.

    After an error, `settle` puts the last job's files back.

    Parameters
    ----------
    new : Path
        The folder that `make_staging` returned, with the job's files.
    last : set of str
        Names of the last job's files in the output folder. They are removed, also if the job writes none of that name.

    Raises
    ------
    OSError
        If a file cannot be moved.
    """
    staging, target = new.parent, new.parent.parent
    written = _report_last(path.name for path in new.iterdir())
    old = staging / _OLD
    old.mkdir()
    with _moving:
        _write_moves(staging, written)
        for name in reversed(_report_last({*last, *written})):
            if os.path.lexists(target / name):
                os.rename(target / name, old / name)
        for name in written[:-1]:
            os.replace(new / name, target / name)
        _sync(target)
        os.replace(new / written[-1], target / written[-1])
        with suppress(OSError):  # all files are in place
            _sync(target)


def settle(staging: Path) -> bool:
    """Remove a staging folder; return whether its job had put all files in place.

    If it had put only some in place, the files of the last job are put back first.

    Raises
    ------
    OSError
        If a file cannot be put back; a later call tries again.
    """
    with _moving:
        if not _is_folder(staging):
            return False
        names = _read_moves(staging)
        is_complete = bool(names) and not os.path.lexists(staging / _NEW / names[-1])
        if names and not is_complete:
            _put_back(staging, names)
            os.unlink(staging / _MOVES)  # nothing is left to put back, while the staging folder loses its files
        with suppress(OSError):
            os.rename(staging / _NEW, staging / _DROPPED)  # a thread that still computes can add no file to it
        shutil.rmtree(staging, ignore_errors=True)
        return is_complete


def settle_all(folder: Path) -> None:
    """Settle every staging folder in an output folder, all of jobs that have ended."""
    for staging in sorted(folder.glob(f"{_STAGING}*")):
        settle(staging)


def staging_is_running(folder: Path) -> bool:
    """Return whether a staging folder in an output folder belongs to another process that is running."""
    others = [path for path in folder.glob(f"{_STAGING}*") if path != staging_of(folder, os.getpid())]
    return any(owner_is_running(path / OWNER) for path in others)


def _put_back(staging: Path, names: List[str]) -> None:
    """Move the job's files back to the staging folder, then the last job's files to the output folder."""
    target = staging.parent
    for name in names:
        if not os.path.lexists(staging / _NEW / name) and os.path.lexists(target / name):
            os.rename(target / name, staging / _NEW / name)
    for name in _report_last(name for name in os.listdir(staging / _OLD) if is_output_name(name)):
        os.rename(staging / _OLD / name, target / name)


def _write_moves(staging: Path, names: List[str]) -> None:
    """Write the names of the files that will be moved, in one step."""
    partial = staging / f"{_MOVES}.partial"
    with open_new(partial) as file:
        file.write("\n".join(names).encode("utf-8"))
    _sync(partial)
    os.replace(partial, staging / _MOVES)
    _sync(staging)


def _read_moves(staging: Path) -> List[str]:
    """Return the names that `_write_moves` wrote; none if no file was moved or this program did not write them."""
    try:
        names = read_text(staging / _MOVES).split("\n")
    except (OSError, ValueError):
        return []
    is_ours = _is_folder(staging / _NEW) and _is_folder(staging / _OLD) and all(map(is_output_name, names))
    return names if is_ours else []


def _report_last(names: Iterable[str]) -> List[str]:
    return sorted(names, key=lambda name: (name == REPORT, name))


def _is_folder(path: Path) -> bool:
    """Return whether a path is a folder and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _sync(path: Path) -> None:
    """Write a file, or the names in a folder, to the disk; does nothing where the file system cannot."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)
