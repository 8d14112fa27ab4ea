# SPDX-License-Identifier: GPL-3.0-or-later
"""Run whole jobs as RELION starts them, in a fork of this process: the program is imported once, not for each job."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import signal
import sys
import time
from typing import List, NoReturn

import occupy_core
import relion_external
import relion_files
from benchmarks.faults.ending import ERRORS, Done, done
from relion_external import __main__ as program
from tests.fuzzing.trial import MAX_SECONDS

# Importing the program blocked them. A fork blocks them again.
signal.pthread_sigmask(signal.SIG_UNBLOCK, program._STOP_SIGNALS)


def load_program() -> None:
    """Import all modules of the program.

    Raises
    ------
    RuntimeError
        If this process has several threads: a fork has only one of them.
    """
    for package in (occupy_core, relion_files, relion_external):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # The forms are loaded by other programs, which are not installed here.
            if not module.name.endswith("__main__") and ".forms." not in module.name:
                importlib.import_module(module.name)
    gc.freeze()  # a fork copies the memory that it changes, and collecting garbage changes it
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("this process has several threads, expected one; set OPENBLAS_NUM_THREADS=1")


def run_forked(words: List[str]) -> Done:
    """Run a job in the current folder; end it if it takes longer than `MAX_SECONDS`."""
    start = time.monotonic()
    job = os.fork()
    if job == 0:
        _become_job(words)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(job, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
    _, status, usage = os.wait4(job, 0)  # the usage counts the processes that the job has waited for
    signal.setitimer(signal.ITIMER_REAL, 0)
    return done(status, time.monotonic() - start, usage.ru_maxrss)


def _become_job(words: List[str]) -> NoReturn:
    """Do what the command does after its imports, and exit."""
    status = 99  # which no job has
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, program._STOP_SIGNALS)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for number, name in enumerate((os.devnull, os.devnull, ERRORS)):
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY, 0o666)
            os.dup2(handle, number)
            os.close(handle)
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            setattr(sys, name, open(("stdin", "stdout", "stderr").index(name), mode, closefd=False))  # noqa: SIM115
        sys.argv = ["relion_external_occupy", *words]
        status = program.main()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)
