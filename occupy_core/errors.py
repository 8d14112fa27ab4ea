# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that a caller may catch. Each message says what was found, what was expected and the way out."""

from __future__ import annotations

from typing import Iterable, Sequence, Tuple


class OccupyError(Exception):
    """Base class of all errors of this package. The message is one line that a host can show to its user."""


class MapError(OccupyError):
    """A map file or an array that cannot be used as a map or mask."""


class ModelError(OccupyError):
    """An atomic model that cannot be read, or does not lie in the map."""


class SettingsError(OccupyError):
    """A setting out of its range, or two settings that contradict each other.

    Parameters
    ----------
    setting, problem : str
        As the attributes.
    others : iterable of SettingsError
        Errors about other settings of the same job; the message names them too.

    Attributes
    ----------
    setting : str
        Name of the setting, as in `Settings`, with which a host can point at the field of its form.
    problem : str
        The value found and the value expected, without the name of the setting.
    all : tuple of SettingsError
        This error, and after it the others.
    """

    def __init__(self, setting: str, problem: str, others: Iterable[SettingsError] = ()) -> None:
        self.setting = setting
        self.problem = problem
        self.all: Tuple[SettingsError, ...] = (self, *others)
        super().__init__("; ".join(f"{error.setting}: {error.problem}" for error in self.all))


class JobError(OccupyError):
    """A job that cannot start or cannot deliver: no maps, all maps failed, an unusable output folder."""


class ChangedInputError(JobError):
    """An input file that has changed while it was read: results would be of no one version of it."""


_MOST_LISTED = 8


def numbered_list(head: str, problems: Sequence[str]) -> str:
    """Return one line that lists problems, the first eight of them: "2 mistakes: (1) ...; (2) ..."."""
    shown = [f"({number}) {text}" for number, text in enumerate(problems[:_MOST_LISTED], start=1)]
    more = len(problems) - len(shown)
    return f"{head}: {'; '.join(shown)}{f'; and {more} more' if more else ''}"
