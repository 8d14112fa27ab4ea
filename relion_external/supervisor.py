# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the job in a child process and make sure that RELION learns how it ended.

RELION waits for a marker file and for nothing else: a job that ends without a marker file is "Running" for ever. So a
child process does the work, and the parent process, the supervisor, imports nothing that can be missing and only waits:
for the end of the child process, for a request to abort, for a signal. If the supervisor itself is killed, the child
process writes the marker file.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from typing import List, NoReturn, Sequence

from relion_external import marker_files
from relion_external.failure import report_failure
from relion_external.output_folder import find_output_folder

_POLL_SECONDS = 0.25
# Time between SIGTERM and SIGKILL when the child process is stopped.
_GRACE_SECONDS = 2.0
# What a signal that ends the computation often means. No input is memory-mapped, but outputs that are being made are.
_CAUSES = {
    signal.SIGKILL: ", often for lack of memory",
    signal.SIGBUS: ": an unfinished output was cut short by another program, or a disk fails; run again",
}
# The staging folder is this and the child's process id. Also defined in occupy_core.job.staging, which is not imported
# here: it needs more than the standard library.
_STAGING = ".occupy_staging_"


def main(arguments: List[str], *, stop_signals: Sequence[signal.Signals] = ()) -> int:
    """Run the job and return the exit status: 0 on success, 1 otherwise.

    Parameters
    ----------
    arguments : list of str
        The command line without the program's name.
    stop_signals : sequence of signals
        The signals that end the job. The caller may have blocked them; they are unblocked here.
    """
    _prepare_standard_streams()
    job_dir = find_output_folder(arguments)
    if job_dir is None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals)
        return _run_job(arguments)
    signal_reader = _send_signals_to_pipe(stop_signals)
    try:
        os.makedirs(job_dir, exist_ok=True)
        marker_files.remove_markers(job_dir)
    except OSError as error:
        return report_failure(f"{job_dir}: cannot write to this output folder ({error.strerror})")
    marker = marker_files.FAILURE
    try:
        marker = _supervise(arguments, job_dir, signal_reader, stop_signals)
    finally:
        written = _write_marker(job_dir, marker)
    return 0 if written and marker == marker_files.SUCCESS else 1


def _write_marker(job_dir: str, marker: str) -> bool:
    """Write the marker file, and return whether that succeeded; report the reason when it did not."""
    try:
        marker_files.write_marker(job_dir, marker)
    except OSError as error:
        report_failure(
            f"{job_dir}: cannot write {marker}, so RELION does not learn how the job ended ({error.strerror})"
        )
        return False
    return True


def _supervise(arguments: List[str], job_dir: str, signal_reader: int, stop_signals: Sequence[signal.Signals]) -> str:
    """Start the child process, wait until the job ends, and return the name of the marker file to write."""
    # A pipe becomes readable when the process that holds its other end is gone, however that process ended.
    child_gone, held_by_child = os.pipe()
    parent_gone, held_by_parent = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(child_gone)
        os.close(held_by_parent)
        _run_child(arguments, job_dir, parent_gone, stop_signals)
    os.close(held_by_child)
    os.close(parent_gone)
    while True:
        ready = select.select([child_gone, signal_reader], [], [], _POLL_SECONDS)[0]
        # First the signals: a queue sends its signal to the child process too, and how that process then ends says
        # less than the signal's number.
        if signal_reader in ready:
            _stop_child(child, child_gone, job_dir)
            report_failure(f"ended by signal {os.read(signal_reader, 1)[0]}")
            return marker_files.FAILURE
        if child_gone in ready:
            status = os.waitpid(child, 0)[1]
            _remove_staging(job_dir, child)
            return _marker_for(status)
        if marker_files.abort_requested(job_dir):
            _stop_child(child, child_gone, job_dir)
            marker_files.remove_abort_request(job_dir)
            with contextlib.suppress(OSError):
                print("Aborted on request.", flush=True)
            return marker_files.ABORTED


def _marker_for(status: int) -> str:
    """Return the marker file's name for a status of `os.waitpid`; report a child process that was killed."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        report_failure(f"the computation was killed by signal {number}{_CAUSES.get(number, '')}")
        return marker_files.FAILURE
    return marker_files.SUCCESS if os.WEXITSTATUS(status) == 0 else marker_files.FAILURE


def _stop_child(child: int, child_gone: int, job_dir: str) -> None:
    """Stop the child process with SIGTERM, after `_GRACE_SECONDS` with SIGKILL, and remove its staging folder."""
    os.kill(child, signal.SIGTERM)
    if not select.select([child_gone], [], [], _GRACE_SECONDS)[0]:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    _remove_staging(job_dir, child)


def _run_child(
    arguments: List[str], job_dir: str, parent_gone: int, stop_signals: Sequence[signal.Signals]
) -> NoReturn:
    """Do the job in the child process and exit with its status."""
    # In a process group of its own: a kill of the parent's group leaves this process to write the marker file.
    os.setpgid(0, 0)
    for number in stop_signals:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    # The job uses no BLAS; its threads would only cost memory and time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    threading.Thread(target=_fail_without_parent, args=(job_dir, parent_gone), daemon=True).start()
    status = 1
    try:
        status = _run_job(arguments)
        sys.stdout.flush()
    finally:
        os._exit(status)


def _fail_without_parent(job_dir: str, parent_gone: int) -> NoReturn:
    """Wait until the parent process is gone, then write the marker file of a failure and exit."""
    os.read(parent_gone, 1)  # nobody writes to this pipe: the call returns when its other end is closed
    report_failure("the supervising process was killed")
    _remove_staging(job_dir, os.getpid())
    marker_files.write_marker(job_dir, marker_files.FAILURE)
    os._exit(1)


def _run_job(arguments: List[str]) -> int:
    """Do the job in this process and return the exit status; report every failure in one line on standard error."""
    try:
        from relion_external.job import run

        return run(arguments)
    except ImportError as error:
        return report_failure(
            f"cannot be loaded: {error}; the installation is incomplete or broken: install it again (see README.md)"
        )
    except MemoryError:
        return report_failure("out of memory; use a machine with more memory, or raise the limit of this job")
    except BaseException as error:
        import traceback

        with contextlib.suppress(OSError):  # a full disk is the likeliest reason to be here
            traceback.print_exc(file=sys.stdout)
        return report_failure(f"{type(error).__name__}: {error}")


def _send_signals_to_pipe(stop_signals: Sequence[signal.Signals]) -> int:
    """Replace the effect of these signals: each only writes its number, one byte, to the pipe that is returned."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for number in stop_signals:
        # `nohup` and a shell's "&" start programs with some signals ignored: they stay ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda arrived, frame: os.write(writer, bytes([arrived])))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals)
    return reader


def _prepare_standard_streams() -> None:
    """Open closed standard streams on /dev/null, write line by line, and escape characters that cannot be written."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # opens as the lowest free number, which is this one
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # RELION shows the end of run.out while it grows; Python would hold back lines that go to a file.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")


def _remove_staging(job_dir: str, process: int) -> None:
    """Remove the staging folder of a child process that was killed, with its unfinished files."""
    folder = os.path.join(job_dir, f"{_STAGING}{process}")
    if os.path.exists(folder):
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
