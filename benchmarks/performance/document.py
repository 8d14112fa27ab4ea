# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of docs/performance.md, from the results of the benchmark."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import List

import numpy
import scipy

from benchmarks.performance.measure import Results
from benchmarks.performance.parts import Seconds
from benchmarks.performance.processes import THREADS
from benchmarks.real_data import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "performance.md"


def machine() -> str:
    """Return the processor, the number of processors, and the versions of Python, numpy and scipy."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return (
        f"{model}, {os.cpu_count()} processors ({THREADS} used); Python {platform.python_version()}, "
        f"numpy {numpy.__version__}, scipy {scipy.__version__}"
    )


def text(results: Results, version: str, rounds: int) -> str:
    """Return the document in Markdown; `version` is that of the published program."""
    lines = [
        _INTRODUCTION.format(version=version, rounds=rounds, machine=machine()),
        *_cases(results),
        *_parts(results),
        "## Bounds",
        "",
        "| bound | measured | |",
        "| --- | --- | --- |",
        *(f"| {bound.text} | {bound.measured} | {'PASS' if bound.holds else 'MISSED'} |" for bound in results.bounds),
    ]
    return "\n".join(lines) + "\n"


_INTRODUCTION = """# Time and memory

`make bench` (`python -m benchmarks.performance --write`) writes this page. It measures complete processes of the RELION
job and of the published program (occupy {version}), which run alternately with the same low-pass and tile size. The
figures are medians of {rounds} rounds. Memory is the peak of the resident memory; the memory ratio is the memory of
this package divided by that of the published program. The published program draws no figures. The job draws logfile.pdf
unless `--figures no` is given, so it is measured without figures and with figures.

Machine: {machine}.
"""


def _cases(results: Results) -> List[str]:
    lines = [
        "| case | this package | published program | times faster | memory ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.name} | {row.ours.seconds:.2f} s, {row.ours.memory:.0f} MB | {row.theirs.seconds:.2f} s, "
        f"{row.theirs.memory:.0f} MB | {row.times_faster:.1f} | {row.memory_ratio:.2f} |"
        for row in results.rows
    ]
    lines += [
        f"| {name} | {cost.seconds:.2f} s, {cost.memory:.0f} MB | | | |" for name, cost in results.ours_alone.items()
    ]
    return [*lines, ""]


def _parts(results: Results) -> List[str]:
    if not results.floor:
        return []
    lines = ["## Time of each stage (256^3)", ""]
    for name, stages in results.stages.items():
        lines += [f"- {name}: {_times(stages)}"]
    process = results.floor_process
    steps = {name: seconds for name, seconds in results.floor.items() if name != "floor"}
    lines += [
        f"- the floor, the steps that every program needs, with two outputs: {_times(steps)}; in total "
        f"{results.floor['floor']:.2f} s"
        + (f"; as a process with Python, numpy and scipy.fft {process.seconds:.2f} s" if process else ""),
        f"- compared with scipy, in one process: {_times(results.kernels)}",
        "",
    ]
    return lines


def _times(stages: Seconds) -> str:
    return ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in stages.items())
