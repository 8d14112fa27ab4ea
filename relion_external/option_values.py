# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the values of options on the command line."""

from __future__ import annotations

import math
import os
from typing import Any, List, Optional, Tuple

from occupy_core.errors import OccupyError, SettingsError
from occupy_core.settings.setting_type import Description

_TRUE = ("yes", "true", "1", "on")
_FALSE = ("no", "false", "0", "off")


class OptionError(OccupyError):
    """The command line cannot be understood."""


def parse_setting(name: str, words: Any, description: Description) -> Any:
    """Return the value of a setting.

    Parameters
    ----------
    name : str
        Name of the setting.
    words : str or list of str
        The value on the command line; a list for `target_mask`, `classes`, `model_whole` and `model_masks`.
    description : Description
        Description of the setting.

    Raises
    ------
    SettingsError
        If the value cannot be read as one of the setting's kind. Its range is checked by `Settings`.
    """
    if name == "target_mask":
        return _split_paths(words)
    if name == "classes":
        return ",".join(part for word in words for part in word.lower().replace(",", " ").split())
    if name == "model_whole":
        return " ".join(words).strip()
    if name == "model_masks":
        return " ".join(words).strip() if words else "yes"
    if name == "reference":
        return words.strip().lower()
    if name == "model_groups" and words.strip().lower() in ("chain", "entity"):
        return words.strip().lower()
    return _parse_value(name, words, description)


def parse_positive(name: str, word: Optional[str]) -> Optional[float]:
    """Return the value of an option that must be a number above 0; None if the option is not given.

    Raises
    ------
    OptionError
        If the word is no number above 0.
    """
    if word is None:
        return None
    try:
        value = float(word)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise OptionError(f"--{name}: got {word!r}, expected a number above 0")
    return value


def parse_threads(word: str) -> int:
    """Return the value of --j, the number of threads.

    Raises
    ------
    OptionError
        If the word is no whole number above 0.
    """
    if not word.isdecimal() or int(word) < 1:
        raise OptionError(f"--j: got {word!r}, expected a whole number above 0")
    return int(word)


def _parse_value(name: str, text: str, description: Description) -> Any:
    word = text.strip()
    lower = word.lower()
    if description.kind == "flag":
        return _parse_flag(name, lower)
    if description.when_on is not None and lower in ("yes", "true", "on"):
        return description.when_on
    if description.when_on is not None and lower in ("no", "false", "off"):
        return None
    if description.kind == "number":
        return _parse_number(name, word, float, description)
    if description.kind == "integer":
        return _parse_number(name, word, int, description)
    return lower if description.kind == "choice" else word


def _split_paths(words: List[str]) -> Tuple[str, ...]:
    """Return file names that are separate words or separated by commas: a parameter in RELION's form is one word."""
    return tuple(
        path.strip() for word in words for path in ([word] if os.path.exists(word) else word.split(",")) if path.strip()
    )


def _parse_flag(name: str, lower: str) -> bool:
    if lower not in _TRUE + _FALSE:
        raise SettingsError(name, f"got {lower!r}, expected yes or no")
    return lower in _TRUE


def _parse_number(name: str, word: str, kind: type, description: Description) -> Any:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingsError(name, f"got {word!r}, expected {description.values}")
    if kind is int and value != int(value):
        raise SettingsError(name, f"got {word!r}, expected a whole number, {description.values}")
    return kind(value)
