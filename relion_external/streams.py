# SPDX-License-Identifier: GPL-3.0-or-later
"""Standard streams that may be closed, full, or pipes that nobody reads. Standard library only."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from typing import TextIO

_WAIT_SECONDS = 2.0


def prepare_standard_streams() -> None:
    """Open closed standard streams on /dev/null, write line by line, and escape characters that cannot be written."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # opens as the lowest free number, which is this one
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # RELION shows the end of run.out while it grows; Python would hold back lines that go to a file.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")


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


def _takes_a_line(stream: TextIO) -> bool:
    """Wait until a line can be written, and return whether it can: not to a pipe that nobody reads."""
    try:
        poll = select.poll()
        poll.register(stream, select.POLLOUT)
        return bool(poll.poll(_WAIT_SECONDS * 1000))
    except (OSError, ValueError, AttributeError):  # a stream without a file, as in tests, or a system without poll
        return True
