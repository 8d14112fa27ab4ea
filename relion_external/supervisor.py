# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the job in a child process and make sure that RELION learns how it ended.

RELION waits for a marker file and for nothing else: a job that ends without a marker file is "Running" for ever. So a
child process does the work, and the parent process, the supervisor, imports nothing that can be missing and only waits:
for the end of the child process, for a request to abort, for a signal. If the supervisor itself is killed, the child
process writes the marker file.

The supervisor locks the output folder before it touches anything in it, and the child process shares the lock. A job
whose files are all in place has succeeded, whatever happens to its processes afterwards.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING, List, NamedTuple, NoReturn, Optional, Sequence

from relion_external import marker_files
from relion_external.failure import cause_of, cause_of_signal, limit_of, memory_text, report_failure
from relion_external.output_folder import find_output_folder
from relion_external.streams import prepare_standard_streams, print_line

if TYPE_CHECKING:  # needs the package occupy_core, which may be broken
    from occupy_core.job.output_folder import OutputFolder

_POLL_SECONDS = 0.25
# Time between SIGTERM and SIGKILL when the child process is stopped.
_GRACE_SECONDS = 2.0


class _Ending(NamedTuple):
    """How a job ends: the name of the marker file, and a line for the user unless the child process has told it."""

    marker: str
    line: str = ""


def main(arguments: List[str], *, stop_signals: Sequence[signal.Signals] = ()) -> int:
    """Run the job and return the exit status: 0 on success, 1 otherwise.

    Parameters
    ----------
    arguments : list of str
        The command line without the program's name.
    stop_signals : sequence of signals
        The signals that end the job. The caller may have blocked them; they are unblocked here.
    """
    prepare_standard_streams()
    job_dir = find_output_folder(arguments)
    if job_dir is None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals)
        return _run_job(arguments, None)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # some programs start others with this signal ignored
    folder, spare = None, -1
    other = marker_files.other_job(job_dir)
    if other:  # without a marker file, which would replace that of the other job
        return report_failure(
            f"{job_dir}: RELION made this output folder for a job of type {other}, expected an External job or a new "
            "folder; choose another output folder"
        )
    try:
        spare = os.open(os.devnull, os.O_RDONLY)
        folder = _lock(job_dir)
        marker_files.remove_markers(job_dir)
    except _Locked as error:
        return report_failure(str(error))  # without a marker file, which would mark the running job as failed
    except Exception as error:
        ending = _failure(_unusable_text(job_dir, error))
    else:
        try:
            ending = _supervise(arguments, job_dir, folder, spare, stop_signals)
        except Exception as error:
            ending = _failure(f"{job_dir}: the job cannot be run ({cause_of(error)})")
    return _end(job_dir, folder, spare, ending)


def _failure(line: str) -> _Ending:
    return _Ending(marker_files.FAILURE, line)


def _unusable_text(job_dir: str, error: Exception) -> str:
    """Return the message for an output folder that cannot be used."""
    cause = cause_of(error)
    has_way_out = not isinstance(error, OSError) or cause != error.strerror
    way_out = "" if has_way_out else ", expected a folder to write to; choose another, or change its permissions"
    return f"{job_dir}: cannot write to this output folder ({cause}){way_out}"


class _Locked(Exception):
    """Another job is running in the output folder."""


def _lock(job_dir: str) -> Optional[OutputFolder]:
    """Lock the output folder; return None where the package is broken, which the child process then reports.

    Raises
    ------
    _Locked
        If another job is running in the output folder.
    OSError
        If the folder cannot be used.
    """
    try:
        from occupy_core.errors import JobError
        from occupy_core.job.output_folder import OutputFolder
    except Exception:
        os.makedirs(job_dir, exist_ok=True)
        return None
    folder = OutputFolder(job_dir)
    try:
        folder.lock()
    except JobError as error:
        raise _Locked(str(error)) from error
    return folder


def _end(job_dir: str, folder: Optional[OutputFolder], spare: int, ending: _Ending) -> int:
    """Write the marker file and print the line of an ending; return the exit status.

    The output folder is made again if it was removed, so that RELION learns how the job ended. `spare` is an open file
    that is closed first: the marker file can then be opened, even if no more files may be.
    """
    try:
        if spare >= 0:
            os.close(spare)
        if folder is None:
            os.makedirs(job_dir, exist_ok=True)
        else:
            folder.lock()
        with contextlib.suppress(OSError):
            marker_files.remove_abort_request(job_dir)  # one that came too late must not stop the next run
        marker_files.write_marker(job_dir, ending.marker)
        if folder is not None:
            folder.unlock()  # RELION may start the next run at once
    except Exception as error:
        reason = "" if cause_of(error) in ending.line else f" ({cause_of(error)})"
        told = ending.line or job_dir
        return report_failure(
            f"{told}: cannot write {ending.marker}, so RELION does not learn how the job ended{reason}"
        )
    if ending.line and ending.marker == marker_files.FAILURE:
        report_failure(ending.line)
    elif ending.line:
        print_line(ending.line, sys.stdout)
    return 0 if ending.marker == marker_files.SUCCESS else 1


def _supervise(
    arguments: List[str],
    job_dir: str,
    folder: Optional[OutputFolder],
    spare: int,
    stop_signals: Sequence[signal.Signals],
) -> _Ending:
    """Start the child process, wait until the job ends, and return how it ended."""
    # A pipe becomes readable when the process that holds its other end is gone, however that process ended.
    child_gone, held_by_child = os.pipe()
    parent_gone, held_by_parent = os.pipe()
    signal_reader = _send_signals_to_pipe(stop_signals)
    child = os.fork()
    if child == 0:
        os.close(child_gone)
        os.close(held_by_parent)
        _run_child(arguments, job_dir, folder, spare, parent_gone, stop_signals)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals)
    os.close(held_by_child)
    os.close(parent_gone)
    ending = _wait(child, child_gone, signal_reader, job_dir)
    try:
        is_complete = folder is not None and folder.finish(child)
    except OSError as error:
        return _failure(
            f"{job_dir}: the files of the last job cannot be put back ({cause_of(error)}); run the job again"
        )
    return _Ending(marker_files.SUCCESS) if is_complete else ending


def _wait(child: int, child_gone: int, signal_reader: int, job_dir: str) -> _Ending:
    """Wait until the child process ends, or stop it for a signal, a request to abort, or a folder that was removed."""
    missing = 0
    while True:
        if marker_files.abort_requested(job_dir):
            _stop_child(child, child_gone)
            return _Ending(marker_files.ABORTED, "Aborted on request.")
        ready = select.select([child_gone, signal_reader], [], [], _POLL_SECONDS)[0]
        # First the signals: a queue sends its signal to the child process too, and how that process then ends says
        # less than the signal's number.
        if signal_reader in ready:
            _stop_child(child, child_gone)
            return _failure(f"ended by signal {os.read(signal_reader, 1)[0]}")
        if child_gone in ready:
            return _ending_of(os.waitpid(child, 0)[1])
        missing = 0 if os.path.isdir(job_dir) else missing + 1
        if missing == 2:  # not at once: while a folder is replaced, it is missing for a moment
            _stop_child(child, child_gone)
            return _failure(f"{job_dir}: this output folder was removed or renamed; run the job again")


def _ending_of(status: int) -> _Ending:
    """Return how a job ended whose child process has this status of `os.waitpid`."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return _failure(f"the computation was killed by signal {number}{cause_of_signal(number)}")
    return _Ending(marker_files.SUCCESS if os.WEXITSTATUS(status) == 0 else marker_files.FAILURE)


def _stop_child(child: int, child_gone: int) -> None:
    """Stop the child process with SIGTERM, after `_GRACE_SECONDS` with SIGKILL."""
    os.kill(child, signal.SIGTERM)
    if not select.select([child_gone], [], [], _GRACE_SECONDS)[0]:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _run_child(
    arguments: List[str],
    job_dir: str,
    folder: Optional[OutputFolder],
    spare: int,
    parent_gone: int,
    stop_signals: Sequence[signal.Signals],
) -> NoReturn:
    """Do the job in the child process and exit with its status."""
    status = 1
    try:
        # In a process group of its own: a kill of the parent's group leaves this process to write the marker file.
        os.setpgid(0, 0)
        for number in stop_signals:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals)
        # The job uses no BLAS; its threads would only cost memory and time.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        watcher = threading.Thread(target=_end_without_parent, args=(job_dir, folder, spare, parent_gone), daemon=True)
        watcher.start()
        status = _run_job(arguments, folder)
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        if select.select([parent_gone], [], [], 0)[0]:
            watcher.join()  # exits
    except BaseException as error:
        report_failure(f"the job cannot be started ({cause_of(error)})")
    finally:
        os._exit(status)


def _end_without_parent(job_dir: str, folder: Optional[OutputFolder], spare: int, parent_gone: int) -> NoReturn:
    """Wait until the parent process is gone, then end the job in its place and exit."""
    status = 1
    try:
        os.read(parent_gone, 1)  # nobody writes to this pipe: the call returns when its other end is closed
        ending = _failure("the supervising process was killed")
        if folder is not None and folder.finish(os.getpid()):
            ending = _Ending(marker_files.SUCCESS)
        status = _end(job_dir, folder, spare, ending)
    finally:
        os._exit(status)


def _run_job(arguments: List[str], folder: Optional[OutputFolder]) -> int:
    """Do the job in this process and return the exit status; report every failure in one line on standard error."""
    try:
        from relion_external.job import run

        return run(arguments, folder)
    except ImportError as error:
        return report_failure(
            memory_text()
            or f"cannot be loaded: {error}; the installation is incomplete or broken: install it again (see README.md)"
        )
    except MemoryError:
        return report_failure(
            memory_text() or "out of memory; use a machine with more memory, or raise the limit of this job"
        )
    except BaseException as error:
        import traceback

        with contextlib.suppress(OSError):  # a full disk is the likeliest reason to be here
            traceback.print_exc(file=sys.stdout)
        return report_failure(limit_of(error) or f"{type(error).__name__}: {error}")


def _send_signals_to_pipe(stop_signals: Sequence[signal.Signals]) -> int:
    """Replace the effect of these signals: each only writes its number, one byte, to the pipe that is returned.

    The signals are blocked now, so that the child process can give them their usual effect before one arrives.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for number in stop_signals:
        # `nohup` and a shell's "&" start programs with some signals ignored: they stay ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda arrived, frame: os.write(writer, bytes([arrived])))
    return reader
