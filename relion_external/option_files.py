# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a command line names, and what is wrong with them before they are opened. Standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence, Tuple

from occupy_core.errors import ModelError
from occupy_core.settings.kind_of_groups import EXPECTED_FILE, check_kind_of_groups
from occupy_core.settings.settings import KINDS_OF_PARTS
from occupy_core.settings.typed_paths import file_problem, name_problem
from relion_files.iteration import CLEANED_UP, complete_iterations, iteration_of, refined_maps

_MAP = ("a map in MRC or CCP4 format", (".mrc", ".map", ".ccp4", ".rec", ".mrc.gz", ".map.gz", ".mrc.bz2"))
_MAPS = ("a map, a STAR file with rlnReferenceImage, or a text file with the name of a map in each line", _MAP[1])
_CLASSES = ("the run_itNNN_data.star of a 3D classification, or a map", ())
_GROUPS = (EXPECTED_FILE, (".txt",))
_MODEL = ("an atomic model in PDB or mmCIF format", (".cif", ".pdb", ".ent", ".cif.gz", ".pdb.gz", ".ent.gz"))


@dataclass(frozen=True)
class OptionFile:
    """A file that a command line names.

    Attributes
    ----------
    option : str
        Name of the option, without dashes.
    path : str
    expected : str
        What the file should be, in words.
    endings : tuple of str
        Endings of the names of such files, for hints; empty for the files of a classification.
    """

    option: str
    path: str
    expected: str
    endings: Tuple[str, ...]

    @property
    def problem(self) -> str:
        """Why the file cannot be used, with its option; empty if nothing is wrong so far."""
        text = self._problem()
        if text and self._was_cleaned_up():
            text += f"; {CLEANED_UP}"
        if text and self._pattern():
            text += f"; for all of them give {self._pattern()}"
        return f"--{self.option}: {text}" if text else ""

    def _problem(self) -> str:
        """Return why the file cannot be used, without its option."""
        if self.option != "model_groups" or os.path.exists(self.path) or name_problem(self.path):
            return file_problem(self.path, self.expected, self._fits)
        try:
            check_kind_of_groups(self.path)  # knows misspelt words, and selections in the place of a file
        except ModelError as error:
            return str(error).replace("model_groups: ", "", 1)
        return ""

    def _pattern(self) -> str:
        """Return the pattern for all maps in a folder that was named in the place of several maps; empty for others."""
        if self.option != "maps" or not os.path.isdir(self.path):
            return ""
        names = os.listdir(self.path) if os.access(self.path, os.R_OK) else []
        counts = [(sum(name.lower().endswith(ending) for name in names), ending) for ending in self.endings]
        count, ending = max(counts, key=lambda item: item[0])
        return os.path.join(self.path, f"*{ending}") if count else ""

    def _was_cleaned_up(self) -> bool:
        """Return whether the file is of an iteration before one that is there."""
        own, folder = iteration_of(self.path), os.path.dirname(self.path)
        others = map(iteration_of, [*complete_iterations(folder), *refined_maps(folder)])
        return own is not None and not os.path.exists(self.path) and any((other or 0) > own for other in others)

    def _fits(self, name: str) -> bool:
        """Return whether a file beside the one that was named may be meant."""
        if self.endings:
            return name.lower().endswith(self.endings)
        folder = self.path if os.path.isdir(self.path) else os.path.dirname(self.path)
        return name in (complete_iterations(folder) or refined_maps(folder))


def option_files(
    input_option: str, input_path: Optional[str], settings: Mapping[str, Any], maps: Sequence[str] = ()
) -> Tuple[OptionFile, ...]:
    """Return the files that a command line names; that of the parts only with a model.

    Parameters
    ----------
    input_option : str
        Name of the option that gives the input.
    input_path : str, optional
        A map, or a STAR file of a classification.
    settings : mapping of str to value
        The values of the settings, which may be wrong.
    maps : sequence of str
        The values of --maps.
    """
    groups = settings["model_groups"]
    given = (
        *(("maps", path, _MAPS) for path in maps),
        (input_option, input_path, _CLASSES if input_option == "in_parts" else _MAP),
        ("solvent_def", settings["solvent_def"], _MAP),
        *(("target_mask", mask, _MAP) for mask in settings["target_mask"]),
        ("model", settings["model"], _MODEL),
        ("model_groups", groups if settings["model"] and groups not in KINDS_OF_PARTS else None, _GROUPS),
    )
    return tuple(OptionFile(name, path, *kind) for name, path, kind in given if path)
