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
from occupy_core.settings.presets import preset_values
from occupy_core.settings.setting_type import Description
from occupy_core.settings.settings import Settings, default_of, descriptions
from occupy_core.settings.typed_values import parse_value
from occupy_scipion import preset_form
from occupy_scipion.preset_form import CONDITIONS, PRESET


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
    "preset": Field(PRESET),
    "invert": Field("invertContrast"),
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
    "max_box": Field("maxBox", group="scale"),
    "solvent_def": Field("solventDefinition"),
    "target_mask": Field("targetMasks", group="target"),
    "subtraction_mask": Field("makeSubtractionMask"),
    "solvent_threshold": Field("solventThreshold", switch="solventFromScale", group="solvent"),
    "reference": Field("scaleReference"),
    "particles": Field("makeParticleSets"),
    "difference": Field("differenceOf"),
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


def add_reference_of_comparison(form: Any) -> None:
    """Add the scale reference for a comparison, which needs one full scale for all maps."""
    form.addParam(
        FIELDS["reference"].parameter,
        params.StringParam,
        default=default_of("reference"),
        label=descriptions()["reference"].label,
        help="Which map sets full scale for all maps. auto, shared: the best region among all maps. A number: the "
        "class (or item of a set) with this number.\nAllowed: auto, shared, or a class number.",
        expertLevel=LEVEL_ADVANCED,
    )


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
    preset = preset_form.preset_of(protocol)
    chosen = preset_values(preset)
    values = {
        name: _value(protocol, name, chosen)
        for name in form_settings()
        if name != "preset" and hasattr(protocol, FIELDS[name].parameter)
    }
    values = {**values, "solvent_def": solvent_definition, "target_mask": tuple(target_masks)}
    return Settings.with_preset(preset, **values)


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
    if parameter in CONDITIONS and form.hasParam(PRESET):
        common["condition"] = CONDITIONS[parameter]
    elif FIELDS[name].switch:
        common["condition"] = FIELDS[name].switch
    if description.kind == "choice":
        choices = preset_form.choices_of(description, name)
        number = len(choices) - 1 if preset_form.is_left_to_preset(name) else choices.index(default)
        form.addParam(parameter, params.EnumParam, choices=choices, default=number, **common)
    elif description.kind == "flag":
        _add_switch(form, name, parameter, **common)
    elif description.kind == "map":
        # Scipion's window fills in the output of the selected protocol if its class is named here exactly; with the
        # blank it does not. The list to choose from ignores the blank (and has masks too, which are volumes).
        kind = params.PointerParam if default is None else params.MultiPointerParam
        form.addParam(parameter, kind, pointerClass=" Volume", allowsNull=True, minNumObjects=0, **common)
    elif description.kind == "text":
        form.addParam(parameter, params.StringParam, default=default, **common)
    else:
        _add_number(form, name, description, common)


def _add_switch(form: Any, name: str, parameter: str, **common: Any) -> None:
    """Add a yes/no parameter; if a preset can set it, with the third choice "as the question needs"."""
    if not preset_form.is_left_to_preset(name):
        default = default_of(name) or False
        form.addParam(parameter, params.BooleanParam, default=default, **common)
        return
    choices = preset_form.SWITCH_CHOICES
    display = params.EnumParam.DISPLAY_HLIST
    form.addParam(parameter, params.EnumParam, choices=choices, default=len(choices) - 1, display=display, **common)


def _add_number(form: Any, name: str, description: Description, common: Dict[str, Any]) -> None:
    """Add the parameter of a number; before it, if the number can be off, a yes/no parameter."""
    default = default_of(name)
    if description.when_on is not None:
        label, text = description.label.split(":")[0], description.help
        _add_switch(form, name, FIELDS[name].switch, label=label, help=text, expertLevel=_level(description))
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


def _value(protocol: Any, name: str, chosen: Dict[str, Any]) -> Any:
    """Return a setting's value from the protocol's parameters; the default for masks and for settings switched off.

    `chosen` are the values of the preset; they count where a parameter is left "as the question needs".
    """
    field, description = FIELDS[name], descriptions()[name]
    if description.kind == "map":
        return default_of(name)
    if field.switch and not _is_on(getattr(protocol, field.switch).get(), name, chosen):
        return default_of(name)
    value = getattr(protocol, field.parameter).get()
    if description.kind == "flag":
        return _is_on(value, name, chosen)
    if description.kind == "text":
        return parse_value(name, value or "", description, default_of(name))
    if description.kind == "choice":
        choices = preset_form.choices_of(description, name)
        if value is None or not 0 <= value < len(choices):
            raise SettingsError(name, f"got choice number {value}, expected 0 to {len(choices) - 1}")
        return chosen.get(name, default_of(name)) if choices[value] == preset_form.AS_NEEDED else choices[value]
    return value


def _is_on(value: Any, name: str, chosen: Dict[str, Any]) -> bool:
    """Return whether a yes/no parameter is on."""
    return preset_form.switch_is_on(value, name, chosen) if preset_form.is_left_to_preset(name) else bool(value)
