# SPDX-License-Identifier: GPL-3.0-or-later
"""The type of a setting's description. Options, forms, help and the table of docs/settings.md are made from it."""

from __future__ import annotations

import re
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
        Section of a form: "scale", "modify", "solvent", "output", "model" or "comparison".
    choices : tuple of str
        The values of a "choice"; empty for other kinds.
    when_on : float, optional
        Value of a number that is off by default, when it is switched on without a value.
    when_off : float, optional
        Value of a number that stands for "off", where that is not the default.
    is_fraction : bool
        Whether a number is a fraction, which may be given in percent.
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
    when_off: Optional[float] = None
    is_fraction: bool = False
    derived: str = ""
    expert: bool = False
    command_only: bool = False

    @property
    def unit(self) -> str:
        """Unit of a number, as the label says: "Å", "voxels", "residues"; empty for none."""
        found = re.search(r"\((Å|voxels|residues)\)", self.label)
        return found[1] if found else ""


def setting(default: Any, label: str, kind: str, values: str, help: str, group: str, **more: Any) -> Any:
    """Return a dataclass field with a default and a `Description` made of the other arguments."""
    description = Description(label, kind, values, help, group, **more)
    return field(default=default, metadata={"description": description})


_LONGEST = 60  # characters of a value in a message


def expected_text(description: Description, *, found_number: bool = False) -> str:
    """Return what a message says about the values of a setting: "expected a number in Å: at least 2 voxels".

    `found_number` says that the value is a number already, so that only its unit and its range matter.
    """
    if description.kind not in ("number", "integer") or (found_number and not description.unit):
        return f"expected {description.values}"
    kind = "a whole number" if description.kind == "integer" else "a number"
    unit = f" {'in' if description.unit == 'Å' else 'of'} {description.unit}" if description.unit else ""
    return f"expected {kind}{unit}: {description.values}"


def shortened(text: str) -> str:
    """Return a text that is short enough for a message."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"
