# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole processes, timed: their time on the clock and the largest memory of any of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Callable, List, Mapping, Sequence

from benchmarks import published
from benchmarks.real_data import REPOSITORY
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.settings import Settings

THREADS = 2


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and the peak of the resident memory in MB."""

    seconds: float
    memory: float


Run = Callable[[Path], Cost]


def ours(*words: str) -> Run:
    """The RELION job with these words on its command line, in a folder that it is called with."""
    command = [sys.executable, "-m", "relion_external", "--j", str(THREADS), *words]
    return lambda folder: cost_of([*command, "--o", f"{folder}/"], REPOSITORY, os.environ)


def floor_command(path: Path, folder: Path) -> List[str]:
    """Reading, one transform and writing two outputs, and nothing else."""
    return [sys.executable, str(Path(__file__).with_name("floor.py")), str(path), "2", str(folder), str(THREADS)]


def the_floor(path: Path) -> Run:
    """The same as a process to be timed."""
    return lambda folder: cost_of(floor_command(path, folder), REPOSITORY, os.environ)


def our_job(maps: Sequence[MapInput], settings: Settings) -> Run:
    """A job of the core, as Scipion's protocols run it, which compares nothing."""

    def run(folder: Path) -> Cost:
        job = Job(tuple(maps), str(folder / "out"), settings, THREADS)
        path = folder / "job.json"
        path.write_text(json.dumps(job.to_dict()), encoding="utf-8")
        return cost_of([sys.executable, "-m", "occupy_core", str(path)], REPOSITORY, os.environ)

    return run


def theirs(maps: Sequence[Path], *words: str) -> Run:
    """The published program on each map, one after the other."""

    def run(folder: Path) -> Cost:
        costs = [cost_of(published.command(path, *words), folder, {**os.environ, "MPLBACKEND": "Agg"}) for path in maps]
        return Cost(sum(cost.seconds for cost in costs), max(cost.memory for cost in costs))

    return run


def cost_of(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command; its output is shown when it fails."""
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1
        if process.returncode:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            raise subprocess.CalledProcessError(process.returncode, list(command))
    # Kilobytes, but bytes on a Mac.
    return Cost(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6)


def alternately(runs: Sequence[Run], rounds: int, folder: Path) -> List[Cost]:
    """The medians of each, all of them run once a round, in turns the one and the other first."""
    costs: List[List[Cost]] = [[] for _ in runs]
    for number in range(rounds):
        order = range(len(runs)) if number % 2 == 0 else reversed(range(len(runs)))
        for place in order:
            with tempfile.TemporaryDirectory(dir=folder) as work:
                costs[place].append(runs[place](Path(work)))
    return [Cost(median(item.seconds for item in own), median(item.memory for item in own)) for own in costs]
