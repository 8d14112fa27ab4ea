# SPDX-License-Identifier: GPL-3.0-or-later
"""Try damaged files and command lines with the command that RELION starts: each job needs one marker file."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator, List, NamedTuple, Tuple

import numpy as np

from benchmarks.faults.tally import Tally
from benchmarks.kills.steps import in_memory
from benchmarks.real_data import REPOSITORY
from relion_external.output_folder import find_output_folder
from tests.fuzzing import command_lines, headers, star_files
from tests.fuzzing.job_outputs import check_outputs
from tests.fuzzing.star_text import damaged
from tests.fuzzing.trial import FAILED, LINE, MAX_SECONDS, RESULT, Trial, is_one_line
from tests.star_text import write_iteration

_MARKER = "RELION_JOB_EXIT_"
_PROGRAM = "relion_external_occupy: ERROR: "
Case = Tuple[str, List[str]]


class _Done(NamedTuple):
    """A command that has ended: its exit status, text on standard error, time, and memory of all its processes."""

    status: int
    text: str
    seconds: float
    megabytes: float


def run(count: int, seed: int) -> Tally:
    """Run `count` jobs on damaged maps, damaged STAR files and odd command lines, in turn; return the tally."""
    tally = Tally("whole jobs, as RELION starts them")
    before = os.getcwd()
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        os.chdir(folder)
        try:
            for name, words in itertools.islice(_cases(seed), count):
                shutil.rmtree("job", ignore_errors=True)
                done = _run_command(words)
                ended, text = _judge(done)
                tally.add(Trial(f"{name}: {words}", ended, text, done.seconds), done.megabytes)
        finally:
            os.chdir(before)
    return tally


def _cases(seed: int) -> Iterator[Case]:
    """Write the files of one case after another into the current folder; yield its name and command line."""
    for case in zip(_maps(seed), _star_files(seed), _command_lines(seed)):
        yield from case


def _maps(seed: int) -> Iterator[Case]:
    for name, content in headers.damaged_maps(seed, sys.maxsize):
        Path(name).write_bytes(content)
        yield name, ["--o", "job/", "--figures", "no", "--in_3dref", name]
        Path(name).unlink()


def _star_files(seed: int) -> Iterator[Case]:
    texts = star_files.write_texts()
    for number in itertools.count():
        rng = random.Random(seed * 1_000_003 + number)
        path = rng.choice(list(texts))
        Path(path).write_bytes(damaged(texts[path], rng))
        choice = star_files.chosen(path, rng)
        yield f"STAR file {seed}-{number}", ["--o", "job/", "--figures", "no", "--in_parts", choice]
        Path(path).write_text(texts[path])


def _command_lines(seed: int) -> Iterator[Case]:
    write_iteration("run_it001", np.random.default_rng(1))
    for name, rng, words in command_lines.command_lines(seed, sys.maxsize):
        if find_output_folder(words) == "job/":  # without an output folder there is no place for a marker file
            command_lines.write_files(rng)
            yield name, words


def _run_command(words: List[str]) -> _Done:
    """Run a job; end it if it takes longer than `MAX_SECONDS`."""
    start = time.monotonic()
    with open("stderr", "wb") as errors:
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
    job.returncode = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    text = Path("stderr").read_text(encoding="utf-8", errors="replace")
    return _Done(job.returncode, text, time.monotonic() - start, usage.ru_maxrss / 1024)


def _judge(done: _Done) -> Tuple[str, str]:
    """Return how a job ended, and its line or what did not hold."""
    markers = sorted(path.name[len(_MARKER) :] for path in Path("job").glob("RELION_JOB_*"))
    left = [path.name for path in Path("job").glob("*") if not path.name.startswith(_MARKER)]
    if markers == ["SUCCESS"] and done.status == 0 and not done.text:
        try:
            check_outputs(Path("job"))
        except Exception as error:
            return FAILED, f"{type(error).__name__}: {error}"
        return RESULT, ""
    line = done.text.rstrip("\n")
    if markers == ["FAILURE"] and done.status == 1 and line.startswith(_PROGRAM) and is_one_line(line) and not left:
        return LINE, line
    return FAILED, f"exit status {done.status}, marker files {markers}, files {left}, standard error {line[:500]!r}"
