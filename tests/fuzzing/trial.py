# SPDX-License-Identifier: GPL-3.0-or-later
"""Try a case, which must end in a result or in one line for the user: nothing else, and within a time limit."""

from __future__ import annotations

import signal
import time
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Tuple

from occupy_core.errors import OccupyError

RESULT, LINE, FAILED = "result", "one line", "failed"
MAX_SECONDS = 20.0
_MAX_LENGTH = 5000  # characters of a line; the path of a file may have 4096


@dataclass(frozen=True)
class Trial:
    """How a case ended.

    Attributes
    ----------
    name : str
        Name of the case, with which it can be found again.
    ended : str
        `RESULT`, `LINE` or `FAILED`.
    text : str
        The line, or what went wrong; empty after a result.
    seconds : float
    """

    name: str
    ended: str
    text: str
    seconds: float


class TooSlow(BaseException):
    """A case took longer than `MAX_SECONDS`."""


def attempt(name: str, act: Callable[[], object]) -> Trial:
    """Call `act`, which raises an error unless its result is as promised, and return how it ended.

    An `OccupyError` with one line is a good end. Every other exception, and every warning of Python, is a failure.
    Only in the main thread.
    """
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
    start = time.monotonic()
    try:
        ended, text = _end_of(act)
    except TooSlow:
        ended, text = FAILED, f"took longer than {MAX_SECONDS:g} s"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return Trial(name, ended, text, time.monotonic() - start)


def _end_of(act: Callable[[], object]) -> Tuple[str, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # mrcfile 1.5 on numpy 2.5
            warnings.filterwarnings("ignore", "Setting the dtype on a NumPy array", DeprecationWarning)
            act()
    except OccupyError as error:
        text = str(error)
        return (LINE, text) if is_one_line(text) else (FAILED, f"not one line: {text[:500]!r}")
    except Exception as error:
        return FAILED, f"{type(error).__name__}: {error}"[:500]
    return RESULT, ""


def is_one_line(text: str) -> bool:
    """Return whether a text can be shown to a user as one line."""
    return bool(text.strip()) and not set("\n\r") & set(text) and len(text) < _MAX_LENGTH


def _stop(_number: int, _frame: Any) -> None:
    raise TooSlow
