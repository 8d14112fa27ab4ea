# SPDX-License-Identifier: GPL-3.0-or-later
"""The job in CCP-EM Pipeliner and its window, Doppio: a form with all settings, and outputs that further jobs take."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Sequence

from pipeliner.external_program_utils import ExternalProgram
from pipeliner.job_options import (
    BooleanJobOption,
    FileDescription,
    InputNodeJobOption,
    JobOption,
    JobOptionValidationResult,
    MultiInputNodeJobOption,
    MultipleChoiceJobOption,
    StringJobOption,
)
from pipeliner.node_factory import create_node
from pipeliner.nodes import NODE_ATOMCOORDS, NODE_DENSITYMAP, NODE_MASK3D, NODE_PARTICLEGROUPMETADATA
from pipeliner.pipeliner_job import PipelinerCommand, PipelinerJob, Ref
from pipeliner.results_display_objects import ResultsDisplayObject, ResultsDisplayPdfFile

from occupy_core import __version__
from occupy_core.errors import SettingsError
from occupy_core.settings.output_names import FIGURE, NODE_FILE
from occupy_core.settings.setting_type import Description
from relion_external.forms.command_words import Value, command_words, default_value, form_settings
from relion_external.option_parser import PROGRAM
from relion_external.options import read_command_line
from relion_files.star import read_star

_MAP = FileDescription("Map", [".mrc", ".map", ".ccp4"])
_MODEL = FileDescription("Atomic model", [".cif", ".mmcif", ".pdb", ".ent"])
# RELION 3.1 and 4 have another name for particles.
_NAMES_OF_NODES = {"ParticlesData": NODE_PARTICLEGROUPMETADATA}
_INPUTS = ("in_3dref", "in_parts", "in_mask", "angpix")


class OccupyJob(PipelinerJob):
    """The local scale of a map or of all classes of a 3D classification, and the occupancy of a fitted model."""

    PROCESS_NAME = "occupy.map_analysis.local_scale"
    OUT_DIR = "OccuPy"
    CATEGORY_LABEL = "Map Analysis"

    def __init__(self) -> None:
        super().__init__()
        info = self.jobinfo
        info.display_name = "OccuPy: local scale and occupancy"
        info.short_desc = "Estimate how occupied the parts of a map are"
        info.long_desc = (
            "Estimate the local scale (0..1) of a map, or of all classes of a 3D classification: where it is low, "
            "parts are missing in some particles, or flexible. Compare classes, modify maps by their local scale, and "
            "read the occupancy of the chains of a fitted model."
        )
        info.version = __version__
        info.job_author = "scipion-em-occupy"
        info.programs = [ExternalProgram(PROGRAM)]
        info.references = [
            Ref(
                authors=["Forsberg BO", "Shah PNM", "Burt A"],
                title="A robust normalized local filter to estimate compositional heterogeneity directly from "
                "cryo-EM maps",
                journal="Nat Commun",
                year="2023",
                volume="14",
                pages="5802",
                doi="10.1038/s41467-023-41478-1",
            )
        ]
        self.joboptions["in_3dref"] = InputNodeJobOption(
            label="Input map",
            node_type=NODE_DENSITYMAP,
            pattern=_MAP,
            help_text="One map, for example of a refinement, before sharpening. Give this or the classes.",
        )
        self.joboptions["in_parts"] = InputNodeJobOption(
            label="Classes of a 3D classification",
            node_type=NODE_PARTICLEGROUPMETADATA,
            pattern=FileDescription("Particles of the last iteration", ["_data.star"]),
            node_kwds=["relion", "class3d"],
            help_text="run_itNNN_data.star of a Class3D job: all its classes are compared. Give this or a map.",
        )
        self.joboptions["in_mask"] = InputNodeJobOption(
            label="Solvent definition",
            node_type=NODE_MASK3D,
            pattern=_MAP,
            help_text="A mask of the molecule, if the solvent is not found without one. Most maps need none.",
        )
        self.joboptions["angpix"] = StringJobOption(
            label="Voxel size (Å)",
            default_value="",
            help_text="Only if the map's header is wrong.",
            jobop_group="Advanced",
        )
        for name, description in form_settings().items():
            self.joboptions[name] = _option(name, description)
        self.get_runtab_options(threads=True, addtl_args=True)

    def create_output_nodes(self) -> None:
        """Announce no output: which files there are depends on the settings, and on what is found."""

    def create_post_run_output_nodes(self) -> None:
        """Add the outputs that the job lists for RELION."""
        table = read_star(os.path.join(self.output_dir, NODE_FILE))["output_nodes"].columns
        for name, label in zip(table["rlnPipeLineNodeName"], table["rlnPipeLineNodeTypeLabel"]):
            kind, _, *keywords = label.split(".")
            self.output_nodes.append(create_node(name, _NAMES_OF_NODES.get(kind, kind), keywords))

    def get_commands(self) -> List[PipelinerCommand]:
        """Return the command that runs the job."""
        return [PipelinerCommand([PROGRAM, "--o", self.output_dir, *self._words()], relion_control=True)]

    def additional_joboption_validation(self) -> List[JobOptionValidationResult]:
        """Return all that is wrong with the values on the form, as the job itself would say it."""
        if not (self.joboptions["in_3dref"].get_string() or self.joboptions["in_parts"].get_string()):
            inputs = [self.joboptions["in_3dref"], self.joboptions["in_parts"]]
            return [JobOptionValidationResult("error", inputs, "give Input map, or Classes of a 3D classification")]
        found = []
        for problem in read_command_line(["--o", "OccuPy/job001/", *self._words()]).problems:
            name = problem.setting if isinstance(problem, SettingsError) else ""
            raised_by = [self.joboptions[name]] if name in self.joboptions else [self.joboptions["in_3dref"]]
            text = problem.problem if isinstance(problem, SettingsError) else str(problem)
            found.append(JobOptionValidationResult("error", raised_by, text))
        return found

    def create_results_display(self) -> Sequence[ResultsDisplayObject]:
        """Return the pages of the job."""
        path = os.path.join(self.output_dir, FIGURE)
        return [ResultsDisplayPdfFile(file_path=path)] if os.path.isfile(path) else []

    def _words(self) -> List[str]:
        values: Dict[str, Value] = {}
        for name in (*_INPUTS, *form_settings()):
            option = self.joboptions[name]
            if isinstance(option, MultiInputNodeJobOption):
                values[name] = option.get_list()
            else:
                values[name] = option.get_boolean() if isinstance(option, BooleanJobOption) else option.get_string()
        values["j"] = self.joboptions["nr_threads"].get_string()
        return command_words(values, more=self.joboptions["other_args"].get_string())


def _option(name: str, description: Description) -> JobOption:
    """Return the field of a setting."""
    text = f"{description.help} Values: {description.values}."
    if description.derived:
        text += f" When empty: {description.derived}."
    common: Dict[str, Any] = {
        "label": description.label,
        "help_text": text,
        "jobop_group": "Advanced" if description.expert else "Main",
    }
    if name == "model":
        return InputNodeJobOption(node_type=NODE_ATOMCOORDS, pattern=_MODEL, **common)
    if name == "target_mask":
        return MultiInputNodeJobOption(node_type=NODE_MASK3D, pattern=_MAP, **common)
    if description.kind == "flag":
        return BooleanJobOption(default_value=bool(default_value(name)), **common)
    if description.kind == "choice":
        return MultipleChoiceJobOption(
            choices=list(description.choices), default_value=str(default_value(name)), **common
        )
    return StringJobOption(default_value=str(default_value(name)), **common)
