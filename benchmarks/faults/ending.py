# SPDX-License-Identifier: GPL-3.0-or-later
"""How a whole job ended, and whether that is as promised."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, NamedTuple, Tuple

from tests.fuzzing.case import JOB_DIR
from tests.fuzzing.job_outputs import check_outputs
from tests.fuzzing.trial import FAILED, LINE, RESULT, is_one_line

_MARKER = "RELION_JOB_EXIT_"
_PROGRAM = "relion_external_occupy: ERROR: "
ERRORS = "stderr"  # name of the file, in the current folder, to which a job's standard error goes


class Done(NamedTuple):
    """A job that has ended.

    Attributes
    ----------
    status : int
        Exit status; the negative number of the signal that killed it.
    text : str
        What it wrote to standard error.
    seconds : float
        Elapsed time.
    megabytes : float
        Largest peak of the memory (resident set) of its processes.
    """

    status: int
    text: str
    seconds: float
    megabytes: float


def done(status: int, seconds: float, kilobytes: int) -> Done:
    """Return how a job ended that has this status of `os.wait4` and this peak of memory."""
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    text = Path(ERRORS).read_text(encoding="utf-8", errors="replace")
    return Done(code, text, seconds, kilobytes / 1024)


def judge(job: Done) -> Tuple[str, str]:
    """Return `RESULT`, `LINE` or `FAILED`, and the job's line or what did not hold.

    A result has good outputs, a line has none; each has one marker file, which fits the exit status.
    """
    folder = Path(JOB_DIR)
    markers = sorted(path.name[len(_MARKER) :] for path in folder.glob("RELION_JOB_*"))
    left = [path.name for path in folder.glob("*") if not path.name.startswith(_MARKER)]
    if markers == ["SUCCESS"] and job.status == 0 and not job.text:
        try:
            check_outputs(folder)
        except Exception as error:
            return FAILED, f"{type(error).__name__}: {error}"
        return RESULT, ""
    line = job.text.rstrip("\n")
    if markers == ["FAILURE"] and job.status == 1 and line.startswith(_PROGRAM) and is_one_line(line) and not left:
        return LINE, line
    return FAILED, f"exit status {job.status}, marker files {markers}, files {left}, standard error {line[:500]!r}"


def files_outside() -> Dict[str, Tuple[int, int]]:
    """Return size and time of each file in the current folder outside of the output folder: no job changes them."""
    found = {}
    for folder, _, names in os.walk("."):
        if os.path.normpath(folder).split(os.sep)[0] == JOB_DIR.rstrip("/"):
            continue
        for path in (os.path.join(folder, name) for name in names if name != ERRORS):
            status = os.lstat(path)
            found[path] = (status.st_size, status.st_mtime_ns)
    return found
