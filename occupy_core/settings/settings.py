# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting, once: default, unit, range and help text; those on one map are in `map_settings`.

The command line, Scipion's form, the reports and the table of docs/settings.md are made from `Settings`. Standard
library only, so that a host checks options before it loads numpy.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from occupy_core.errors import SettingsError
from occupy_core.settings.map_settings import MODES as MODES
from occupy_core.settings.map_settings import NORMALISATIONS as NORMALISATIONS
from occupy_core.settings.map_settings import MapSettings
from occupy_core.settings.presets import preset_names, preset_values
from occupy_core.settings.setting_type import Description, setting, shortened
from occupy_core.settings.typed_paths import printable
from occupy_core.settings.validation import check_settings

MODIFICATIONS = ("amplify", "attenuate", "sigmoid")
KINDS_OF_PARTS = ("chain", "entity")


@dataclass(frozen=True)
class Settings(MapSettings):
    """Settings of a job, checked on construction: those on one map, then those on several maps, models and the run.

    None means "off" for a model; see `MapSettings` for the others.

    Raises
    ------
    SettingsError
        If a value is out of range, of the wrong kind, or contradicts another.
    """

    classes: str = setting(
        "all",
        "Classes",
        "text",
        "all, or numbers such as 1,3,4",
        "Numbers of the classes to process. With a class map as the input, this setting asks for all classes of its "
        "classification, or for those with these numbers.",
        "scale",
        command_only=True,
    )
    reference: str = setting(
        "auto",
        "Scale reference",
        "text",
        "auto, own, shared, or a class number",
        "Which map sets full scale when there are several maps. own: each map its own. shared: one full scale for all "
        "maps, so that their scales can be compared; the maps must share one grey scale, like the classes of one "
        "classification. A number: one full scale for all maps, from the class (or item of a set) with this number. "
        "auto: shared for the classes of a classification, own otherwise.",
        "scale",
        expert=True,
    )
    model: Optional[str] = setting(
        None,
        "Atomic model",
        "text",
        "a PDB or mmCIF file, fitted to the map",
        "Report how occupied each part of this atomic model is. The model must lie in the map; in a job on several "
        "maps, in all of them.",
        "model",
        derived="none",
        command_only=True,
    )
    model_groups: str = setting(
        "chain",
        "Parts of the model",
        "text",
        "chain, entity, or a text file",
        "What counts as a part of the model. chain: each chain. entity: all copies of a molecule together. A text file "
        "has a line for each part, 'name: selection' of whole residues in gemmi's syntax, for example "
        "'head: //A/20-150'. Ligands are parts of their own.",
        "model",
        command_only=True,
    )
    model_window: int = setting(
        15,
        "Window along chains (residues)",
        "integer",
        "5..100",
        "Residues in a window of the traces, which show the occupancy along each chain.",
        "model",
        command_only=True,
    )
    model_whole: str = setting(
        "",
        "Fully occupied parts",
        "text",
        "names of parts, such as A,B",
        "The parts that count as 1, in every map.",
        "model",
        derived="the best occupied ones",
        command_only=True,
    )
    model_masks: str = setting(
        "no",
        "Masks of parts",
        "text",
        "yes, no, or names of parts",
        "Write soft masks around parts of the model, for focused classification and particle subtraction.",
        "model",
        command_only=True,
    )
    particles: bool = setting(
        False,
        "Particles of regions",
        "flag",
        "yes, no",
        "Divide the particles by each sure region or part: of classes with it at occupancy 0.5 or more, and others.",
        "comparison",
    )
    difference: str = setting(
        "",
        "Signed difference of classes",
        "text",
        "two different class numbers, such as 1,2",
        "Write the map of the first class minus the second, smoothed by 12 Å, in standard deviations of its noise.",
        "comparison",
    )
    seed: int = setting(
        0,
        "Random seed",
        "integer",
        "0..2147483647",
        "Seed of the noise that replaces attenuated density. The same seed gives the same map.",
        "output",
        expert=True,
    )
    figures: bool = setting(
        True,
        "Figures",
        "flag",
        "yes, no",
        "Draw logfile.pdf, with pages on each map. A job on a small map takes less than half the time without it, "
        "which helps when jobs run in a loop. Maps, tables and report.json do not change.",
        "output",
        expert=True,
    )

    def __post_init__(self) -> None:
        known = descriptions()
        check_settings(vars(self), {name: default_of(name) for name in known}, known)

    @classmethod
    def with_preset(cls, preset: str, **given: Any) -> Settings:
        """Make the settings that answer a question; each setting in `given` wins over the preset.

        The field `preset` alone only records the question: it changes no other setting.

        Parameters
        ----------
        preset : str
            One of `preset_names()`.
        **given : any
            Settings by name.

        Raises
        ------
        SettingsError
            As for `Settings`.
        """
        chosen = preset_values(preset) if preset in preset_names() else {}
        return cls(**{**chosen, **given, "preset": preset})

    @property
    def modifications(self) -> Tuple[str, ...]:
        """Names of the modifications that are switched on; the setting of that name holds the power."""
        return tuple(name for name in MODIFICATIONS if getattr(self, name) is not None)

    @property
    def resolved_mode(self) -> str:
        """The mode without "auto": "occupancy" when a map is modified or a target mask is given, else "resolution"."""
        if self.mode != "auto":
            return self.mode
        return "occupancy" if self.modifications or self.exclude_solvent or self.target_mask else "resolution"

    @property
    def reads_occupancy(self) -> bool:
        """Whether the scale estimates occupancy: calibrated normalisation in occupancy mode."""
        return self.normalisation == "calibrated" and self.resolved_mode == "occupancy"

    @property
    def groups_file(self) -> Optional[str]:
        """Path of the text file of parts of the model; None without one."""
        return None if self.model is None or self.model_groups in KINDS_OF_PARTS else self.model_groups

    def to_dict(self) -> Dict[str, Any]:
        """Return the settings as JSON types; `Settings.from_dict` is the inverse."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Make settings of the JSON types that `to_dict` returned; names that are left out take their defaults.

        Raises
        ------
        SettingsError
            If a name is not a setting, or a value is not allowed.
        """
        known = descriptions()
        for name in values:
            if name not in known:
                raise SettingsError(shortened(printable(name)), f"is not a setting; expected one of {', '.join(known)}")
        arguments: Dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**arguments)


def descriptions() -> Dict[str, Description]:
    """Return the description of every setting by name, in the order of the table of docs/settings.md."""
    return {item.name: item.metadata["description"] for item in dataclasses.fields(Settings)}


def default_of(name: str) -> Any:
    """Return the default of a setting."""
    return Settings.__dataclass_fields__[name].default
