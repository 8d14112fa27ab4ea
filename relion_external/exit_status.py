# SPDX-License-Identifier: GPL-3.0-or-later
"""The job's folder, and the one line on standard error with which a job fails. Standard library only."""

from __future__ import annotations

import contextlib
import sys
from typing import List, Optional


def output_dir(arguments: List[str]) -> Optional[str]:
    """The value of --o, found before anything else is understood or checked; the last that is not empty counts."""
    found = None
    for position, word in enumerate(arguments):
        if word == "--o" and position + 1 < len(arguments) and not arguments[position + 1].startswith("--"):
            found = arguments[position + 1] or found
        elif word.startswith("--o="):
            found = word[len("--o=") :] or found
    return found


def complain(reason: str) -> int:
    """Say on standard error, in one line, why the job fails; the exit status of a failure."""
    line = " ".join(reason.split())
    with contextlib.suppress(OSError):  # a full disk must not hide how the job ends
        print(f"relion_external_occupy: ERROR: {line}", file=sys.stderr, flush=True)
    return 1
