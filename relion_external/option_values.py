# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the values of options on the command line."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from occupy_core.errors import OccupyError, SettingsError
from occupy_core.maps.grid import LARGEST_VOXEL, SMALLEST_VOXEL, VOXEL_SIZE_RANGE
from occupy_core.settings.presets import CUSTOM, preset_values
from occupy_core.settings.setting_type import Description, expected_text
from occupy_core.settings.settings import KINDS_OF_PARTS, descriptions
from occupy_core.settings.typed_paths import typed_path, typed_paths
from occupy_core.settings.typed_values import NOT_GIVEN, parse_number, parse_value

_PER_VOXEL = re.compile(r"\s*/\s*(px|pix|pixel|vox|voxel)\s*$", re.IGNORECASE)  # a voxel size in Å/pixel


class OptionError(OccupyError):
    """The command line cannot be understood."""


def parse_setting(name: str, words: Sequence[str], description: Description, default: Any) -> Any:
    """Return the value of a setting.

    Parameters
    ----------
    name : str
        Name of the setting.
    words : sequence of str
        The words after the option: RELION's form splits values at blanks. None of them for a bare option.
    description : Description
        Description of the setting.
    default : any
        Default of the setting, for words that mean "not given".

    Raises
    ------
    SettingsError
        If the value cannot be read as one of the setting's kind. Its range is checked by `Settings`.
    """
    if not words:
        if description.kind != "flag" and description.when_on is None and name != "model_masks":
            raise SettingsError(
                name, f"got no value, expected one argument, {expected_text(description).replace('expected ', '', 1)}"
            )
        words = ["yes"]
    if name == "target_mask":
        return path_values(words)
    if name in ("solvent_def", "model"):
        return path_value(words)
    value = parse_value(name, " ".join(words), description, default)
    return path_value(words) if name == "model_groups" and value not in KINDS_OF_PARTS else value


def path_value(words: Optional[Sequence[str]]) -> Optional[str]:
    """Return the path that the words after an option name; None for no words or words that mean "not given".

    RELION's form splits a name with blanks into words: they are one path if such a file exists.
    """
    text = " ".join(words or ())
    path = typed_path(text)
    if words and not os.path.exists(path):
        path = typed_path(words[0])  # the others belong to no option (`extra_words`)
    if text.strip().lower() in NOT_GIVEN and not os.path.isfile(path):
        return None
    return path


def path_values(words: Sequence[str]) -> Tuple[str, ...]:
    """Return the paths that the words after an option name: separate words, or one word with commas or wildcards."""
    if len(words) > 1 and os.path.isfile(" ".join(words)):
        return (" ".join(words),)
    names = [path for word in words for path in typed_paths(word)]
    return tuple(name for name in names if name.lower() not in NOT_GIVEN or os.path.isfile(name))


def with_preset(words: Mapping[str, Any], given: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the values of the preset, replaced by those on the command line, except the words for "not given".

    Parameters
    ----------
    words : mapping of str to list of str
        The words after each option.
    given : mapping of str to value
        The values of the settings on the command line, `preset` among them if it was given.
    """
    chosen = preset_values(given.get("preset", CUSTOM))
    left = {name for name in chosen if name in given and _is_not_given(words[name], descriptions()[name])}
    return {**chosen, **{name: value for name, value in given.items() if name not in left}}


def _is_not_given(words: Sequence[str], description: Description) -> bool:
    """Return whether the words after an option leave it to the preset. "off" switches a modification off."""
    text = " ".join(words).strip().lower()
    is_word = description.kind == "choice" and text in NOT_GIVEN and text not in description.choices
    return bool(words) and (text in ("", "default") or is_word)


def parse_voxel_size(words: Optional[Sequence[str]]) -> Optional[float]:
    """Return the value of --angpix, Å; None if the option is not given.

    Raises
    ------
    OptionError
        If the words are no number above 0, or one that no map of a molecule has as its voxel size.
    """
    text = " ".join(words or ())
    if words is None or text.strip().lower() in NOT_GIVEN:
        return None
    value = parse_number(_PER_VOXEL.sub("", text), unit="Å")
    if value is None or not 0 < value < float("inf"):
        raise OptionError(f"--angpix: got {text!r}, expected a number above 0, in Å; for example --angpix 1.06")
    if not SMALLEST_VOXEL <= value <= LARGEST_VOXEL:
        raise OptionError(f"--angpix: got {text!r}, {VOXEL_SIZE_RANGE}")
    return value


def parse_threads(words: Optional[Sequence[str]]) -> int:
    """Return the value of --j, the number of threads; 1 if the option is not given.

    Raises
    ------
    OptionError
        If the words are no whole number above 0.
    """
    text = " ".join(words or ()).strip()
    if text.lower() in NOT_GIVEN:
        return 1
    if not (text.isascii() and text.isdecimal()) or len(text) > 6 or int(text) < 1:
        raise OptionError(f"--j: got {text!r}, expected a whole number above 0; for example --j 4")
    return int(text)


def extra_words(name: str, words: Sequence[str], value: Optional[str]) -> List[str]:
    """Return the problem of an option that takes one file and has several words after it, which are not one name.

    Parameters
    ----------
    name : str
        Name of the option.
    words : sequence of str
        The words after the option.
    value : str, optional
        The path that was made of the words.
    """
    if len(words) < 2 or value is None or value != typed_path(words[0]):
        return []
    if all(os.path.isfile(word) for word in words):
        classes = "; for all classes of a classification give --in_parts run_itNNN_data.star" if "in_" in name else ""
        return [f"--{name}: got {len(words)} files, {words[0]} to {words[-1]}, expected one; give one of them{classes}"]
    return [stray_text(words[1])]


def stray_text(word: str) -> str:
    """Return the message for a word that belongs to no option."""
    if word.startswith("-") and os.path.lexists(word):
        return f"found {word!r} where an option was expected; for the file of this name write ./{word}"
    return f"found {word!r} where an option was expected; give the map with --in_3dref, quote values with blanks"
