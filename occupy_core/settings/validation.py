# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the values of settings: kind, range, contradictions."""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Mapping

from occupy_core.errors import SettingsError
from occupy_core.settings.setting_type import Description

# Larger numbers have no meaning in any setting, and overflow where they are squared or used in single precision.
_LARGEST = 1e30
_TYPES = {
    "choice": (str,),
    "text": (str,),
    "number": (int, float),
    "integer": (int,),
    "flag": (bool,),
    "map": (str, tuple),
}


def check_kind(name: str, value: Any, default: Any, description: Description) -> None:
    """Refuse a value of the wrong kind.

    Parameters
    ----------
    name : str
        Name of the setting.
    value : any
    default : any
        Default of the setting; None is allowed where the default is None.
    description : Description

    Raises
    ------
    SettingsError
        With the value that was found and the values that are allowed.
    """
    if value is None and default is None:
        return
    allowed = _TYPES[description.kind]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        kind = {"number": "a number: ", "integer": "a whole number: "}.get(description.kind, "")
        raise SettingsError(name, f"got {value!r}, expected {kind}{description.values}")
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(name, f"got {value}, expected {description.values}")
    if description.kind == "choice" and value not in description.choices:
        raise SettingsError(name, f"got {value!r}, expected {description.values}")


def check_ranges(values: Mapping[str, Any], descriptions: Mapping[str, Description]) -> None:
    """Refuse values out of range, and settings that contradict each other.

    Parameters
    ----------
    values : mapping of str to value
        The value of every setting by its name, each of the right kind (`check_kind`).
    descriptions : mapping of str to Description
        The description of every setting by its name.

    Raises
    ------
    SettingsError
        With the value that was found and the values that are allowed.
    """
    _check_numbers(values, descriptions)
    _check_texts(values, descriptions)
    if values["exclude_solvent"] and values["omit_confidence"]:
        raise SettingsError(
            "exclude_solvent",
            "contradicts the setting omit_confidence, because the confidence shows where solvent is; choose one",
        )
    if values["subtraction_mask"] and values["attenuate"] is None and values["sigmoid"] is None:
        raise SettingsError(
            "subtraction_mask", "needs a modification that takes density away; add attenuate, or sigmoid, or both"
        )


def _check_numbers(values: Mapping[str, Any], descriptions: Mapping[str, Description]) -> None:
    def require(name: str, is_allowed: Callable[[Any], bool]) -> None:
        _require(name, values[name], is_allowed, descriptions)

    for name in ("amplify", "attenuate", "sigmoid"):
        require(name, lambda power: power is None or power > 1)
    for name in ("lowpass", "kernel_radius", "lowpass_output"):
        require(name, lambda value: value is None or value > 0)
    require("pivot", lambda pivot: 0.01 <= pivot <= 0.99)
    require("kernel_size", lambda size: size is None or (size % 2 == 1 and 3 <= size <= 31))
    require("tau", lambda tau: tau is None or 0 < tau < 1)
    require("tile_size", lambda size: 3 <= size <= 128)
    require("hedge_confidence", lambda power: 1 <= power <= 20)
    require("scale_limit", lambda limit: 0 <= limit <= 1)
    require("solvent_threshold", lambda threshold: threshold is None or 0 <= threshold <= 1)
    require("max_box", lambda box: box == 0 or (box >= 32 and box % 2 == 0))
    require("model_window", lambda residues: 5 <= residues <= 100)
    require("seed", lambda seed: 0 <= seed <= 2147483647)
    for name, value in values.items():
        if isinstance(value, float) and value > _LARGEST:
            raise SettingsError(name, f"got {value}, expected {descriptions[name].values}, and at most {_LARGEST:g}")


def _check_texts(values: Mapping[str, Any], descriptions: Mapping[str, Description]) -> None:
    def require(name: str, is_allowed: Callable[[Any], bool]) -> None:
        _require(name, values[name], is_allowed, descriptions)

    require("classes", lambda text: re.fullmatch(r"all|[1-9]\d*(,[1-9]\d*)*", text) is not None)
    require("reference", lambda text: re.fullmatch(r"auto|own|shared|[1-9]\d*", text) is not None)
    masks = values["target_mask"]
    require("target_mask", lambda paths: all(isinstance(path, str) and path.strip() != "" for path in paths))
    if len(set(masks)) < len(masks):
        raise SettingsError("target_mask", "names one mask twice; give each once")
    for name in ("solvent_def", "model"):
        require(name, lambda path: path is None or path.strip() != "")
    for name in ("model_groups", "model_masks"):
        require(name, lambda text: text.strip() != "")


def _require(name: str, value: Any, is_allowed: Callable[[Any], bool], descriptions: Mapping[str, Description]) -> None:
    if not is_allowed(value):
        raise SettingsError(name, f"got {value}, expected {descriptions[name].values}")
