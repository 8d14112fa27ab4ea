# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the jobs of cases in this process, without their supervisors; warnings of Python count as failures."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Iterable, Iterator, List

from occupy_core.errors import OccupyError
from relion_external.job import run
from tests.fuzzing.case import JOB_DIR, Case
from tests.fuzzing.job_outputs import check_outputs
from tests.fuzzing.trial import Trial, attempt


def trials(cases: Iterable[Case]) -> Iterator[Trial]:
    """Run the job of each case in the current folder; yield how it ended."""
    for name, words in cases:
        shutil.rmtree(JOB_DIR, ignore_errors=True)
        yield attempt(f"{name}: {words}", lambda: run_job(words))  # noqa: B023


def run_job(words: List[str]) -> None:
    """Run the job of a command line without its supervisor, and check its outputs.

    Raises
    ------
    OccupyError
        With the line on standard error, if the job failed.
    AssertionError
        If an output is not as promised, or a failed job left outputs.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(words)
    if status == 0:
        assert not err.getvalue(), f"a good job printed an error: {err.getvalue()}"
        check_outputs(Path(JOB_DIR))
        return
    left = list(Path(JOB_DIR).glob("*")) if Path(JOB_DIR).is_dir() else []
    assert not left, f"a failed job left {left}"
    raise OccupyError(err.getvalue().rstrip("\n"))
