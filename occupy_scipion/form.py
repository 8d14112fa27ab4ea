# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert between the core's settings and the parameters of a Scipion form.

Labels, help texts, defaults and levels come from `occupy_core.settings`. Only the names of the parameters, on which
users' scripts and workflows rely, are defined here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence

from pyworkflow.protocol import params
from pyworkflow.protocol.constants import LEVEL_ADVANCED, LEVEL_NORMAL

from occupy_core.errors import SettingsError
from occupy_core.settings.setting_type import Description
from occupy_core.settings.settings import Settings, default_of, descriptions
from occupy_core.settings.typed_values import parse_value


@dataclass(frozen=True)
class Field:
    """The parameters of one setting.

    Attributes
    ----------
    parameter : str
        Name of the parameter that holds the setting's value.
    switch : str
        Name of a yes/no parameter; with "no", `parameter` is hidden and has no effect. Empty for none.
    group : str
        Group of settings on the form; empty for the group in the setting's description.
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


def form_settings() -> List[str]:
    """Return the names of the settings that have a field on the form, in the core's order."""
    return [name for name in descriptions() if name in FIELDS]


def add_settings(form: Any, *groups: str) -> None:
    """Add the parameters of the settings in these groups to the form's last section, settings for experts last."""
    known = descriptions()
    names = [name for group in groups for name in form_settings() if (FIELDS[name].group or known[name].group) == group]
    add_named_settings(form, *names)


def add_named_settings(form: Any, *names: str) -> None:
    """Add the parameters of these settings to the form's last section, settings for experts last."""
    known = descriptions()
    for name in sorted(names, key=lambda name: known[name].expert):
        _add_setting(form, name, known[name])


def settings_of(
    protocol: Any, *, solvent_definition: Optional[str] = None, target_masks: Sequence[str] = ()
) -> Settings:
    """Return the settings from a protocol's parameters; a setting without a parameter has its default.

    Parameters
    ----------
    protocol : Protocol
        A protocol whose form was made with `add_settings` or `add_named_settings`.
    solvent_definition : str, optional
        File name of the map in the parameter solventDefinition.
    target_masks : sequence of str
        File names of the masks in the parameter targetMasks.

    Raises
    ------
    SettingsError
        If a value is not allowed.
    """
    values = {name: _value(protocol, name) for name in form_settings() if hasattr(protocol, FIELDS[name].parameter)}
    return Settings(**{**values, "solvent_def": solvent_definition, "target_mask": tuple(target_masks)})


def problem_text(error: SettingsError) -> str:
    """Return an error about a setting as Scipion shows errors: the parameter's label in bold, then the problem."""
    return f"*{descriptions()[error.setting].label}*: {with_form_labels(error.problem)}"


def problem_texts(error: SettingsError) -> List[str]:
    """Return the texts of an error about one or several settings (`problem_text`)."""
    return [problem_text(item) for item in error.all]


def with_form_labels(text: str) -> str:
    """Return the text with the core's names of settings, such as max_box, replaced by their labels on the form."""
    for name, description in descriptions().items():
        if "_" in name:
            text = re.sub(rf"\b{name}\b", description.label, text)
    return text


def _add_setting(form: Any, name: str, description: Description) -> None:
    """Add the parameter of one setting."""
    parameter, default = FIELDS[name].parameter, default_of(name)
    common = {"label": description.label, "help": help_text(description), "expertLevel": _level(description)}
    if FIELDS[name].switch:
        common["condition"] = FIELDS[name].switch
    if description.kind == "choice":
        choices = list(description.choices)
        form.addParam(parameter, params.EnumParam, choices=choices, default=choices.index(default), **common)
    elif description.kind == "flag":
        form.addParam(parameter, params.BooleanParam, default=default, **common)
    elif description.kind == "map":
        # Scipion's window fills in the output of the selected protocol if its class is named here exactly; with the
        # blank it does not. The list to choose from ignores the blank (and has masks too, which are volumes).
        kind = params.PointerParam if default is None else params.MultiPointerParam
        form.addParam(parameter, kind, pointerClass=" Volume", allowsNull=True, minNumObjects=0, **common)
    elif description.kind == "text":
        form.addParam(parameter, params.StringParam, default=default, **common)
    else:
        _add_number(form, name, description, common)


def _add_number(form: Any, name: str, description: Description, common: Dict[str, Any]) -> None:
    """Add the parameter of a number; before it, if the number can be off, a yes/no parameter."""
    default = default_of(name)
    if description.when_on is not None:
        form.addParam(
            FIELDS[name].switch,
            params.BooleanParam,
            default=False,
            label=description.label.split(":")[0],
            help=description.help,
            expertLevel=_level(description),
        )
        default = description.when_on
    kind = params.IntParam if description.kind == "integer" else params.FloatParam
    form.addParam(FIELDS[name].parameter, kind, default=default, allowsNull=default is None, **common)


def _level(description: Description) -> int:
    return LEVEL_ADVANCED if description.expert else LEVEL_NORMAL


def help_text(description: Description) -> str:
    """Return a setting's help on the form: what it does, the values, and what an empty field stands for."""
    lines = [description.help, f"Allowed: {description.values}."]
    if description.derived:
        lines.append(f"When empty: {description.derived}.")
    return "\n".join(lines)


def _value(protocol: Any, name: str) -> Any:
    """Return a setting's value from the protocol's parameters; the default for masks and for settings switched off."""
    field, description = FIELDS[name], descriptions()[name]
    if description.kind == "map" or (field.switch and not getattr(protocol, field.switch).get()):
        return default_of(name)
    value = getattr(protocol, field.parameter).get()
    if description.kind == "text":
        return parse_value(name, value or "", description, default_of(name))
    if description.kind == "choice":
        choices = description.choices
        if value is None or not 0 <= value < len(choices):
            raise SettingsError(name, f"got choice number {value}, expected 0 to {len(choices) - 1}")
        return choices[value]
    return value
