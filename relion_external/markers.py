# SPDX-License-Identifier: GPL-3.0-or-later
"""The empty files by which RELION is told, and tells, how a job ends."""

from __future__ import annotations

import contextlib
import os

SUCCESS = "RELION_JOB_EXIT_SUCCESS"
FAILURE = "RELION_JOB_EXIT_FAILURE"
ABORTED = "RELION_JOB_EXIT_ABORTED"
ABORT_NOW = "RELION_JOB_ABORT_NOW"


def clear(job_dir: str) -> None:
    """Forget how the last run in this folder ended. A request to abort stays."""
    for name in (SUCCESS, FAILURE, ABORTED):
        _remove(os.path.join(job_dir, name))


def put(job_dir: str, name: str) -> None:
    """Tell RELION how the job ended; nothing may be written after this."""
    os.close(os.open(os.path.join(job_dir, name), os.O_WRONLY | os.O_CREAT, 0o666))


def abort_requested(job_dir: str) -> bool:
    """Whether the user has asked RELION to abort the job."""
    return os.path.exists(os.path.join(job_dir, ABORT_NOW))


def withdraw_abort(job_dir: str) -> None:
    """Remove the request once it is met."""
    _remove(os.path.join(job_dir, ABORT_NOW))


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
