# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job says while it works, in the manner of RELION's programs, but for lines that stay."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import Callable, Iterator

Say = Callable[[str], None]
# Takes the fraction of a piece of work that is done, 0..1, and what comes next.
Step = Callable[[float, str], None]

_SECONDS = 3.0  # without a line, before the next one says how much is left
_DOTS = 40
_UNITS = (("hrs", 3600), ("min", 60), ("sec", 1))


def silent(_fraction: float, _next: str) -> None:
    """A step that nobody is told of."""


class Progress:
    """Passes lines on, and puts lines between them that say how much is left when it takes long.

    Parameters
    ----------
    say : callable
        Takes a line for the user.
    total : float
        The work to do, in any unit.
    clock : callable
        Seconds.
    """

    def __init__(self, say: Say, total: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._total, self._clock = say, total, clock
        self._start = self._last = clock()
        self._done = 0.0

    def __call__(self, line: str) -> None:
        """Say a line."""
        self._say(line)
        self._last = self._clock()

    @contextmanager
    def part(self, work: float, what: str = "") -> Iterator[Step]:
        """A piece of the work, by its size; gives what is to be called as it goes on, and counts it as done after."""

        def step(fraction: float, following: str) -> None:
            self._tell(self._done + fraction * work, ": ".join(text for text in (what, following) if text))

        try:
            yield step
        finally:  # what failed is no more to do
            self._done += work

    def _tell(self, done: float, following: str) -> None:
        now = self._clock()
        if now - self._last >= _SECONDS and 0 < done <= self._total:
            self(bar(now - self._start, done / self._total, following))


def bar(seconds: float, fraction: float, following: str) -> str:
    """How RELION shows it: time so far and in all, and a mouse on its way to the cheese."""
    name, unit = next(item for item in _UNITS if seconds / fraction >= item[1] or item[1] == 1)
    so_far, in_all = seconds / unit, seconds / fraction / unit
    times = f"{so_far:4.0f}/{in_all:4.0f} sec" if unit == 1 else f"{so_far:4.2f}/{in_all:4.2f} {name}"
    dots = round(fraction * _DOTS)
    return f'{times} {"." * dots}~~(,_,">{" " * (_DOTS - dots)}[oo]  {following}'.rstrip()
