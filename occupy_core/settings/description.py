# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of a setting, from which forms, options, help and the README's table are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional, Tuple

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Description:
    """What a user reads about one setting.

    Attributes
    ----------
    label : str
        Name on a form, with its unit.
    kind : str
        One of "choice", "number", "integer", "flag", "map", "text".
    values : str
        The allowed values, in words.
    help : str
        What follows from the setting.
    group : str
        "scale", "modify", "solvent" or "output": the section of a form.
    choices : tuple of str
        For "choice" only.
    when_on : float, optional
        For a number that is off unless given: the value taken when it is switched on without one.
    derived : str
        How the value is found when none is given.
    expert : bool
        Shown only to those who ask for all settings.
    command_only : bool
        On no form: there the input itself is chosen so.
    """

    label: str
    kind: str
    values: str
    help: str
    group: str
    choices: Tuple[str, ...] = ()
    when_on: Optional[float] = None
    derived: str = ""
    expert: bool = False
    command_only: bool = False


def setting(default: Any, label: str, kind: str, values: str, help: str, group: str, **more: Any) -> Any:
    """A dataclass field with its description."""
    description = Description(label, kind, values, help, group, **more)
    return field(default=default, metadata={"description": description})
