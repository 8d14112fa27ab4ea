# SPDX-License-Identifier: GPL-3.0-or-later
"""The section of docs/reliability.md on what was tried."""

from __future__ import annotations

import platform
from typing import Sequence

import numpy

from benchmarks.faults.disturbed import Check
from benchmarks.faults.tally import MAX_MEGABYTES, Tally
from benchmarks.occupancy.tables import markdown
from benchmarks.page_sections import write_section
from benchmarks.real_data import REPOSITORY
from tests.fuzzing.trial import MAX_SECONDS

PAGE = REPOSITORY / "docs" / "reliability.md"
SECTION = "faults"


def write(tallies: Sequence[Tally], checks: Sequence[Check], seed: int) -> None:
    """Write the section."""
    write_section(PAGE, SECTION, text(tallies, checks, seed))


def text(tallies: Sequence[Tally], checks: Sequence[Check], seed: int) -> str:
    """Return the section in Markdown.

    Parameters
    ----------
    tallies : sequence of Tally
        Damaged files and command lines.
    checks : sequence of Check
        Jobs that were killed, and jobs on many maps.
    seed : int
        Seed of all cases.
    """
    failures = sum(len(tally.failures) for tally in tallies) + sum(bool(check.failure) for check in checks)
    return _TEXT.format(
        verdict="Everything held." if not failures else f"**{failures} did not hold.**",
        seed=seed,
        seconds=f"{MAX_SECONDS:g}",
        megabytes=f"{MAX_MEGABYTES:g}",
        python=platform.python_version(),
        numpy=numpy.__version__,
        cases=table_of_cases(tallies),
        checks=table_of_checks(checks),
    )


def table_of_cases(tallies: Sequence[Tally]) -> str:
    """Return the table of damaged files and command lines."""
    head = ["tried", "cases", "ended in a result", "in one line", "did not hold", "slowest (s)", "peak memory (MB)"]
    rows = [
        [
            *(tally.title, str(tally.count), str(tally.results), str(tally.lines), str(len(tally.failures))),
            *(f"{tally.seconds:.2g}", f"{tally.megabytes:.0f}"),
        ]
        for tally in tallies
    ]
    return markdown(head, rows)


def table_of_checks(checks: Sequence[Check]) -> str:
    """Return the table of jobs that were killed, and of jobs on many maps."""
    rows = [
        [check.title, str(check.count or "-"), check.found or "**did not hold**", f"{check.seconds:.0f}"]
        for check in checks
    ]
    return markdown(["tried", "cases", "found", "time (s)"], rows)


_TEXT = """{verdict} Seed {seed}, Python {python}, numpy {numpy}.

{cases}

Each case is a whole job, with the supervisor that RELION starts, in a fork of a process that has imported the program.
It must end in a result or in one line for the user, within {seconds} s and {megabytes} MB, with one marker file that
fits the exit status. A result is finite maps on the grid of their input, scale, confidence and masks from 0 to 1, and a
report that can be read. A job that fails leaves no outputs. No job changes a file outside of its output folder. A
command must end as the fork of the same case does, with the same words.

{checks}
"""
