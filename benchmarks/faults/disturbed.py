# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill jobs, and run a job on many maps."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from functools import partial
from typing import Callable, Tuple

from benchmarks import soak
from benchmarks.kills import jobs, steps

_FEW_MAPS = 20
# How much the largest job may need more than the job on few maps: memory, MB, and open files.
_MORE_MEMORY, _MORE_FILES = 200.0, 8


@dataclass(frozen=True)
class Check:
    """What was tried on jobs as they run, and what did not hold.

    Attributes
    ----------
    title : str
        What was tried, for the table.
    count : int
        Number of cases; 0 if something did not hold.
    found : str
        How the cases ended, in words.
    failure : str
        What did not hold; empty if everything did.
    seconds : float
        Elapsed time of all cases.
    """

    title: str
    count: int
    found: str
    failure: str
    seconds: float


def kill_at_steps() -> Check:
    """Kill small jobs, or let the disk fail, before each operation on files while outputs are put in place."""

    def act() -> Tuple[int, str]:
        return steps.run(), "the folder then holds all files of one job, after the next job all of its own"

    return _check("kills and errors of the disk at each step of putting outputs in place", act)


def kill_jobs(count: int, seed: int) -> Check:
    """Kill jobs on ten classes, at random moments and while outputs are put in place, and run them again."""

    def act() -> Tuple[int, str]:
        endings = jobs.run(count, seed)
        words = ", ".join(f"{name} {number}" for name, number in sorted(endings.items()))
        return count, f"equal, to the byte, to a job that nobody disturbed after the next run; marker files: {words}"

    return _check("kills of a job on ten classes, half of them while outputs are put in place", act)


def many_maps(count: int) -> Check:
    """Compare many classes in one job of RELION, and compare its memory and open files with those of a job on few."""
    return _many_maps(
        count, "maps in one job, compared with each other", partial(soak.run, options=("--figures", "no"))
    )


def many_maps_in_scipion(count: int) -> Check:
    """Do the same in projects of Scipion; the figures are those of the largest process, which may be Scipion's."""
    return _many_maps(count, "maps in one Scipion project, compared with each other", soak.run_in_scipion)


def _many_maps(count: int, title: str, measure: Callable[..., soak.Soak]) -> Check:
    def act() -> Tuple[int, str]:
        few, many = (measure(number, box=32) for number in (_FEW_MAPS, count))
        for done in (few, many):
            assert done.status == 0, f"the job on {done.maps} maps failed: {done.output[-500:]}"
        for name, more in (("memory", _MORE_MEMORY), ("open_files", _MORE_FILES)):
            low, high = getattr(few, name), getattr(many, name)
            assert high <= low + more, f"{name} grew from {low:g} to {high:g}"
        texts = [f"{done.maps} maps: {done.memory:.0f} MB, {done.open_files} open files" for done in (few, many)]
        return count, "; ".join(texts)

    return _check(title, act)


def _check(title: str, act: Callable[[], Tuple[int, str]]) -> Check:
    start = time.monotonic()
    try:
        count, found = act()
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        failure = f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})"
        return Check(title, 0, "", failure, time.monotonic() - start)
    return Check(title, count, found, "", time.monotonic() - start)
