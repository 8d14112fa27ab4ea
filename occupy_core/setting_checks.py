# SPDX-License-Identifier: GPL-3.0-or-later
"""What a setting is described by, and the checks of its value."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Tuple

from occupy_core.errors import SettingsError

if TYPE_CHECKING:
    from occupy_core.settings import Settings


@dataclass(frozen=True)
class Description:
    """What a user reads about one setting.

    Attributes
    ----------
    label : str
        Name on a form, with its unit.
    kind : str
        One of "choice", "number", "integer", "flag", "map", "text".
    values : str
        The allowed values, in words.
    help : str
        What follows from the setting.
    group : str
        "scale", "modify", "solvent" or "output": the section of a form.
    choices : tuple of str
        For "choice" only.
    when_on : float, optional
        For a number that is off unless given: the value taken when it is switched on without one.
    derived : str
        How the value is found when none is given.
    expert : bool
        Shown only to those who ask for all settings.
    command_only : bool
        On no form: there the input itself is chosen so.
    """

    label: str
    kind: str
    values: str
    help: str
    group: str
    choices: Tuple[str, ...] = ()
    when_on: Optional[float] = None
    derived: str = ""
    expert: bool = False
    command_only: bool = False


def setting(default: Any, label: str, kind: str, values: str, help: str, group: str, **more: Any) -> Any:
    """A dataclass field with its description."""
    description = Description(label, kind, values, help, group, **more)
    return field(default=default, metadata={"description": description})


_TYPES = {
    "choice": (str,),
    "text": (str,),
    "number": (int, float),
    "integer": (int,),
    "flag": (bool,),
    "map": (str, tuple),
}


def check_kind(name: str, value: Any, default: Any, description: Description) -> None:
    """Refuse a value of the wrong kind."""
    if value is None and default is None:
        return
    allowed = _TYPES[description.kind]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise SettingsError(name, f"got {value!r}, expected {description.values}")
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(name, f"got {value}, expected {description.values}")
    if description.kind == "choice" and value not in description.choices:
        raise SettingsError(name, f"got {value!r}, expected {description.values}")


def check_ranges(settings: Settings, descriptions: Mapping[str, Description]) -> None:
    """Refuse values out of range."""

    def require(name: str, holds: bool) -> None:
        if not holds:
            raise SettingsError(name, f"got {getattr(settings, name)}, expected {descriptions[name].values}")

    for name in settings.modifications:
        require(name, getattr(settings, name) > 1)
    for name in ("lowpass", "kernel_radius", "lowpass_output"):
        value = getattr(settings, name)
        require(name, value is None or value > 0)
    size, box = settings.kernel_size, settings.max_box
    require("pivot", 0.01 <= settings.pivot <= 0.99)
    require("kernel_size", size is None or (size % 2 == 1 and 3 <= size <= 31))
    require("tau", settings.tau is None or 0 < settings.tau < 1)
    require("tile_size", 3 <= settings.tile_size <= 128)
    require("hedge_confidence", 1 <= settings.hedge_confidence <= 20)
    require("scale_limit", 0 <= settings.scale_limit <= 1)
    require("solvent_threshold", settings.solvent_threshold is None or 0 <= settings.solvent_threshold <= 1)
    require("max_box", box == 0 or (box >= 32 and box % 2 == 0))
    if settings.exclude_solvent and settings.omit_confidence:
        raise SettingsError(
            "exclude_solvent",
            "contradicts the setting omit_confidence: it is the confidence that tells where solvent is; choose one",
        )
    if settings.subtraction_mask and settings.attenuate is None and settings.sigmoid is None:
        raise SettingsError(
            "subtraction_mask", "needs a modification that takes something away; add attenuate, or sigmoid, or both"
        )
    require("seed", 0 <= settings.seed <= 2147483647)
    require("classes", re.fullmatch(r"all|[1-9]\d*(,[1-9]\d*)*", settings.classes) is not None)
    require("reference", re.fullmatch(r"auto|own|shared|[1-9]\d*", settings.reference) is not None)
    masks = settings.target_mask
    require("target_mask", all(isinstance(path, str) and path.strip() != "" for path in masks))
    if len(set(masks)) < len(masks):
        raise SettingsError("target_mask", "names one mask twice; give each once")
    require("solvent_def", settings.solvent_def is None or settings.solvent_def.strip() != "")


def without_effect(settings: Settings) -> List[str]:
    """Settings that were given and change nothing beside the others."""
    defaults = type(settings)()
    modified = bool(settings.modifications)
    needs = {
        "pivot": ("sigmoid", settings.sigmoid is not None),
        "scale_limit": ("amplify, attenuate or sigmoid", modified),
        "omit_confidence": ("amplify, attenuate or sigmoid", modified),
        "tile_size": ("tiled normalisation", settings.normalisation == "tiled" or bool(settings.target_mask)),
        "tau": ("tiled or kernel normalisation", settings.normalisation != "calibrated"),
        "lowpass_output": ("amplify, attenuate, sigmoid or exclude_solvent", modified or settings.exclude_solvent),
        "hist_match": ("amplify, attenuate, sigmoid or exclude_solvent", modified or settings.exclude_solvent),
    }
    notes = [
        f"{name} has no effect without {other}"
        for name, (other, there) in needs.items()
        if not there and getattr(settings, name) != getattr(defaults, name)
    ]
    if settings.normalisation == "calibrated" and settings.nlrc:
        notes.append("noise-level recalibration moves the zero that was calibrated: the scale is no occupancy any more")
    if settings.normalisation == "calibrated" and settings.resolved_mode == "resolution":
        notes.append(
            "calibrated normalisation in resolution mode: the scale falls with local resolution too; for occupancies "
            "set mode to occupancy"
        )
    return notes
