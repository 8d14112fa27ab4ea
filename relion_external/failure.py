# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell why a job fails, in one line on standard error. Standard library only."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys

from relion_external.streams import print_line

_FILE_SIZE = "at the limit of file sizes; raise it, for example with: ulimit -f unlimited"


def report_failure(reason: str, *, program: str = "relion_external_occupy") -> int:
    """Print why a program fails, in one line on standard error, and return 1, the exit status of a failed job."""
    print_line(f"{program}: ERROR: {' '.join(reason.split())}", sys.stderr)
    return 1


def cause_of(error: BaseException) -> str:
    """Return the reason of an error in words, with the way out where a limit of the system is the reason."""
    if isinstance(error, OSError) and error.errno == errno.ENOENT and not _has_working_folder():
        return "the working folder was removed or renamed; change to the project's folder and run the job again"
    reason = error.strerror if isinstance(error, OSError) else None
    is_in_words = type(error).__module__ != "builtins"  # an error of this program
    return limit_of(error) or reason or (str(error) if is_in_words else f"{type(error).__name__}: {error}")


def cause_of_signal(number: int) -> str:
    """Return what a signal that ended the computation often means, as the end of a message; empty if it is not known.

    No input is memory-mapped, but outputs that are being made are.
    """
    is_limited = resource.getrlimit(resource.RLIMIT_CPU)[0] != resource.RLIM_INFINITY
    if is_limited and number in (signal.SIGXCPU, signal.SIGKILL):
        seldom = " or for lack of memory" if number == signal.SIGKILL else ""
        return f", at the limit of processor time{seldom}; raise it, for example with: ulimit -t unlimited"
    if number == signal.SIGKILL:
        return ", often for lack of memory"
    if number == signal.SIGXFSZ:
        return f", {_FILE_SIZE}"
    if number == signal.SIGBUS:
        return ": an unfinished output was cut short by another program, or a disk fails; run again"
    return ""


def limit_of(error: BaseException) -> str:
    """Return how to raise the limit of the system that is the reason of an error; empty for all other errors."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EMFILE, errno.ENFILE):
        return "too many open files; raise the limit, for example with: ulimit -n 1024"
    if number == errno.EFBIG:
        return f"{_FILE_SIZE}; or the file system takes no file of this size: choose a folder on another"
    if number == errno.EAGAIN or "start new thread" in str(error):
        return (
            memory_text()
            or "no further process or thread may be started; raise the limit, for example with: ulimit -u 4096"
        )
    return ""


def memory_text() -> str:
    """Return that a limit leaves too little memory for the libraries, which explains odd errors; else empty."""
    try:
        from occupy_core.job.memory_limit import too_little_text
    except ImportError:  # a broken installation, or no memory even for this
        return ""
    return too_little_text()


def _has_working_folder() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True
