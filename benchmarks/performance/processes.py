# SPDX-License-Identifier: GPL-3.0-or-later
"""Run complete processes, and measure their time and their peak memory."""

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
    """Time and memory of a process.

    Attributes
    ----------
    seconds : float
        Elapsed time.
    memory : float
        Peak of the resident memory, MB.
    """

    seconds: float
    memory: float


# A program to measure: it is called with an empty folder for its files.
Run = Callable[[Path], Cost]


def relion_job(*options: str) -> Run:
    """Return a run of our RELION job with these command-line options."""
    command = [sys.executable, "-m", "relion_external", "--j", str(THREADS), *options]
    return lambda folder: run_and_measure([*command, "--o", f"{folder}/"], REPOSITORY, os.environ)


def core_job(maps: Sequence[MapInput], settings: Settings) -> Run:
    """Return a run of a job of the core, which Scipion's protocols start too; it does not compare classes."""

    def run(folder: Path) -> Cost:
        job = Job(tuple(maps), str(folder / "out"), settings, THREADS)
        path = folder / "job.json"
        path.write_text(json.dumps(job.to_dict()), encoding="utf-8")
        return run_and_measure([sys.executable, "-m", "occupy_core", str(path)], REPOSITORY, os.environ)

    return run


def published_program(maps: Sequence[Path], *options: str) -> Run:
    """Return a run of the published program on each map, one after the other: total time and largest memory."""

    def run(folder: Path) -> Cost:
        environment = {**os.environ, "MPLBACKEND": "Agg"}
        costs = [run_and_measure(published.command(path, *options), folder, environment) for path in maps]
        return Cost(sum(cost.seconds for cost in costs), max(cost.memory for cost in costs))

    return run


def floor_command(path: Path, folder: Path) -> List[str]:
    """Return the command line of floor.py with two outputs."""
    return [sys.executable, str(Path(__file__).with_name("floor.py")), str(path), "2", str(folder), str(THREADS)]


def floor_process(path: Path) -> Run:
    """Return a run of floor.py with two outputs."""
    return lambda folder: run_and_measure(floor_command(path, folder), REPOSITORY, os.environ)


def run_and_measure(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command in a folder and measure its cost.

    Raises
    ------
    subprocess.CalledProcessError
        If the command fails; its output is written to stderr.
    """
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1
        if process.returncode:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace"))
            raise subprocess.CalledProcessError(process.returncode, list(command))
    # ru_maxrss counts kilobytes on Linux and bytes on macOS.
    return Cost(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6)


def median_costs(runs: Sequence[Run], rounds: int, folder: Path) -> List[Cost]:
    """Return the median cost of each run.

    Every round runs all of them once, each in a new folder below `folder`. The order is reversed in every second
    round, so that no run is always the first.
    """
    costs: List[List[Cost]] = [[] for _ in runs]
    for number in range(rounds):
        order = range(len(runs)) if number % 2 == 0 else reversed(range(len(runs)))
        for index in order:
            with tempfile.TemporaryDirectory(dir=folder) as work:
                costs[index].append(runs[index](Path(work)))
    return [Cost(median(item.seconds for item in own), median(item.memory for item in own)) for own in costs]
