# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pages of logfile.pdf as what they show arrives: the work of the process beside a job."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from occupy_core.reporting.pdf.messages import LastPages


def draw_pages(path: Path, receive: Callable[[], Any]) -> str:
    """Draw a PDF; return the reason when this fails, otherwise an empty text.

    Parameters
    ----------
    path : Path
        File to write; removed if it cannot be completed.
    receive : callable
        Waits for the next message and returns it: `MapPages` for each map, then `LastPages`.

    Raises
    ------
    EOFError
        If `receive` does: the job has ended without the last message.
    """
    from occupy_core.reporting.pdf.preload import load_drawing

    try:
        missing = load_drawing(axes=False)
        if missing:
            return missing
        from occupy_core.reporting.pdf.logfile import open_logfile

        with open_logfile(path) as logfile:
            while True:
                message = receive()
                if isinstance(message, LastPages):
                    logfile.add_last(message)
                    return ""
                logfile.add_map(message)
    except EOFError:
        path.unlink(missing_ok=True)
        raise
    except Exception as error:  # whatever it is, the maps of the job must not be lost because of a figure
        path.unlink(missing_ok=True)
        return f"{type(error).__name__}: {error}"
