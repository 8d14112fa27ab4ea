# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line for the values on a form."""

from __future__ import annotations

import shlex
from typing import Dict, List, Mapping, Sequence, Union

from occupy_core.settings.setting_type import Description
from occupy_core.settings.settings import default_of, descriptions

Value = Union[str, float, bool, None, Sequence[str]]

# The one setting without a field: RELION's name for a solvent definition is in_mask.
_OTHERWISE = ("solvent_def",)
# The question with which a form opens, as Scipion's does.
FIRST_PRESET = "weak"


def form_settings() -> Dict[str, Description]:
    """Return the settings that a form shows, by name."""
    return {name: item for name, item in descriptions().items() if name not in _OTHERWISE}


def default_value(name: str) -> Union[str, bool]:
    """Return the value of a setting with which a form opens; empty for what is off or follows from the map."""
    value = FIRST_PRESET if name == "preset" else default_of(name)
    if isinstance(value, bool):
        return value
    if value is None or value == ():
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def command_words(values: Mapping[str, Value], *, more: str = "") -> List[str]:
    """Return the words of a command line, without the program's name and the output folder.

    Parameters
    ----------
    values : mapping of str to str, number, bool or sequence of str
        By the name of the option. Empty values, and settings with their default, are left out.
    more : str
        Further options, as typed in a shell.
    """
    words: List[str] = []
    for name, value in values.items():
        is_default = name in descriptions() and name != "preset" and value == default_value(name)
        if is_default or (not value and value is not False):
            continue
        if isinstance(value, bool):
            words += [f"--{name}", "yes" if value else "no"]
        elif isinstance(value, (str, int, float)):
            words += [f"--{name}", f"{value}"]
        else:
            words += [f"--{name}", *value]
    return words + shlex.split(more)
