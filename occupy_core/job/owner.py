# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that tell which process a thing in an output folder belongs to. Standard library only.

Without locks they alone show that a job is running.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Iterator

from occupy_core.files import read_text, write_text

_SECONDS_BETWEEN_SIGNS = 60.0
_SECONDS_WITHOUT_SIGN = 300.0  # after these, a job of another machine has ended; clocks of machines may differ


def write_owner(path: Path) -> None:
    """Write down the present process and its machine, in a new file that appears whole."""
    partial = path.with_name(f"{path.name}.partial")
    write_text(partial, f"{socket.gethostname()} {os.getpid()} {_start_of(os.getpid())}")
    os.replace(partial, path)


def owner_is_running(path: Path) -> bool:
    """Return whether the process that a file of `write_owner` names is running; False if there is no such file.

    A process of another machine is known by its signs (`signs_of_life`) only.
    """
    try:
        host, process, start = read_text(path).split(" ")
        if host == socket.gethostname():
            return _start_of(int(process)) == start != ""
        return abs(time.time() - os.stat(path).st_mtime) < _SECONDS_WITHOUT_SIGN
    except (OSError, ValueError):
        return False


@contextmanager
def signs_of_life(path: Path) -> Iterator[None]:
    """Renew the time of an owner's file while the block runs, for other machines."""
    ended = Event()

    def work() -> None:
        while not ended.wait(_SECONDS_BETWEEN_SIGNS):
            try:
                os.utime(path)
            except OSError:
                return

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _start_of(process: int) -> str:
    """Return when a process started, in units of the system; empty if it has ended, "0" where no system tells."""
    try:
        # The name of the program, in brackets, may hold anything; its state and 19 numbers later the start follow.
        fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
        return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
    except FileNotFoundError:
        pass
    except (OSError, IndexError):
        return ""
    if os.path.exists("/proc/self/stat"):
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "0"
