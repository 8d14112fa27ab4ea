# SPDX-License-Identifier: GPL-3.0-or-later
"""Report why a job fails, in one line on standard error. Standard library only."""

from __future__ import annotations

import contextlib
import sys


def report_failure(reason: str) -> int:
    """Print why the job fails, in one line on standard error, and return 1, the exit status of a failed job."""
    line = " ".join(reason.split())
    with contextlib.suppress(OSError):  # on a full disk the job must still end with the right marker and status
        print(f"relion_external_occupy: ERROR: {line}", file=sys.stderr, flush=True)
    return 1
