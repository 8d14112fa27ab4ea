# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: the user's question, and the settings that answer it. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

CUSTOM = "custom"
# The settings that presets choose, with their defaults.
_NEUTRAL: Mapping[str, Any] = {
    "mode": "auto",
    "normalisation": "tiled",
    "amplify": None,
    "attenuate": None,
    "sigmoid": None,
    "exclude_solvent": False,
    "subtraction_mask": False,
}


@dataclass(frozen=True)
class Preset:
    """A question of the user.

    Attributes
    ----------
    question : str
        The question, as a form shows it.
    values : mapping of str to value
        The settings that differ from their defaults, by name.
    look_at : str
        What the user looks at after the job, as the end of a sentence.
    """

    question: str
    values: Mapping[str, Any]
    look_at: str


PRESETS: Mapping[str, Preset] = {
    "weak": Preset("Which parts are weak?", {}, "the scale, coloured on the map"),
    "occupancy": Preset(
        "How occupied is each part?",
        {"mode": "occupancy", "normalisation": "calibrated"},
        "the scale, which estimates occupancy; a target mask around a part gives a number with a 90 % interval",
    ),
    "classes": Preset(
        "How does the occupancy differ between classes?",
        {"mode": "occupancy", "normalisation": "calibrated"},
        "the scales of all classes, which share one full scale",
    ),
    "subtract": Preset(
        "How do I remove weak parts from the particles?",
        {"attenuate": 3.0, "subtraction_mask": True},
        "the subtraction mask: particle subtraction keeps what is inside",
    ),
    "show_weak": Preset(
        "What do weak parts look like?",
        {"amplify": 3.0},
        "the amplified map, which shows weak and strong parts at one contour level",
    ),
    "only_whole": Preset(
        "What is fully occupied?",
        {"attenuate": 3.0, "exclude_solvent": True},
        "the attenuated map, which keeps fully occupied parts only",
    ),
    CUSTOM: Preset("I choose all settings myself", {}, "the outputs that the settings ask for"),
}


def preset_names() -> Tuple[str, ...]:
    """Return the names of the presets, in the order of a form."""
    return tuple(PRESETS)


def preset_values(name: str) -> Dict[str, Any]:
    """Return the value that a preset gives to each setting that presets choose, by name; none for "custom"."""
    return {} if name == CUSTOM else {**_NEUTRAL, **PRESETS[name].values}


def preset_text(name: str, used: Mapping[str, Any]) -> str:
    """Return what a preset sets, in one line such as "mode occupancy; given instead: normalisation tiled".

    Parameters
    ----------
    name : str
    used : mapping
        The values of all settings of the job, in which given values overrule the preset.
    """
    values = PRESETS[name].values
    kept = [_value_text(setting, value) for setting, value in values.items() if used[setting] == value]
    given = [_value_text(setting, used[setting]) for setting, value in values.items() if used[setting] != value]
    text = ", ".join(kept) or ("nothing" if values else "the defaults of all settings")
    return f"{text}; given instead: {', '.join(given)}" if given else text


def _value_text(setting: str, value: Any) -> str:
    words = {True: "yes", False: "no", None: "off"}
    is_word = value is None or isinstance(value, bool)
    text = words[value] if is_word else f"{value:g}" if isinstance(value, float) else str(value)
    return f"{setting} {text}"
