# SPDX-License-Identifier: GPL-3.0-or-later
"""Run thousands of jobs on damaged files and with odd options, each with its supervisor and its marker file.

All jobs are forks of processes that have imported the program. Some of them run again as commands of their own, which
must end in the same way.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Callable, List, Tuple
from unittest import mock

from benchmarks.faults.commands import run_command
from benchmarks.faults.ending import Done, files_outside, judge
from benchmarks.faults.tally import Tally
from benchmarks.kills.steps import in_memory
from tests.fuzzing import class_maps, command_lines, headers, star_files
from tests.fuzzing.case import JOB_DIR, Case
from tests.fuzzing.trial import FAILED, Trial

COMMANDS = "of all these, run again as commands of their own"
# Kinds of cases, with their share of all cases.
_KINDS = {"damaged maps": 0.4, "damaged STAR files": 0.4, "command lines": 0.17, "odd class maps": 0.03}
_PART = 50  # cases that a process does at once
_CASES = {
    "damaged maps": headers.cases,
    "damaged STAR files": star_files.cases,
    "command lines": command_lines.cases,
    "odd class maps": class_maps.cases,
}


def run(count: int, commands: int, seed: int) -> List[Tally]:
    """Run `count` jobs of all kinds, `commands` of them twice; return a tally of each kind, and one of the commands."""
    tallies = {kind: Tally(kind) for kind in (*_KINDS, COMMANDS)}
    workers = len(os.sched_getaffinity(0))
    one_thread = mock.patch.dict(os.environ, OPENBLAS_NUM_THREADS="1")  # a fork has one of its parent's threads only
    with one_thread, ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        every = max(1, count // commands) if commands else 0
        parts = {pool.submit(_run_part, kind, numbers, every, seed): kind for kind, numbers in _parts(count)}
        for part in as_completed(parts):
            try:
                forked, again = part.result()
            except BrokenProcessPool:
                tallies[parts[part]].failures.append("a process that starts jobs died")
                continue
            tallies[parts[part]].include(forked)
            tallies[COMMANDS].include(again)
            print(f"{parts[part]}: {tallies[parts[part]].count} cases", flush=True)
    return list(tallies.values())


def _parts(count: int) -> List[Tuple[str, range]]:
    """Return the numbers of the cases of each kind in small parts, all kinds side by side."""
    parts = []
    for kind, share in _KINDS.items():
        last = round(share * count)
        starts = range(0, last, _PART)
        parts += [(start / last, kind, range(start, min(start + _PART, last))) for start in starts]
    return [(kind, numbers) for _, kind, numbers in sorted(parts, key=lambda part: part[0])]


def _run_part(kind: str, numbers: range, every: int, seed: int) -> Tuple[Tally, Tally]:
    """Run the cases with these numbers; return the tally of the forks and that of the commands."""
    from benchmarks.faults.forked import load_program, run_forked  # blocks signals for a moment: not in the caller

    load_program()
    forked, again = Tally(kind), Tally(COMMANDS)
    before = os.getcwd()
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        os.chdir(folder)
        try:
            for number, case in zip(numbers, _CASES[kind](seed, numbers)):
                trial = run_case(case, run_forked, forked)
                if every and number % every == 0:
                    other = run_case(case, run_command, again)
                    if (trial.ended, trial.text) != (other.ended, other.text):
                        again.failures.append(
                            f"{trial.name}: a fork ended in {trial.text!r}, a command in {other.text!r}"
                        )
        finally:
            os.chdir(before)
    return forked, again


def run_case(case: Case, run_job: Callable[[List[str]], Done], tally: Tally) -> Trial:
    """Run the job of a case in a new output folder; return how it ended, and count it."""
    shutil.rmtree(JOB_DIR, ignore_errors=True)
    before = files_outside()
    done = run_job(case.words)
    ended, text = judge(done)
    if files_outside() != before:
        ended, text = FAILED, "files outside of the output folder have changed"
    if ended == FAILED:
        print(f"{case.name}: {case.words}: {text}", flush=True)
    trial = Trial(f"{case.name}: {case.words}", ended, text, done.seconds)
    tally.add(trial, done.megabytes)
    return trial
