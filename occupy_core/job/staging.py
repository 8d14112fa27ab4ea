# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a job's files in place: all at once when the job is done, or none."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Sequence, Set

from occupy_core.errors import JobError
from occupy_core.settings.output_names import CHIMERAX, FIGURE, MAPS_TABLE, PROGRAM, REGIONS_TABLE, REPORT

# Followed by the process's number; relion_external.supervisor names it too.
_ABORTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_STAGING = ".occupy_staging_"


@contextmanager
def staged_outputs(output_dir: str, names: Sequence[str], inputs: Sequence[str]) -> Iterator[Path]:
    """A folder to write a job's files to; on success they replace those of the job's last run in the output folder.

    Parameters
    ----------
    output_dir : str
        Made if it is not there.
    names : sequence of str
        The files that the job is known to write.
    inputs : sequence of str
        Files that the job reads, which must not be replaced.

    Raises
    ------
    JobError
        If the folder cannot be used, another job is running in it, or an output would replace an input or something
        that this program did not make.
    """
    target = Path(output_dir)
    staging = target / f"{_STAGING}{os.getpid()}"
    try:
        target.mkdir(parents=True, exist_ok=True)
        with _only_job_in(target):
            last = _names_of_last_run(target)
            _refuse_names(target, {*names, *last}, inputs)
            for left in target.glob(f"{_STAGING}*"):
                shutil.rmtree(left, ignore_errors=True)
            staging.mkdir()
            yield staging
            written = {path.name for path in staging.iterdir()}
            _refuse_names(target, written, inputs)
            with _undisturbed():
                for name in last - written:
                    (target / name).unlink(missing_ok=True)
                # The report comes last: where it is new, the rest is.
                for name in sorted(written, key=lambda name: (name == REPORT, name)):
                    os.replace(staging / name, target / name)
    except OSError as error:
        raise JobError(f"{output_dir}: cannot write to this output folder ({error.strerror or error})") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No abort in between: a signal takes effect after. Only the main thread is interrupted by any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: List[int] = []
    # Blocking them would not do: they would come by way of another thread.
    handlers = {number: signal.signal(number, lambda number, _frame: waiting.append(number)) for number in _ABORTS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for late in waiting:
            signal.raise_signal(late)


@contextmanager
def _only_job_in(folder: Path) -> Iterator[None]:
    """A lock on the folder itself, which ends with the process; nothing where the file system has none."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JobError(f"{folder}: another job is running in this output folder; wait, or choose another") from None
        except OSError:
            pass
        yield
    finally:
        os.close(handle)


def _names_of_last_run(target: Path) -> Set[str]:
    """The files that a run of this program left here, by its report."""
    report = target / REPORT
    if not report.exists():
        return set()
    try:
        content = json.loads(report.read_text(encoding="utf-8"))
        if content["program"] != PROGRAM:
            raise ValueError
        maps = {name for item in content["maps"] for name in item["outputs"].values()}
        regions = set((content.get("comparison") or {}).get("outputs", []))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise JobError(f"{report}: is not a report of this program; choose another output folder") from None
    tables = {REPORT, MAPS_TABLE, REGIONS_TABLE, FIGURE, CHIMERAX}
    return {*tables, *(name for name in maps | regions if os.path.basename(name) == name)}


def _refuse_names(target: Path, names: Set[str], inputs: Sequence[str]) -> None:
    for output in (target / name for name in sorted(names)):
        if output.is_dir():
            raise JobError(f"{output}: is a folder and the name of an output too; choose another output folder")
        for path in inputs:
            if output.exists() and os.path.exists(path) and os.path.samefile(output, path):
                raise JobError(f"{path}: is an input and the name of an output too; choose another output folder")
