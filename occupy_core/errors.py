# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that a caller may catch. Each message says what was found, what was expected and the way out."""

from __future__ import annotations


class OccupyError(Exception):
    """Base class of all errors of this package. The message is one line that a host can show to its user."""


class MapError(OccupyError):
    """A map file or an array that cannot be used as a map or mask."""


class ModelError(OccupyError):
    """An atomic model that cannot be read, or does not lie in the map."""


class SettingsError(OccupyError):
    """A setting out of its range, or two settings that contradict each other.

    Attributes
    ----------
    setting : str
        Name of the setting, as in `Settings`, with which a host can point at the field of its form.
    problem : str
        The value found and the value expected, without the name of the setting.
    """

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting}: {problem}")
        self.setting = setting
        self.problem = problem


class JobError(OccupyError):
    """A job that cannot start or cannot deliver: no maps, all maps failed, an unusable output folder."""


class ChangedInputError(JobError):
    """An input file that has changed while it was read: results would be of no one version of it."""
