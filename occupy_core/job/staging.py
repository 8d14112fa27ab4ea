# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a job's files in place: all at once when the job is complete, or none."""

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
from occupy_core.settings.output_names import (
    CHIMERAX,
    FIGURE,
    MAPS_TABLE,
    MODEL_TABLE,
    PROGRAM,
    REGIONS_TABLE,
    REPORT,
)

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Name of the staging folder, without the process id at its end; the same as in relion_external.supervisor.
_STAGING = ".occupy_staging_"


@contextmanager
def staged_outputs(output_dir: str, names: Sequence[str], inputs: Sequence[str]) -> Iterator[Path]:
    """Give a staging folder to write a job's files to; move the files to the output folder when the block succeeds.

    Files of the last job in the output folder are replaced, or removed where the new job writes none of that name. When
    the block fails, the output folder stays as it was.

    Parameters
    ----------
    output_dir : str
        The output folder; made if it does not exist.
    names : sequence of str
        Names of the files that the job is known to write.
    inputs : sequence of str
        Paths of the files that the job reads; they are never replaced.

    Yields
    ------
    Path
        The staging folder, inside the output folder.

    Raises
    ------
    JobError
        If the output folder cannot be used, another job is running in it, or an output would replace an input or a
        file that this program did not write.
    """
    target = Path(output_dir)
    staging = target / f"{_STAGING}{os.getpid()}"
    try:
        target.mkdir(parents=True, exist_ok=True)
        with _lock(target):
            last = _names_of_last_job(target)
            _refuse_names(target, {*names, *last}, inputs)
            for left_over in target.glob(f"{_STAGING}*"):
                shutil.rmtree(left_over, ignore_errors=True)
            staging.mkdir()
            yield staging
            written = {path.name for path in staging.iterdir()}
            _refuse_names(target, written, inputs)
            with _signals_deferred():
                for name in last - written:
                    (target / name).unlink(missing_ok=True)
                # The report comes last: where the report is new, all other files are.
                for name in sorted(written, key=lambda name: (name == REPORT, name)):
                    os.replace(staging / name, target / name)
    except OSError as error:
        raise JobError(f"{output_dir}: cannot write to this output folder ({error.strerror or error})") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Delay SIGINT, SIGTERM and SIGHUP until the block ends. Does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: List[int] = []
    # Handlers, not a signal mask: a signal that this thread blocks is delivered to another thread.
    handlers = {
        number: signal.signal(number, lambda number, _frame: received.append(number)) for number in _STOP_SIGNALS
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for late in received:
            signal.raise_signal(late)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Lock a folder against other jobs; the lock ends with the process. No lock where the file system has none."""
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


def _names_of_last_job(target: Path) -> Set[str]:
    """Return the names of the files that the last job in the folder wrote, from its report."""
    report = target / REPORT
    if not report.exists():
        return set()
    try:
        content = json.loads(report.read_text(encoding="utf-8"))
        if content["program"] != PROGRAM:
            raise ValueError
        maps = {name for item in content["maps"] for name in item["outputs"].values()}
        regions = set((content.get("comparison") or {}).get("outputs", []))
        of_model = set((content.get("model") or {}).get("outputs", []))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise JobError(f"{report}: is not a report of this program; choose another output folder") from None
    tables = {REPORT, MAPS_TABLE, REGIONS_TABLE, MODEL_TABLE, FIGURE, CHIMERAX}
    return {*tables, *(name for name in maps | regions | of_model if os.path.basename(name) == name)}


def _refuse_names(target: Path, names: Set[str], inputs: Sequence[str]) -> None:
    """Refuse output names that are folders in the output folder, or that would replace an input."""
    for output in (target / name for name in sorted(names)):
        if output.is_dir():
            raise JobError(f"{output}: is a folder and the name of an output too; choose another output folder")
        for path in inputs:
            if output.exists() and os.path.exists(path) and os.path.samefile(output, path):
                raise JobError(f"{path}: is an input and the name of an output too; choose another output folder")
