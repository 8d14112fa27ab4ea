# SPDX-License-Identifier: GPL-3.0-or-later
"""Count how cases ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List

from tests.fuzzing.trial import FAILED, MAX_SECONDS, RESULT, Trial

MAX_MEGABYTES = 1000.0


@dataclass
class Tally:
    """How the cases of one kind ended.

    Attributes
    ----------
    title : str
        What was tried, for the table.
    count, results, lines : int
        Numbers of cases: all of them, those that ended in a result, those that ended in one line.
    seconds : float
        Of the slowest case.
    megabytes : float
        Largest peak of the memory (resident set) of the processes that ran the cases.
    failures : list of str
        What did not hold.
    """

    title: str
    count: int = 0
    results: int = 0
    lines: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0
    failures: List[str] = field(default_factory=list)

    def add(self, trial: Trial, megabytes: float) -> None:
        """Count a case, and what did not hold: its end, its time or its memory."""
        self.count += 1
        if trial.ended == FAILED:
            self.failures.append(f"{trial.name}: {trial.text}")
        elif trial.ended == RESULT:
            self.results += 1
        else:
            self.lines += 1
        if trial.seconds > MAX_SECONDS:
            self.failures.append(f"{trial.name}: took {trial.seconds:.1f} s")
        if megabytes > max(MAX_MEGABYTES, self.megabytes):
            self.failures.append(f"{trial.name}: the memory reached {megabytes:.0f} MB")
        self.seconds = max(self.seconds, trial.seconds)
        self.megabytes = max(self.megabytes, megabytes)

    def include(self, other: Tally) -> None:
        """Add the cases of another tally."""
        self.count += other.count
        self.results += other.results
        self.lines += other.lines
        self.seconds = max(self.seconds, other.seconds)
        self.megabytes = max(self.megabytes, other.megabytes)
        self.failures += other.failures
