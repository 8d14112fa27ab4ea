# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell why a job fails, in one line on standard error. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import sys
from typing import TextIO

_WAIT_SECONDS = 2.0


def report_failure(reason: str) -> int:
    """Print why the job fails, in one line on standard error, and return 1, the exit status of a failed job."""
    print_line(f"relion_external_occupy: ERROR: {' '.join(reason.split())}", sys.stderr)
    return 1


def print_line(line: str, stream: TextIO) -> None:
    """Print a line, or give it up where nobody takes it: a full disk, a closed pipe, a pipe that nobody reads.

    The job must still end with the right marker file and exit status.
    """
    try:
        if _takes_a_line(stream):
            print(line, file=stream, flush=True)
    except OSError:
        with contextlib.suppress(OSError, ValueError):  # Python tries again when it exits, and changes the status
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def cause_of(error: BaseException) -> str:
    """Return the reason of an error in words, with the way out where a limit of the system is the reason."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EMFILE, errno.ENFILE):
        return "too many open files; raise the limit, for example with: ulimit -n 1024"
    if number == errno.EAGAIN or "start new thread" in str(error):
        return "no further process or thread may be started; raise the limit, for example with: ulimit -u 4096"
    if number == errno.ENOENT and not _has_working_folder():
        return "the working folder was removed or renamed; change to the project's folder and run the job again"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"{type(error).__name__}: {error}"


def _takes_a_line(stream: TextIO) -> bool:
    """Wait until a line can be written, and return whether it can: not to a pipe that nobody reads."""
    try:
        poll = select.poll()
        poll.register(stream, select.POLLOUT)
        return bool(poll.poll(_WAIT_SECONDS * 1000))
    except (OSError, ValueError, AttributeError):  # a stream without a file, as in tests, or a system without poll
        return True


def _has_working_folder() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True
