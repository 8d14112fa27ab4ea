# SPDX-License-Identifier: GPL-3.0-or-later
"""Try thousands of damaged files and command lines in one process for each kind."""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Dict, List

from benchmarks.faults.tally import Tally
from benchmarks.kills.steps import in_memory
from tests.fuzzing import class_maps, command_lines, headers, star_files

# Kinds of cases, with their share of all cases.
_KINDS = {"damaged maps": 0.4, "damaged STAR files": 0.4, "command lines": 0.17, "odd class maps": 0.03}
_TRIALS = {
    "damaged maps": headers.trials,
    "damaged STAR files": star_files.trials,
    "command lines": command_lines.trials,
    "odd class maps": class_maps.trials,
}


def run(count: int, seed: int) -> List[Tally]:
    """Try `count` cases of all kinds; return a tally of each kind."""
    numbers: Dict[str, int] = {kind: round(share * count) for kind, share in _KINDS.items()}
    return [_run_kind(kind, number, seed) for kind, number in numbers.items()]


def _run_kind(kind: str, count: int, seed: int) -> Tally:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        try:
            return pool.submit(_tally, kind, count, seed).result()
        except BrokenProcessPool:
            return Tally(kind, failures=["the process died"])


def _tally(kind: str, count: int, seed: int) -> Tally:
    tally = Tally(kind)
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        for trial in _TRIALS[kind](Path(folder), seed, count):
            tally.add(trial, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return tally
