# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that runs beside the computation of a job: checksums of the inputs."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import copy_context
from threading import Event, Thread
from typing import Any, Callable, Dict, Iterator, List, Union

from occupy_core.input_files import expect_checksums
from occupy_core.job.repeat import job_record
from occupy_core.settings.job_spec import Job


@contextmanager
def record_in_background(job: Job) -> Iterator[Callable[[], Dict[str, Any]]]:
    """Compute the record of a job, with checksums of all inputs, in a background thread.

    The work is cancelled when the block ends.

    Parameters
    ----------
    job : Job

    Yields
    ------
    callable
        Waits for the thread and returns the record (`job.repeat.job_record`), or raises the exception that stopped it.
    """
    cancelled = Event()
    outcome: List[Union[Dict[str, Any], Exception]] = []

    def work() -> None:
        try:
            outcome.append(job_record(job, cancelled.is_set))
        except Exception as error:
            outcome.append(error)

    def wait() -> Dict[str, Any]:
        thread.join()
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    expect_checksums(job.inputs)
    thread = Thread(target=copy_context().run, args=(work,))  # which knows the inputs that must not change
    thread.start()
    try:
        yield wait
    finally:
        cancelled.set()
        thread.join()
