# SPDX-License-Identifier: GPL-3.0-or-later
"""The job in himena-relion: a form with the settings that most users need, and outputs that further jobs take.

himena-relion reads the types of the form's fields, so this module does not postpone the evaluation of annotations.
"""

import os
import re
import subprocess
from typing import Annotated, Any, Dict, Iterator, List, Optional, Tuple

from himena_relion import RelionExternalJob
from himena_relion._annotated.io import IN_MASK, IN_PARTICLES, MAP_TYPE
from himena_relion.consts import FileNames, MenuId

from occupy_core.settings.output_names import NODE_FILE
from occupy_core.settings.presets import PRESETS
from occupy_core.settings.settings import descriptions
from relion_external.forms.command_words import FIRST_PRESET, command_words
from relion_external.option_parser import PROGRAM
from relion_files.star import read_star

_QUESTIONS = [(preset.question, name) for name, preset in PRESETS.items()]  # as the form shows them, and their names
_ON_INPUT = ("preset", "classes", "model", "model_masks")  # the others are on a page of their own


def _field(name: str, **more: Any) -> Dict[str, Any]:
    """Return what the form shows of a setting."""
    description = descriptions()[name]
    group = "I/O" if name in _ON_INPUT else "Settings"
    derived = f" When empty: {description.derived}." if description.derived else ""
    tooltip = f"{description.help} Values: {description.values}.{derived}"
    return {"label": description.label, "tooltip": tooltip, "group": group, **more}


class OccupyLocalScale(RelionExternalJob):
    """Estimate the local scale of a map or of all classes, compare classes, read the occupancy of a fitted model."""

    @classmethod
    def import_path(cls) -> str:
        """Return where himena-relion finds this class when it opens the job again."""
        return f"{cls.__module__}:{cls.__name__}"

    @classmethod
    def job_title(cls) -> str:
        """Return the name of the job in menus."""
        return "OccuPy: local scale and occupancy"

    @classmethod
    def menu_id(cls) -> str:
        """Return the menu that has the job."""
        return str(MenuId.RELION_POSTPROCESS_JOB)

    def output_nodes(self) -> List[Tuple[str, str]]:
        """Return the outputs, once the job has listed them for RELION: they depend on the settings."""
        path = self.output_job_dir.path / NODE_FILE
        if not path.is_file():
            return []
        table = read_star(os.fspath(path))["output_nodes"].columns
        names = [os.path.basename(name) for name in table["rlnPipeLineNodeName"]]
        return list(zip(names, table["rlnPipeLineNodeTypeLabel"]))

    def run(
        self,
        in_3dref: MAP_TYPE = "",
        in_parts: IN_PARTICLES = "",
        in_mask: IN_MASK = "",
        preset: Annotated[str, _field("preset", choices=_QUESTIONS)] = FIRST_PRESET,
        classes: Annotated[str, _field("classes")] = "",
        model: Annotated[str, _field("model")] = "",
        model_masks: Annotated[str, _field("model_masks")] = "",
        lowpass: Annotated[Optional[float], _field("lowpass")] = None,
        amplify: Annotated[Optional[float], _field("amplify")] = None,
        attenuate: Annotated[Optional[float], _field("attenuate")] = None,
        sigmoid: Annotated[Optional[float], _field("sigmoid")] = None,
        exclude_solvent: Annotated[bool, _field("exclude_solvent")] = False,
        more: Annotated[
            str,
            {
                "label": "More options",
                "tooltip": f"Any other options of {PROGRAM} as name=value, with commas between them and no blanks: "
                "normalisation=calibrated,max_box=0",
                "group": "Settings",
            },
        ] = "",
        j: Annotated[int, {"label": "Number of threads", "group": "Settings"}] = 1,
    ) -> Iterator[None]:
        """Run the job, which itself looks for a request to abort. Yields once if it was aborted."""
        values: Dict[str, Any] = {name: value for name, value in locals().items() if name not in ("self", "more")}
        # Values may have commas too: a comma before a name and = begins the next option.
        more_words = [f"--{item}" for item in re.split(r",(?=\w+=)", more) if item]
        words = [*command_words(values), *more_words]
        folder = self.output_job_dir
        name = os.path.join(os.path.relpath(folder.path, folder.relion_project_dir), "")
        process = subprocess.Popen([PROGRAM, "--o", name, *words], cwd=folder.relion_project_dir)
        try:
            process.wait()
        finally:
            process.terminate()
            process.wait()
        if (folder.path / FileNames.EXIT_ABORTED).exists():
            (folder.path / FileNames.ABORT_NOW).touch()
            yield  # himena-relion then ends the job as aborted
        if process.returncode:
            raise RuntimeError(f"{PROGRAM} has failed; the reason is above")
        with folder.edit_job_pipeline() as pipeline:
            for output, label in self.output_nodes():
                pipeline.append_output(folder.path.relative_to(folder.relion_project_dir) / output, label)
