# SPDX-License-Identifier: GPL-3.0-or-later
"""Run whole jobs as commands of their own, as RELION does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import List

from benchmarks.faults.ending import ERRORS, Done, done
from benchmarks.real_data import REPOSITORY
from tests.fuzzing.trial import MAX_SECONDS


def run_command(words: List[str]) -> Done:
    """Run a job in the current folder; end it if it takes longer than `MAX_SECONDS`."""
    start = time.monotonic()
    with open(ERRORS, "wb") as errors:
        job = subprocess.Popen(
            [sys.executable, "-m", "relion_external", *words],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        signal.signal(signal.SIGALRM, lambda *_: job.kill())
        signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
        _, status, usage = os.wait4(job.pid, 0)  # the usage counts the processes that the job has waited for
        signal.setitimer(signal.ITIMER_REAL, 0)
    job.returncode = 0  # it has ended; Popen need not wait
    return done(status, time.monotonic() - start, usage.ru_maxrss)
