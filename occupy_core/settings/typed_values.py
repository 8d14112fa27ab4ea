# SPDX-License-Identifier: GPL-3.0-or-later
"""Understand the values of settings as people type them: `8 Å`, `12,5`, `50 %`, `off`, `1-3`. Standard library only.

A text is taken where its meaning is clear. Everything else is refused, with the unit and the form that are expected.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from typing import Any, Iterable, List, Optional

from occupy_core.errors import SettingsError
from occupy_core.settings.setting_type import Description, expected_text, shortened

# Words with which users say that they give no value.
NOT_GIVEN = ("", "off", "none", "auto", "default")
_TRUE = ("yes", "true", "1", "on")
_FALSE = ("no", "false", "0", "off", "none")
_NUMBER = re.compile(r"(?P<number>[+-]?(\d{1,30}([.,]\d{0,30})?|[.,]\d{1,30})(e[+-]?\d{1,3})?)\s*(?P<unit>\D*)", re.I)
# 2,125 may be a decimal comma or two thousand.
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.A)
_UNITS = {
    "Å": ("å", "a", "ang", "angstrom", "angstroms", "ångström", "ångstrom"),
    "voxels": ("vox", "voxel", "voxels", "px", "pix", "pixel", "pixels"),
    "residues": ("res", "residue", "residues"),
}
_NANOMETRE = ("nm", "nanometer", "nanometers", "nanometre", "nanometres")
_DIGITS = 9  # significant digits of a length in nm that is given in Å
_MOST_CLASSES = 10_000  # in a range such as 1-3


def parse_value(name: str, text: str, description: Description, default: Any) -> Any:
    """Return the value of a setting from the text that a user typed.

    Parameters
    ----------
    name : str
        Name of the setting.
    text : str
    description : Description
        Description of the setting.
    default : any
        Default of the setting, for texts that mean "not given".

    Raises
    ------
    SettingsError
        If the text cannot be read as a value of the setting's kind. Its range is checked by `Settings`.
    """
    word = plain_text(text)
    lower = word.lower()
    if name == "classes":
        return "all" if lower in (*NOT_GIVEN, "all") else _parse_classes(name, word, description)
    if name == "difference":
        return default if lower in (*NOT_GIVEN, *_FALSE) else _parse_classes(name, word, description)
    if name == "reference":
        return _parse_reference(lower, default)
    if name == "model_masks":
        return {**dict.fromkeys(_TRUE, "yes"), **dict.fromkeys((*_FALSE, *NOT_GIVEN), "no")}.get(lower, word)
    if description.kind == "flag":
        return _parse_flag(name, lower, default)
    if description.kind == "choice":
        return _parse_choice(name, lower, description, default)
    if description.kind in ("number", "integer"):
        return _parse_number_or_word(name, word, description, default)
    if lower in NOT_GIVEN:
        return default
    return lower if name == "model_groups" and lower in ("chain", "entity") else word


def plain_text(text: str) -> str:
    """Return a text in its usual Unicode form, without blanks and quotes around it."""
    result = unicodedata.normalize("NFC", text).strip()
    for opening, closing in ('""', "''", "“”", "‘’", "«»"):
        if len(result) >= 2 and result[0] == opening and result[-1] == closing:
            result = result[1:-1].strip()
    return result


def parse_number(text: str, *, unit: str = "", is_fraction: bool = False) -> Optional[float]:
    """Return the number that a user typed, with or without its unit; None if the text is no such number.

    Parameters
    ----------
    text : str
        Such as "8", "8A", "8.5 Å", "0.8 nm", "12,5", "1e-3" or, for a fraction, "50 %".
    unit : str
        The unit that may follow: "Å", "voxels", "residues" or none.
    is_fraction : bool
        Whether the number may be given in percent.
    """
    # Under a locale without UTF-8, Python reads the bytes of Å as surrogates.
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    match = _NUMBER.fullmatch(plain_text(readable))
    if match is None or _AMBIGUOUS.fullmatch(match["number"]):
        return None
    found = match["unit"].strip().lower().rstrip(".")
    percent = is_fraction and found == "%"
    nanometres = unit == "Å" and found in _NANOMETRE
    if found and not percent and not nanometres and found not in _UNITS.get(unit, ()):
        return None
    value = float(match["number"].replace(",", "."))
    if nanometres:
        return float(f"{10 * value:.{_DIGITS}g}")
    return value / 100 if percent else value


def nearest(word: str, names: Iterable[str]) -> Optional[str]:
    """Return the name that a word most likely stands for: first one of the same letters, such as model for modle."""
    known = list(names)
    for name in known:
        if sorted(name) == sorted(word):
            return name
    return next(iter(difflib.get_close_matches(word, known, n=1)), None)


def _parse_number_or_word(name: str, word: str, description: Description, default: Any) -> Any:
    lower = word.lower()
    if description.when_on is not None:
        if lower in ("yes", "true", "on"):
            return description.when_on
        if lower in ("no", "false"):
            return None
    if lower in ("off", "none", "no", "false") and description.when_off is not None:
        return description.when_off
    if lower in NOT_GIVEN:
        return default
    value = parse_number(word, unit=description.unit, is_fraction=description.is_fraction)
    if value is None or not math.isfinite(value):
        raise SettingsError(name, f"got {shortened(repr(word))}, {expected_text(description)}{_hint(word)}")
    if description.kind == "integer":
        if value != int(value):
            raise SettingsError(name, f"got {word!r}, {expected_text(description)}")
        return int(value)
    return value


def _hint(word: str) -> str:
    """Return what is wrong with the form of a number, as the end of a message."""
    match = _NUMBER.fullmatch(word)
    if match is None:
        return ""
    number, unit = match["number"], match["unit"].strip()
    if _AMBIGUOUS.fullmatch(number):
        return f"; write {number.replace(',', '.')} or {number.replace(',', '')}"
    return f"; write {number.replace(',', '.')} without {unit!r}, if it is meant so" if unit else ""


def _parse_flag(name: str, lower: str, default: Any) -> Any:
    if lower in _TRUE or lower in _FALSE:
        return lower in _TRUE
    if lower in NOT_GIVEN:
        return default
    raise SettingsError(name, f"got {shortened(repr(lower))}, expected yes or no")


def _parse_choice(name: str, lower: str, description: Description, default: Any) -> Any:
    if lower in description.choices:
        return lower
    if lower in NOT_GIVEN:
        return default
    likely = nearest(lower, description.choices)
    hint = f"; did you mean {likely}?" if likely else ""
    raise SettingsError(name, f"got {shortened(repr(lower))}, {expected_text(description)}{hint}")


def _parse_reference(lower: str, default: str) -> str:
    """Return the setting `reference`: "class 2" and "002" mean 2. Other texts are refused by `Settings`."""
    if lower in NOT_GIVEN:
        return default
    match = re.fullmatch(r"(class)?[ _]?0*(\d{1,9})", lower, re.A)
    return match[2] if match else lower


def _parse_classes(name: str, word: str, description: Description) -> str:
    """Return class numbers separated by commas, with the numbers of a range one by one."""
    lower = word.lower()
    numbers: List[str] = []
    spaced = re.sub(r"\s*(-|–|\.\.+)\s*", "-", re.sub(r"\bclass(es)?\b", " ", lower))
    for part in re.split(r"[\s,;+&]+", spaced.strip(" ,;")):
        match = re.fullmatch(r"0*(\d{1,9})(-0*(\d{1,9}))?", part, re.A)
        first, last = (int(match[1]), int(match[3] or match[1])) if match else (0, 0)
        if first < 1 or not first <= last < first + _MOST_CLASSES:
            raise SettingsError(name, f"got {shortened(repr(word))}, expected {description.values}, or 1-3")
        numbers += [str(number) for number in range(first, last + 1)]
    return ",".join(numbers)
