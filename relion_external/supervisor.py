# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees to it that RELION always learns how a job ended.

RELION waits for a marker file and for nothing else: a job that ends without one is "Running" for ever. So the
work is done by a child process, and this parent, which imports nothing that can be missing, does no more than wait:
for the child to end in whatever way, for a request to abort, for a signal. Should the parent be killed, the
child tells RELION instead.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from typing import List, NoReturn, Sequence

from relion_external import markers
from relion_external.exit_status import complain, output_dir

_POLL_SECONDS = 0.25
_GRACE_SECONDS = 2.0
# Followed by the child's number; occupy_core.job.staging names it too, but this module imports nothing.
_STAGING = ".occupy_staging_"


def main(arguments: List[str], *, stop_signals: Sequence[signal.Signals] = ()) -> int:
    """Run the job and return the exit status: 0 on success, 1 otherwise.

    Parameters
    ----------
    arguments : list of str
        The command line without the command.
    stop_signals : sequence of signals
        Those that end the job; they may be blocked, and are let through here.
    """
    _open_standard_streams()
    job_dir = output_dir(arguments)
    if job_dir is None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals)
        return _work(arguments)
    stop_requests = _collect(stop_signals)
    try:
        os.makedirs(job_dir, exist_ok=True)
        markers.clear(job_dir)
    except OSError as error:
        return complain(f"{job_dir}: cannot write to this output folder ({error.strerror})")
    marker = markers.FAILURE
    try:
        marker = _supervise(arguments, job_dir, stop_requests, stop_signals)
    finally:
        told = _put(job_dir, marker)
    return 0 if told and marker == markers.SUCCESS else 1


def _put(job_dir: str, marker: str) -> bool:
    """Put the marker; whether that was possible."""
    try:
        markers.put(job_dir, marker)
    except OSError as error:
        complain(f"{job_dir}: cannot write {marker}, so RELION does not learn how the job ended ({error.strerror})")
        return False
    return True


def _supervise(arguments: List[str], job_dir: str, stop_requests: int, stop_signals: Sequence[signal.Signals]) -> str:
    """Start the child, wait for the end, and return the marker to put."""
    ended, child_end = os.pipe()
    child_watches, alive = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ended)
        os.close(alive)
        _be_child(arguments, job_dir, child_watches, stop_signals)
    os.close(child_end)
    os.close(child_watches)
    while True:
        ready = select.select([ended, stop_requests], [], [], _POLL_SECONDS)[0]
        # Queues signal the whole group, the child too: the request says more than how the child ended.
        if stop_requests in ready:
            _end(child, ended, job_dir)
            complain(f"ended by signal {os.read(stop_requests, 1)[0]}")
            return markers.FAILURE
        if ended in ready:
            status = os.waitpid(child, 0)[1]
            _clear_staging(job_dir, child)
            return _verdict(status)
        if markers.abort_requested(job_dir):
            _end(child, ended, job_dir)
            markers.withdraw_abort(job_dir)
            with contextlib.suppress(OSError):
                print("Aborted on request.", flush=True)
            return markers.ABORTED


def _verdict(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        hint = ", often for lack of memory" if number == signal.SIGKILL else ""
        complain(f"the computation was killed by signal {number}{hint}")
        return markers.FAILURE
    return markers.SUCCESS if os.WEXITSTATUS(status) == 0 else markers.FAILURE


def _end(child: int, ended: int, job_dir: str) -> None:
    """Stop the child: gently, then for good."""
    os.kill(child, signal.SIGTERM)
    if not select.select([ended], [], [], _GRACE_SECONDS)[0]:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    _clear_staging(job_dir, child)


def _be_child(
    arguments: List[str], job_dir: str, parent_alive: int, stop_signals: Sequence[signal.Signals]
) -> NoReturn:
    # A group of its own, so that what kills the parent's whole group leaves one who can tell RELION.
    os.setpgid(0, 0)
    for number in stop_signals:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    # No BLAS is used here; its threads would only take memory and time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    threading.Thread(target=_outlive_parent, args=(job_dir, parent_alive), daemon=True).start()
    status = 1
    try:
        status = _work(arguments)
        sys.stdout.flush()
    finally:
        os._exit(status)


def _outlive_parent(job_dir: str, parent_alive: int) -> NoReturn:
    """Nothing is ever written to the pipe: reading it returns when the parent is gone."""
    os.read(parent_alive, 1)
    complain("the supervising process was killed")
    _clear_staging(job_dir, os.getpid())
    markers.put(job_dir, markers.FAILURE)
    os._exit(1)


def _work(arguments: List[str]) -> int:
    """Do the job in this process; every way to fail ends in one line on standard error."""
    try:
        from relion_external.job import run

        return run(arguments)
    except ImportError as error:
        return complain(f"cannot be loaded: {error}; is the installation whole? Install it again (see README.md)")
    except MemoryError:
        return complain("out of memory; use a smaller --max_box")
    except BaseException as error:
        import traceback

        with contextlib.suppress(OSError):  # a full disk is the likeliest reason to be here
            traceback.print_exc(file=sys.stdout)
        return complain(f"{type(error).__name__}: {error}")


def _collect(stop_signals: Sequence[signal.Signals]) -> int:
    """From now on these signals do nothing but arrive, one byte each, at the pipe that is returned."""
    arrivals, entry = os.pipe()
    os.set_blocking(entry, False)
    for number in stop_signals:
        # nohup and a shell's "&" have some of them ignored: leave it so.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda arrived, frame: os.write(entry, bytes([arrived])))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals)
    return arrivals


def _open_standard_streams() -> None:
    """Give closed streams a place to go, and let no character or buffer stop the job."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # RELION shows the end of run.out as it grows; to a file Python would hold lines back.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")


def _clear_staging(job_dir: str, process: int) -> None:
    """Remove what a killed child left half-written."""
    folder = os.path.join(job_dir, f"{_STAGING}{process}")
    if os.path.exists(folder):
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
