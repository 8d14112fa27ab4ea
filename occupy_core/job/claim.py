# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a second job out of an output folder on a file system without locks. Standard library only.

Each job first writes its claim, a file with its process, and then looks for other jobs. So of two jobs that start at
the same time at least one sees the other, and withdraws.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Iterable, Optional

from occupy_core.job.owner import owner_is_running, write_owner
from occupy_core.job.placing import settle_all, staging_is_running

# The name of a claim is this and eight digits; while a claim is being written, its name is longer.
_CLAIM, _DIGITS = ".occupy_running_", "?" * 8
# Two jobs that see each other withdraw both, and try again after a random time.
_TRIES = 5
_LONGEST_PAUSE = 500  # milliseconds; to write a claim and to look around takes a few


def claim(folder: Path) -> Optional[Path]:
    """Claim an output folder and settle what ended jobs left; return the claim, or None if another job is running.

    Raises
    ------
    OSError
        If the claim cannot be written, or files cannot be put back.
    """
    for _ in range(_TRIES):
        own = folder / f"{_CLAIM}{secrets.token_hex(4)}"
        write_owner(own)
        others = [path for path in folder.glob(f"{_CLAIM}{_DIGITS}") if path != own]
        is_staged = staging_is_running(folder)
        if not is_staged and not any(map(owner_is_running, others)):
            withdraw(others)
            settle_all(folder)
            return own
        withdraw([own])
        if is_staged:
            break
        time.sleep(secrets.randbelow(_LONGEST_PAUSE) / 1000)
    return None


def withdraw(claims: Iterable[Path]) -> None:
    """Remove claims."""
    for path in claims:
        with suppress(OSError):
            path.unlink()


def withdraw_all(folder: Path) -> None:
    """Remove all claims to an output folder, which is locked: where there are locks, nobody needs a claim."""
    withdraw(folder.glob(f"{_CLAIM}*"))
