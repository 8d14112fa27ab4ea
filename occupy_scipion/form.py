# SPDX-License-Identifier: GPL-3.0-or-later
"""The core's settings as parameters of a Scipion form, there and back.

Labels, help, defaults and levels come from `occupy_core.settings`; only Scipion's names of the parameters,
which users' scripts and workflows rely on, are written here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence

from pyworkflow.protocol import params
from pyworkflow.protocol.constants import LEVEL_ADVANCED, LEVEL_NORMAL

from occupy_core.errors import SettingsError
from occupy_core.settings.description import Description
from occupy_core.settings.settings import Settings, default_of, descriptions


@dataclass(frozen=True)
class Field:
    """How one setting appears on the form.

    Attributes
    ----------
    parameter : str
        Name of its parameter.
    switch : str
        Name of the yes/no parameter without which it is neither shown nor taken; empty for none.
    group : str
        Where it is not to stand with the core's group.
    """

    parameter: str
    switch: str = ""
    group: str = ""


FIELDS: Dict[str, Field] = {
    "mode": Field("scaleMode"),
    "amplify": Field("amplifyPower", switch="doAmplify"),
    "attenuate": Field("attenuatePower", switch="doAttenuate"),
    "sigmoid": Field("sigmoidPower", switch="doSigmoid"),
    "pivot": Field("sigmoidPivot", switch="doSigmoid"),
    "exclude_solvent": Field("excludeSolvent"),
    "lowpass": Field("lowpass"),
    "kernel_size": Field("kernelSize"),
    "kernel_radius": Field("kernelRadius"),
    "tau": Field("tau"),
    "normalisation": Field("normalisation"),
    "tile_size": Field("tileSize"),
    "nlrc": Field("noiseLevelRecalibration"),
    "hedge_confidence": Field("hedgeConfidence"),
    "omit_confidence": Field("omitConfidence"),
    "scale_limit": Field("scaleLimit"),
    "lowpass_output": Field("lowpassOutput"),
    "hist_match": Field("histogramMatch"),
    "max_box": Field("maxBox"),
    "solvent_def": Field("solventDefinition"),
    "target_mask": Field("targetMasks", group="target"),
    "subtraction_mask": Field("makeSubtractionMask"),
    "solvent_threshold": Field("solventThreshold", switch="solventFromScale"),
    "reference": Field("scaleReference"),
    "seed": Field("randomSeed"),
    "figures": Field("drawFigures", group="scale"),
}


def shown_settings() -> List[str]:
    """The settings that the form has, in the core's order."""
    return [name for name in descriptions() if name in FIELDS]


def add_settings(form: Any, *groups: str) -> None:
    """Add the parameters of the settings in some groups to the form's last section, those for experts last."""
    known = descriptions()
    names = [
        name for group in groups for name in shown_settings() if (FIELDS[name].group or known[name].group) == group
    ]
    add_named_settings(form, *names)


def add_named_settings(form: Any, *names: str) -> None:
    """Add the parameters of some settings to the form's last section, those for experts last."""
    known = descriptions()
    for name in sorted(names, key=lambda name: known[name].expert):
        _add(form, name, known[name])


def settings_of(
    protocol: Any, *, solvent_definition: Optional[str] = None, target_masks: Sequence[str] = ()
) -> Settings:
    """The settings that a protocol's parameters say.

    Parameters
    ----------
    protocol : Protocol
        With parameters that `add_settings` gave it; settings that its form has not take their defaults.
    solvent_definition : str, optional
        The file of the map that the parameter solventDefinition points at.
    target_masks : sequence of str
        Those of the maps that the parameter targetMasks points at.

    Raises
    ------
    SettingsError
        If a value is refused.
    """
    values = {name: _value(protocol, name) for name in shown_settings() if hasattr(protocol, FIELDS[name].parameter)}
    return Settings(**{**values, "solvent_def": solvent_definition, "target_mask": tuple(target_masks)})


def problem_text(error: SettingsError) -> str:
    """What is wrong with a setting, in Scipion's way: the parameter's label in bold, then the problem."""
    return f"*{descriptions()[error.setting].label}*: {in_form_words(error.problem)}"


def in_form_words(text: str) -> str:
    """The text with the core's names of settings, such as max_box, replaced by what the form calls them."""
    for name, description in descriptions().items():
        if "_" in name:
            text = re.sub(rf"\b{name}\b", description.label, text)
    return text


def _add(form: Any, name: str, description: Description) -> None:
    field, default = FIELDS[name], default_of(name)
    common = {
        "label": description.label,
        "help": _help_text(description),
        "expertLevel": LEVEL_ADVANCED if description.expert else LEVEL_NORMAL,
    }
    if field.switch:
        common["condition"] = field.switch
    if description.kind == "choice":
        choices = list(description.choices)
        form.addParam(field.parameter, params.EnumParam, choices=choices, default=choices.index(default), **common)
    elif description.kind == "flag":
        form.addParam(field.parameter, params.BooleanParam, default=default, **common)
    elif description.kind == "map":
        # The blank keeps Scipion's window from filling in the selected protocol's output unasked: it compares the
        # name as it stands, while the list to choose from drops the blank (and takes masks, which are volumes too).
        kind = params.PointerParam if default is None else params.MultiPointerParam
        form.addParam(field.parameter, kind, pointerClass=" Volume", allowsNull=True, minNumObjects=0, **common)
    elif description.kind == "text":
        form.addParam(field.parameter, params.StringParam, default=default, **common)
    else:
        if description.when_on is not None:
            form.addParam(
                field.switch,
                params.BooleanParam,
                default=False,
                label=description.label.split(":")[0],
                help=description.help,
                expertLevel=common["expertLevel"],
            )
            default = description.when_on
        kind = params.IntParam if description.kind == "integer" else params.FloatParam
        form.addParam(field.parameter, kind, default=default, allowsNull=default is None, **common)


def _help_text(description: Description) -> str:
    lines = [description.help, f"Allowed: {description.values}."]
    if description.derived:
        lines.append(f"When empty: {description.derived}.")
    return "\n".join(lines)


def _value(protocol: Any, name: str) -> Any:
    field, description = FIELDS[name], descriptions()[name]
    if description.kind == "map" or (field.switch and not getattr(protocol, field.switch).get()):
        return default_of(name)
    value = getattr(protocol, field.parameter).get()
    if description.kind == "text":
        return (value or default_of(name)).strip().lower()
    if description.kind == "choice":
        choices = description.choices
        if value is None or not 0 <= value < len(choices):
            raise SettingsError(name, f"got choice number {value}, expected 0 to {len(choices) - 1}")
        return choices[value]
    return value
