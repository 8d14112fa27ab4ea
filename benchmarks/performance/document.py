# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/performance.md."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import List

import numpy
import scipy

from benchmarks.performance.measure import Found
from benchmarks.performance.processes import THREADS
from benchmarks.real_data import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "performance.md"


def machine() -> str:
    """The processor, how many of them, and the versions that count."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return (
        f"{model}, {os.cpu_count()} processors, of which {THREADS} were used; Python {platform.python_version()}, "
        f"numpy {numpy.__version__}, scipy {scipy.__version__}"
    )


def text(found: Found, version: str, rounds: int) -> str:
    """The page."""
    lines = [
        "# Time and memory",
        "",
        "Made by `make bench` (`python -m benchmarks.performance --write`): whole processes of the RELION job and of "
        f"the published program (occupy {version}) in turns, medians of {rounds} rounds, with the same low-pass and "
        "tile size. Memory is the peak of the resident memory. The published program draws nothing; the job draws "
        "logfile.pdf unless `--figures no` is given, so it is measured with and without.",
        "",
        f"Machine: {machine()}.",
        "",
        *_cases(found),
        *_parts(found),
        "## What must hold",
        "",
        "| bound | found | |",
        "| --- | --- | --- |",
        *(f"| {bound.what} | {bound.found} | {'PASS' if bound.holds else 'MISSED'} |" for bound in found.bounds),
    ]
    return "\n".join(lines) + "\n"


def _cases(found: Found) -> List[str]:
    lines = [
        "| case | this package | published program | times faster | share of its memory |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.name} | {row.ours.seconds:.2f} s, {row.ours.memory:.0f} MB | {row.theirs.seconds:.2f} s, "
        f"{row.theirs.memory:.0f} MB | {row.faster:.1f} | {row.memory:.2f} |"
        for row in found.rows
    ]
    lines += [f"| {name} | {cost.seconds:.2f} s, {cost.memory:.0f} MB | | | |" for name, cost in found.alone.items()]
    return [*lines, ""]


def _parts(found: Found) -> List[str]:
    if not found.floor:
        return []
    lines = ["## Where the time goes (256^3)", ""]
    for name, stages in found.stages.items():
        spent = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in stages.items())
        lines += [f"- {name}: {spent}"]
    process = found.floor_process
    floor = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found.floor.items() if name != "floor")
    lines += [
        f"- the floor, what no program can do without: {floor}; {found.floor['floor']:.2f} s in all (two outputs)"
        + (f"; as a process of Python, numpy and scipy.fft {process.seconds:.2f} s" if process else ""),
        "- beside scipy in the same process: "
        + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found.kernels.items()),
        "",
    ]
    return lines
