# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw logfile.pdf in a process beside the job, so that maps do not wait for pictures.

The other process also loads matplotlib, which takes as long as a small map.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Callable, Iterator, Optional

from occupy_core.settings.job_spec import Job
from occupy_core.settings.output_names import FIGURE

_OPEN_FILES = "/dev/fd"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Drawing:
    """A process that draws the pages of a PDF.

    Parameters
    ----------
    path : Path
        File to draw. It is complete after `finish`; after `stop`, it may be there in part.
    """

    def __init__(self, path: Path) -> None:
        self._problem = ""
        self._messages: SimpleQueue[Optional[Callable[[], object]]] = SimpleQueue()
        # A copy of this process has its modules already; a new one takes a third of a small job's time to load them.
        context = multiprocessing.get_context("fork")
        self._connection, other_end = context.Pipe()
        self._process = context.Process(target=_draw, args=(path, other_end), daemon=True)
        self._sender = Thread(target=self._send)
        try:
            with warnings.catch_warnings():
                # Python 3.12 warns where there are other threads: that of the supervisor holds no lock.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._process.start()
            self._sender.start()
        except (OSError, RuntimeError) as error:  # no further process or thread may be started
            self._problem = f"{type(error).__name__}: {error}"
        finally:
            other_end.close()

    def add(self, load: Callable[[], object]) -> None:
        """Draw what a function returns, a `MapPages` or `LastPages`; it is called later, in another thread."""
        self._messages.put(load)

    def finish(self) -> str:
        """Wait until everything is drawn; return the reason when nothing was drawn, otherwise an empty text."""
        self._end_sending()
        if self._problem:
            return self._problem
        try:
            answer: str = self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return f"the process that draws it was ended (exit code {self._process.exitcode})"
        return answer

    def stop(self) -> None:
        """End the process, whatever it does."""
        if self._process.pid is not None:
            self._process.kill()
        self._end_sending()
        if self._process.pid is not None:
            self._process.join()
        self._connection.close()

    def _end_sending(self) -> None:
        self._messages.put(None)
        if self._sender.ident is not None:
            self._sender.join()

    def _send(self) -> None:
        """Send the messages in turn, until there is no other or the process has ended."""
        for load in iter(self._messages.get, None):
            try:
                self._connection.send(load())
            except OSError:  # the process has ended, and its answer says why
                return
            except Exception as error:
                self._problem = f"{type(error).__name__}: {error}"
                return


@contextmanager
def drawing_beside(job: Job, folder: Path) -> Iterator[Optional[Drawing]]:
    """Draw the pages of a job beside the block; give None where its settings ask for no figures.

    Parameters
    ----------
    job : Job
    folder : Path
        Folder for the PDF.
    """
    if not job.settings.figures:
        yield None
        return
    drawing = Drawing(folder / FIGURE)
    try:
        yield drawing
    finally:
        drawing.stop()


def _draw(path: Path, connection: Connection) -> None:
    """Draw what arrives, and send the reason when nothing was drawn, otherwise an empty text: the other process."""
    _leave_the_job_alone(connection.fileno())
    from occupy_core.reporting.pdf.drawing_process import draw_pages

    with suppress(EOFError, OSError):  # the job has ended, and nobody reads an answer
        connection.send(draw_pages(path, connection.recv))


def _leave_the_job_alone(kept: int) -> None:
    """Close all files but one, such as the lock of the output folder, and end on the signals that end a job."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    for number in map(int, os.listdir(_OPEN_FILES)):
        if number > 2 and number != kept:
            with suppress(OSError):  # the folder that was listed
                os.close(number)
    for name in _SIGNALS:
        if signal.getsignal(name) is not signal.SIG_IGN:
            signal.signal(name, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
