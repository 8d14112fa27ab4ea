# SPDX-License-Identifier: GPL-3.0-or-later
"""The type of a setting's description. Options, forms, help and the table of docs/settings.md are made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional, Tuple


@dataclass(frozen=True)
class Description:
    """The description of one setting, for users.

    Attributes
    ----------
    label : str
        Name on a form, with the unit.
    kind : str
        One of "choice", "number", "integer", "flag", "map", "text".
    values : str
        The allowed values, in words.
    help : str
        Effect of the setting, in full sentences.
    group : str
        Section of a form: "scale", "modify", "solvent", "output" or "model".
    choices : tuple of str
        The values of a "choice"; empty for other kinds.
    when_on : float, optional
        Value of a number that is off by default, when it is switched on without a value.
    derived : str
        How the value is derived from the map when none is given.
    expert : bool
        Whether a form shows the setting only at its expert level.
    command_only : bool
        Whether the setting is an option of the command line only, because a form has another way to choose it.
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
    """Return a dataclass field with a default and a `Description` made of the other arguments."""
    description = Description(label, kind, values, help, group, **more)
    return field(default=default, metadata={"description": description})
