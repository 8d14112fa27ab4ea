# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert between the core's settings of a fitted model and the parameters of a Scipion form.

Labels, help texts and defaults come from `occupy_core.settings`, as in `form.py`. These settings have a module of their
own because one setting has several parameters: a choice, and a file or a text for one of its values.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List

from pyworkflow.protocol import params

from occupy_core.errors import ModelError, SettingsError
from occupy_core.settings.settings import default_of, descriptions
from occupy_core.settings.typed_paths import typed_path
from occupy_core.settings.typed_values import NOT_GIVEN, plain_text
from occupy_scipion.form import help_text, problem_text

GROUPS = ("chain", "entity", "file")
MASKS = ("no", "all parts", "named parts")
_FILE, _NAMED = GROUPS.index("file"), MASKS.index("named parts")


def add_model(form: Any) -> None:
    """Add the parameter of the atomic model to the form's last section."""
    description = descriptions()["model"]
    form.addParam(
        "inputModel",
        params.PointerParam,
        pointerClass="AtomStruct",
        important=True,
        label=description.label,
        help=f"{description.help}\nChains, ligands and residues are named as in the model's file.",
    )


def add_model_settings(form: Any) -> None:
    """Add the parameters of the other settings of the model to the form's last section."""
    form.addParam(
        "modelGroups", params.EnumParam, choices=list(GROUPS), default=0, **_texts("model_groups", is_choice=True)
    )
    form.addParam(
        "modelGroupsFile",
        params.FileParam,
        condition=f"modelGroups == {_FILE}",
        label="File of parts",
        help="A text file with a line for each part, 'name: selection', in gemmi's syntax, for example "
        "'head: //A/20-150'. Selections take whole residues. Several lines with one name add up. Atoms that no line "
        "selects form the part 'other'.",
    )
    form.addParam("modelWindow", params.IntParam, default=default_of("model_window"), **_texts("model_window"))
    form.addParam("modelWhole", params.StringParam, default="", **_texts("model_whole"))
    form.addParam(
        "modelMasks", params.EnumParam, choices=list(MASKS), default=0, **_texts("model_masks", is_choice=True)
    )
    form.addParam(
        "modelMaskParts",
        params.StringParam,
        condition=f"modelMasks == {_NAMED}",
        label="Parts to mask",
        help="Names of parts, separated by commas, for example A,B.",
    )


def model_settings_of(protocol: Any) -> Dict[str, Any]:
    """Return the values of the core's settings of the model from a protocol's parameters, by the names of the settings.

    Raises
    ------
    SettingsError
        If a file or names are asked for and not given.
    """
    model = protocol.inputModel.get()
    return {
        "model": None if model is None else model.getFileName(),
        "model_groups": _groups(protocol),
        "model_window": protocol.modelWindow.get(),
        "model_whole": ",".join(_names(protocol.modelWhole)),
        "model_masks": _masks(protocol),
    }


def model_problems(settings: Any) -> List[str]:
    """Return the problems of a model and of the names of its parts, as Scipion shows them.

    Parameters
    ----------
    settings : Settings
        With a model. Its file is read, and so is the file of parts.
    """
    label = f"*{descriptions()['model'].label}*"
    if not os.path.exists(settings.model):
        return [f"{label}: {settings.model}: no such file; run its protocol again"]
    try:
        # Imported here: without gemmi, the plugin's other protocols must still be found.
        from occupy_core.modelling.atoms.atomic_model import read_model
        from occupy_core.modelling.atoms.groups import groups_of
    except ImportError as error:
        return [f"{label}: an atomic model needs gemmi, which is not installed ({error}); scipion3 pip install gemmi"]
    try:
        model = read_model(settings.model)
    except ModelError as error:
        return [f"{label}: {error}"]
    try:
        known = [group.name for group in groups_of(model, settings.model_groups)]
    except ModelError as error:
        return [problem_text(SettingsError("model_groups", str(error).replace("model_groups: ", "", 1)))]
    named = {"model_whole": settings.model_whole, "model_masks": settings.model_masks}
    if settings.model_masks in ("yes", "no"):
        del named["model_masks"]
    return [
        f"*{descriptions()[setting].label}*: found {name!r}, expected names of parts: {', '.join(known)}"
        for setting, text in named.items()
        for name in text.split(",")
        if name and name not in known
    ]


def _groups(protocol: Any) -> str:
    """Return the setting model_groups: "chain", "entity" or the path of a file."""
    choice = _choice(protocol.modelGroups, "model_groups", GROUPS)
    if choice != GROUPS[_FILE]:
        return choice
    path = typed_path(protocol.modelGroupsFile.get() or "")
    if not path:
        raise SettingsError("model_groups", "got no file, expected a text file with a line for each part; choose one")
    return path


def _masks(protocol: Any) -> str:
    """Return the setting model_masks: "yes", "no" or names of parts."""
    choice = _choice(protocol.modelMasks, "model_masks", MASKS)
    if choice != MASKS[_NAMED]:
        return "no" if choice == "no" else "yes"
    names = _names(protocol.modelMaskParts)
    if not names:
        raise SettingsError("model_masks", "got no names of parts, expected for example A,B; or mask all parts")
    return ",".join(names)


def _choice(parameter: Any, setting: str, choices: Any) -> str:
    value = parameter.get()
    if value is None or not 0 <= value < len(choices):
        raise SettingsError(setting, f"got choice number {value}, expected 0 to {len(choices) - 1}")
    return str(choices[value])


def _names(parameter: Any) -> List[str]:
    text = plain_text(parameter.get() or "")
    if text.lower() in NOT_GIVEN:
        return []
    return [name.strip() for name in text.split(",") if name.strip()]


def _texts(setting: str, *, is_choice: bool = False) -> Dict[str, str]:
    """Return the label and the help of a setting; the values of a choice are on the form already."""
    description = descriptions()[setting]
    return {"label": description.label, "help": description.help if is_choice else help_text(description)}
