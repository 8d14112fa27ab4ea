# SPDX-License-Identifier: GPL-3.0-or-later
"""Click in RELION's window (3.1.3), which opens at the upper left of the screen."""

from __future__ import annotations

from scripts.screenshots.screen import click

# Pixels: the tabs of an External job, and the first and the distance of listed jobs.
TABS = {"Input": 225, "Params": 281, "Running": 350}
_TABS_DOWN = 36
_JOBS_ACROSS, _FIRST_JOB_DOWN, _JOB_HEIGHT = 76, 464, 15
_RESULTS, _LOG = (690, 405), (400, 700)


def open_tab(name: str) -> None:
    """Click on a tab of an External job."""
    click(TABS[name], _TABS_DOWN)


def open_job(count: int, number: int) -> None:
    """Click on a job, by its number, in RELION's list of so many finished jobs, which begins with the last one."""
    click(_JOBS_ACROSS, _FIRST_JOB_DOWN + _JOB_HEIGHT * (count - number))


def open_list_of_results() -> None:
    """Open the list *Display* of the chosen job."""
    click(*_RESULTS)


def open_log() -> None:
    """Open the log of the chosen job in a window of its own."""
    click(*_LOG, times=2)
