# SPDX-License-Identifier: GPL-3.0-or-later
"""Report the progress of a job in lines: the style of RELION's programs, but a new line instead of an updated one."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import Callable, Iterator

# Prints one line for the user.
Say = Callable[[str], None]
# Called with the fraction of the current work that is done, 0..1, and the name of the next step.
Step = Callable[[float, str], None]

_SECONDS = 3.0  # seconds without a printed line, after which a step prints a progress bar
_DOTS = 40  # length of the progress bar
_UNITS = (("hrs", 3600), ("min", 60), ("sec", 1))


def ignore_step(_fraction: float, _next: str) -> None:
    """Do nothing: the `Step` of a computation whose progress nobody watches."""


class Progress:
    """Print lines, and progress bars between them where the lines are more than three seconds apart.

    Parameters
    ----------
    say : callable
        Prints one line for the user.
    total : float
        Amount of work in all, in any unit.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, say: Say, total: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._total, self._clock = say, total, clock
        self._start = self._last_line = clock()
        self._done = 0.0

    def __call__(self, line: str) -> None:
        """Print a line."""
        self._say(line)
        self._last_line = self._clock()

    @contextmanager
    def part(self, work: float, name: str = "") -> Iterator[Step]:
        """Do a part of the work in the block; yield the function that the part reports its steps to.

        Parameters
        ----------
        work : float
            Amount of work in this part, in the unit of the total; done when the block ends, also by an error.
        name : str
            Name of the part, in front of the names of its steps.
        """

        def step(fraction: float, next_step: str) -> None:
            self._print_bar(self._done + fraction * work, ": ".join(text for text in (name, next_step) if text))

        try:
            yield step
        finally:
            self._done += work

    def _print_bar(self, done: float, next_step: str) -> None:
        now = self._clock()
        if now - self._last_line >= _SECONDS and 0 < done <= self._total:
            self(bar(now - self._start, done / self._total, next_step))


def bar(seconds: float, fraction: float, next_step: str) -> str:
    """Return a progress bar like RELION's: time so far, expected time in all, and a mouse on its way to the cheese.

    Parameters
    ----------
    seconds : float
        Time so far.
    fraction : float
        Fraction of the work that is done, above 0, up to 1.
    next_step : str
        Text behind the bar.
    """
    name, unit = next(item for item in _UNITS if seconds / fraction >= item[1] or item[1] == 1)
    so_far, in_all = seconds / unit, seconds / fraction / unit
    times = f"{so_far:4.0f}/{in_all:4.0f} sec" if unit == 1 else f"{so_far:4.2f}/{in_all:4.2f} {name}"
    dots = round(fraction * _DOTS)
    return f'{times} {"." * dots}~~(,_,">{" " * (_DOTS - dots)}[oo]  {next_step}'.rstrip()
