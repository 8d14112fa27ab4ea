# SPDX-License-Identifier: GPL-3.0-or-later
"""The question on a Scipion form (`preset`), and the conditions under which other parameters are shown.

A parameter that a preset can set has the choice "as the question needs", its default. So every other value, the
setting's own default included, is one that the user or a script has chosen, and wins over the preset.
"""

from __future__ import annotations

from typing import Any, Dict, List

from pyworkflow.protocol import params

from occupy_core.errors import SettingsError
from occupy_core.settings.presets import CUSTOM, PRESETS, preset_names, preset_values
from occupy_core.settings.setting_type import Description
from occupy_core.settings.settings import descriptions

PRESET = "preset"
AS_NEEDED = "as the question needs"
# The default of the form; without a form, as in RELION, the default is no question.
_DEFAULT = "weak"
# Values of a yes/no parameter that a preset can set. No and yes are those of a Boolean, so that scripts may use these.
SWITCH_CHOICES = ["No", "Yes", AS_NEEDED]
_YES, _LEFT = 1, 2

_LOOK_AT = {"classes": " To find the regions where classes differ, run *compare classes* instead."}


def add_preset(form: Any) -> None:
    """Add the question, and a line that says what it sets, to the form's last section."""
    description = descriptions()["preset"]
    lines = [
        f"*{preset.question}* Look at {preset.look_at}.{_LOOK_AT.get(name, '')}" for name, preset in PRESETS.items()
    ]
    form.addParam(
        PRESET,
        params.EnumParam,
        choices=[preset.question for preset in PRESETS.values()],
        default=preset_names().index(_DEFAULT),
        important=True,
        label=description.label,
        help="\n".join([*lines, description.help, f"Numbers in scripts, from 0: {description.values}."]),
    )
    for number, name in enumerate(PRESETS):
        if PRESETS[name].values:
            form.addParam(
                f"{PRESET}Sets{number}",
                params.LabelParam,
                condition=f"{PRESET} == {number}",
                label=f"This sets: {form_text(name)}.",
                help=f"Look at {PRESETS[name].look_at}.{_LOOK_AT.get(name, '')}",
            )


def form_text(preset: str) -> str:
    """Return what a preset sets, with the labels of the form: "Amplify: power 3"."""
    values = PRESETS[preset].values.items()
    return ", ".join(f"{descriptions()[name].label} {_text(value)}" for name, value in values)


def _text(value: Any) -> str:
    return "yes" if value is True else f"{value:g}" if isinstance(value, float) else str(value)


def preset_of(protocol: Any) -> str:
    """Return the name of the preset that a form asks for; "custom" for a form without the question.

    Raises
    ------
    SettingsError
        If the value is no number of a preset.
    """
    if not hasattr(protocol, PRESET):
        return CUSTOM
    value, names = getattr(protocol, PRESET).get(), preset_names()
    if value is None or not 0 <= value < len(names):
        raise SettingsError(PRESET, f"got choice number {value}, expected 0 to {len(names) - 1}")
    return names[value]


def is_left_to_preset(setting: str) -> bool:
    """Return whether a preset can choose the setting's value: its parameter has the choice "as the question needs"."""
    return setting in preset_values(_DEFAULT) and any(setting in preset.values for preset in PRESETS.values())


def switch_is_on(value: Any, setting: str, chosen: Dict[str, Any]) -> bool:
    """Return whether a yes/no parameter is on; `chosen` are the values of the preset (`preset_values`).

    Raises
    ------
    SettingsError
        If the value is no choice of the parameter.
    """
    if value is None or not 0 <= value < len(SWITCH_CHOICES):
        raise SettingsError(setting, f"got choice number {value}, expected 0 to {len(SWITCH_CHOICES) - 1}")
    return bool(chosen.get(setting)) if value == _LEFT else value == _YES


def choices_of(description: Description, setting: str) -> List[str]:
    """Return the values of a choice on the form; last, where a preset can choose, "as the question needs"."""
    return [*description.choices, AS_NEEDED] if is_left_to_preset(setting) else list(description.choices)


# --------------------------- conditions, as Scipion evaluates them ---------------------------


def is_on(switch: str, setting: str) -> str:
    """Return the condition that a yes/no parameter is on."""
    numbers = [number for number, preset in enumerate(PRESETS.values()) if preset.values.get(setting)]
    return f"({switch} == {_YES} or ({switch} == {_LEFT} and {PRESET} in {numbers}))"


_AMPLIFIES, _ATTENUATES = is_on("doAmplify", "amplify"), is_on("doAttenuate", "attenuate")
_TAKES_AWAY = f"({_ATTENUATES} or doSigmoid)"
_MODIFIES = f"({_AMPLIFIES} or {_TAKES_AWAY})"
_CHANGES_MAP = f"({_MODIFIES} or {is_on('excludeSolvent', 'exclude_solvent')})"
# Parameters that are shown only where they have an effect. A subtraction mask that is asked for stays, so that a form
# without attenuation can be put right.
CONDITIONS = {
    "amplifyPower": _AMPLIFIES,
    "attenuatePower": _ATTENUATES,
    "makeSubtractionMask": f"{_TAKES_AWAY} or makeSubtractionMask == {_YES}",
    "scaleLimit": _MODIFIES,
    "omitConfidence": _MODIFIES,
    "randomSeed": _TAKES_AWAY,
    "histogramMatch": _CHANGES_MAP,
    "lowpassOutput": _CHANGES_MAP,
    "scaleReference": "isinstance(inputVolumes, (SetOfVolumes, SetOfClasses))",
}
