# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the values of settings: kind, range, contradictions. All problems are found, not only the first."""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Iterator, List, Mapping

from occupy_core.errors import SettingsError
from occupy_core.settings.setting_type import Description, expected_text, shortened
from occupy_core.settings.typed_paths import printable

# Larger numbers have no meaning in any setting, and overflow where they are squared or used in single precision.
_LARGEST = 1e30
_TYPES = {
    "choice": (str,),
    "text": (str,),
    "number": (int, float),
    "integer": (int,),
    "flag": (bool,),
}


def check_settings(
    values: Mapping[str, Any], defaults: Mapping[str, Any], descriptions: Mapping[str, Description]
) -> None:
    """Refuse settings of the wrong kind, out of range, or that contradict each other.

    Parameters
    ----------
    values : mapping of str to value
        The value of every setting by its name.
    defaults : mapping of str to value
        The default of every setting by its name.
    descriptions : mapping of str to Description
        The description of every setting by its name.

    Raises
    ------
    SettingsError
        With the value that was found and the values that are allowed; one error for all wrong settings.
    """
    wrong_kind = [
        SettingsError(name, problem)
        for name, description in descriptions.items()
        for problem in kind_problems(values[name], defaults[name], description)
    ]
    # A setting of the wrong kind has no range to check: its default stands for it.
    comparable = {**values, **{error.setting: defaults[error.setting] for error in wrong_kind}}
    problems = [*wrong_kind, *range_problems(comparable, descriptions)]
    if problems:
        raise SettingsError(problems[0].setting, problems[0].problem, problems[1:])


def kind_problems(value: Any, default: Any, description: Description) -> Iterator[str]:
    """Yield the problem of a value of the wrong kind; None is allowed where the default is None."""
    if value is None and default is None:
        return
    # A list of masks is no text, whose letters would be taken for masks.
    allowed = (
        (type(default) if isinstance(default, tuple) else str,)
        if description.kind == "map"
        else _TYPES[description.kind]
    )
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        yield f"got {shortened(repr(value))}, {expected_text(description)}"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"got {value}, {expected_text(description, found_number=True)}"
    elif description.kind == "choice" and value not in description.choices:
        yield f"got {shortened(repr(value))}, {expected_text(description)}"


def range_problems(values: Mapping[str, Any], descriptions: Mapping[str, Description]) -> List[SettingsError]:
    """Return the problems of values out of range, and of settings that contradict each other.

    Parameters
    ----------
    values : mapping of str to value
        The value of every setting by its name, each of the right kind (`kind_problems`).
    descriptions : mapping of str to Description
        The description of every setting by its name.
    """
    problems = [
        SettingsError(
            name,
            f"got {shortened(printable(str(values[name])))}, {expected_text(descriptions[name], found_number=True)}",
        )
        for name, is_allowed in _RANGES.items()
        if not is_allowed(values[name])
    ]
    problems += [
        SettingsError(name, f"got {value:g}, expected at most {_LARGEST:g}")
        for name, value in values.items()
        if isinstance(value, float) and value > _LARGEST and name not in {error.setting for error in problems}
    ]
    if not problems and len(set(values["target_mask"])) < len(values["target_mask"]):
        problems.append(SettingsError("target_mask", "names one mask twice, expected different masks; give each once"))
    if values["exclude_solvent"] and values["omit_confidence"]:
        problems.append(
            SettingsError(
                "exclude_solvent",
                "contradicts the setting omit_confidence, because the confidence shows where solvent is; choose one",
            )
        )
    if values["subtraction_mask"] and values["attenuate"] is None and values["sigmoid"] is None:
        problems.append(
            SettingsError(
                "subtraction_mask",
                "needs a modification that takes density away, expected attenuate or sigmoid with it; "
                "add attenuate, or sigmoid, or both",
            )
        )
    return problems


def _is_power(value: Any) -> bool:
    return value is None or value > 1


def _is_length(value: Any) -> bool:
    return value is None or value > 0


def _is_path(value: Any) -> bool:
    return value is None or value.strip() != ""


def _is_pair(text: str) -> bool:
    """Return whether a text holds two different class numbers, such as 1,2."""
    return re.fullmatch(r"[1-9]\d*,[1-9]\d*", text) is not None and len(set(text.split(","))) == 2


_RANGES: Mapping[str, Callable[[Any], bool]] = {
    "amplify": _is_power,
    "attenuate": _is_power,
    "sigmoid": _is_power,
    "lowpass": _is_length,
    "kernel_radius": _is_length,
    "lowpass_output": _is_length,
    "pivot": lambda pivot: 0.01 <= pivot <= 0.99,
    "kernel_size": lambda size: size is None or (size % 2 == 1 and 3 <= size <= 31),
    "tau": lambda tau: tau is None or 0 < tau < 1,
    "tile_size": lambda size: 3 <= size <= 128,
    "hedge_confidence": lambda power: 1 <= power <= 20,
    "scale_limit": lambda limit: 0 <= limit <= 1,
    "solvent_threshold": lambda threshold: threshold is None or 0 <= threshold <= 1,
    "max_box": lambda box: box == 0 or (box >= 32 and box % 2 == 0),
    "model_window": lambda residues: 5 <= residues <= 100,
    "seed": lambda seed: 0 <= seed <= 2147483647,
    "classes": lambda text: re.fullmatch(r"all|[1-9]\d*(,[1-9]\d*)*", text) is not None,
    "reference": lambda text: re.fullmatch(r"auto|own|shared|[1-9]\d*", text) is not None,
    "difference": lambda text: text == "" or _is_pair(text),
    "target_mask": lambda paths: all(isinstance(path, str) and path.strip() != "" for path in paths),
    "solvent_def": _is_path,
    "model": _is_path,
    "model_groups": _is_path,
    "model_masks": _is_path,
}
