# SPDX-License-Identifier: GPL-3.0-or-later
"""Marker files: empty files in the output folder. A job writes one to tell RELION how the job ended, and RELION writes
one to ask the job to abort. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import re

SUCCESS = "RELION_JOB_EXIT_SUCCESS"
FAILURE = "RELION_JOB_EXIT_FAILURE"
ABORTED = "RELION_JOB_EXIT_ABORTED"
ABORT_NOW = "RELION_JOB_ABORT_NOW"
_MOST_OF_RECORD = 100_000  # characters: the type stands at the head


# Files in which RELION records the type of a folder's job, with what they say of an External job.
_JOB_RECORDS = (
    ("job.star", re.compile(r"^_rlnJobType(?:Label)?\s+(\S+)", re.MULTILINE)),
    ("run.job", re.compile(r"^job_type == (\S+)")),
)
# RELION's External job, as a number and as a label, and the job of this package in CCP-EM Pipeliner.
_OWN = ("99", "relion.external", "occupy.")


def other_job(job_dir: str) -> str:
    """Return the type of the job that a folder was made for, if it is not the type of this job; empty if it is.

    Empty too where RELION or CCP-EM Pipeliner has not recorded the type.

    The marker files in the folder of another job are those of that job.
    """
    for name, pattern in _JOB_RECORDS:
        try:
            with open(os.open(os.path.join(job_dir, name), os.O_RDONLY | os.O_NONBLOCK), errors="replace") as file:
                found = pattern.search(file.read(_MOST_OF_RECORD))
        except (OSError, ValueError):
            continue
        if found and not found[1].startswith(_OWN):
            return found[1]
    return ""


def remove_markers(job_dir: str) -> None:
    """Remove the marker files of the last run in this output folder. A request to abort stays."""
    for name in (SUCCESS, FAILURE, ABORTED):
        _remove(os.path.join(job_dir, name))


def write_marker(job_dir: str, name: str) -> None:
    """Write the only marker file, which tells RELION how the job ended; RELION reads the outputs at once."""
    remove_markers(job_dir)
    os.close(os.open(os.path.join(job_dir, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))


def abort_requested(job_dir: str) -> bool:
    """Return whether the user has asked RELION to abort the job."""
    return os.path.lexists(os.path.join(job_dir, ABORT_NOW))


def remove_abort_request(job_dir: str) -> None:
    """Remove RELION's request to abort the job, after the job has ended."""
    _remove(os.path.join(job_dir, ABORT_NOW))


def _remove(path: str) -> None:
    """Remove a file, a link or an empty folder; a folder with files in it becomes marker_folder_1 (or 2, 3, ...).

    RELION takes whatever has the name of a marker file for one.
    """
    with contextlib.suppress(FileNotFoundError):
        if not os.path.isdir(path) or os.path.islink(path):
            os.unlink(path)
        elif os.listdir(path):
            os.rename(path, _free_name(os.path.dirname(path)))
        else:
            os.rmdir(path)


def _free_name(job_dir: str) -> str:
    """Return a name that nothing in the output folder has."""
    number = 1
    while os.path.lexists(os.path.join(job_dir, f"marker_folder_{number}")):
        number += 1
    return os.path.join(job_dir, f"marker_folder_{number}")
