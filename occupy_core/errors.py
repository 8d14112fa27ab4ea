# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors a caller can meet. Each message names what was found, what was expected and the way out."""

from __future__ import annotations


class OccupyError(Exception):
    """Any problem with the user's input; its message is one line, fit for a user."""


class MapError(OccupyError):
    """A map file or array that cannot be used."""


class SettingsError(OccupyError):
    """A setting out of its range, or two that contradict each other.

    Attributes
    ----------
    setting : str
        Name of the setting, as in `Settings`, so that a host can point at its own field.
    problem : str
        What was found and what was expected, without the name.
    """

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting}: {problem}")
        self.setting = setting
        self.problem = problem


class JobError(OccupyError):
    """A job that cannot start or cannot deliver: no maps, all maps failed, an unusable output folder."""
