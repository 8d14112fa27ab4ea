# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

from pwem.objects import SetOfVolumes
from pwem.viewers.mdviewer.viewer import MDView
from pwem.viewers.viewer_chimera import Chimera, ChimeraView
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, ProtocolViewer

from occupy_core.errors import MapError
from occupy_core.reporting.chimerax import session_commands
from occupy_core.reporting.pdf.logfile import own_style, pages_of
from occupy_core.reporting.pdf.slices import AXIS_NAMES, slices_figure
from occupy_core.reporting.sections import map_sections, tile_section
from occupy_core.settings.output_names import CHIMERAX, FIGURE, MAP_OUTPUTS
from occupy_scipion import report
from occupy_scipion.labels import OccupyLabel
from occupy_scipion.protocols import ProtOccupyLocalScale
from occupy_scipion.sources import is_set, voxels_of
from occupy_scipion.viewers.viewer_volume import OccupyVolumeViewer
from occupy_scipion.viewers.views import DocumentView, FigureView, PageView, document_program

# The run's commands for ChimeraX, but for another map shown first.
_OTHER_MAP = "occupy_other_map.cxc"
_PLANES = ["all three", *AXIS_NAMES]


class OccupyLocalScaleViewer(OccupyLabel, ProtocolViewer):
    """Slices of the maps side by side, and the ways to the outputs."""

    _label = "local scale"
    _targets = [ProtOccupyLocalScale]
    _environments = [DESKTOP_TKINTER]

    def __init__(self, **kwargs):
        ProtocolViewer.__init__(self, **kwargs)
        self._sources = []

    def _defineParams(self, form):
        self._sources = self._computed()
        form.addSection(label="Results")
        self._define_first(form)
        if self._several():
            form.addParam(
                "whichMap",
                params.EnumParam,
                choices=[f"{source.item_id}: {source.name}" for source in self._sources],
                default=0,
                label="Map (id: file)",
                help="Maps that failed are not listed; the protocol's summary names them.",
            )
        group = form.addGroup("Slices")
        group.addParam(
            "planes",
            params.EnumParam,
            choices=_PLANES,
            default=0,
            display=params.EnumParam.DISPLAY_HLIST,
            label="Cut across",
            help="The axis that the slices are perpendicular to; they pass through the middle of the box.",
        )
        group.addParam(
            "showSlices",
            params.LabelParam,
            label="Input, scale, confidence and modified maps",
            help="Central slices side by side. The modified maps have the grey levels of the input, so that what was "
            "amplified looks brighter and what was attenuated darker. Scale and confidence run from 0 to 1.",
        )
        group = form.addGroup("Report")
        group.addParam(
            "showReport",
            params.LabelParam,
            label="This map on one page",
            help="Slices, solvent model, scale, what became of it, where full scale was found, all settings and "
            "derived values, and every warning.",
        )
        group.addParam(
            "showDocument",
            params.LabelParam,
            label="The whole run as a PDF",
            help="logfile.pdf in the run's folder: the same page for each map and, for several, one for all first.",
        )
        group = form.addGroup("Outputs")
        group.addParam("whichOutput", params.EnumParam, choices=self._output_names(), default=0, label="Output")
        group.addParam(
            "showOutput",
            params.LabelParam,
            label="Open this output",
            help="A set opens in Scipion's metadata viewer, one map as slices.",
        )
        group = form.addGroup("ChimeraX")
        group.addParam(
            "showChimera",
            params.LabelParam,
            label="Map coloured by local scale",
            help="Opens occupy.cxc of the run's folder in ChimeraX: the input map, its surface coloured from 0 to 1 by "
            "the local scale, and the other maps hidden. The file ends with commands to go on with.",
        )

    def _define_first(self, form):
        """Room for what another protocol's viewer shows first."""

    def _getVisualizeDict(self):
        return {
            "showSlices": self._slices,
            "showReport": self._report,
            "showDocument": self._document,
            "showOutput": self._output,
            "showChimera": self._chimera,
        }

    # --------------------------- what the buttons show ---------------------------

    def _slices(self, _name=None):
        try:
            source = self._source()
            panels = {"input": voxels_of(source)}
            for kind, path in self._files(source).items():
                panels[MAP_OUTPUTS[kind].title] = voxels_of(source, path)
            planes = (0, 1, 2) if self.planes.get() == 0 else (self.planes.get() - 1,)
            figure = slices_figure(panels, title=source.name, planes=planes)
        except MapError as error:
            return [self.errorMessage(str(error), "Cannot show the maps")]
        return [FigureView(figure, f"Local scale of {source.name}", self._tkRoot)]

    def _report(self, _name=None):
        found = report.read_report(self.protocol._getExtraPath())
        try:
            source = self._source()
            place = [item["prefix"] for item in found["maps"]].index(source.prefix)
            item = found["maps"][place]
            panels = {kind: voxels_of(source, path) for kind, path in self._files(source).items()}
            slices = map_sections({"input": voxels_of(source), **panels}, tile_section(item))
            with own_style():
                figures = pages_of(found, place, slices)
        except MapError as error:
            return [self.errorMessage(str(error), "Cannot show the maps")]
        except KeyError:
            return [self.errorMessage("The run is of an earlier version; run the protocol again.", "No report")]
        return [PageView(figure, f"Report on {source.name}", self._tkRoot) for figure in figures]

    def _document(self, _name=None):
        path, program = self.protocol._getExtraPath(FIGURE), document_program()
        if not os.path.exists(path):
            text = "There is no logfile.pdf: *Figures* was set to no, or else the summary says why."
            return [self.errorMessage(text, "No report")]
        if program is None:
            text = f"Nothing here opens a PDF (no xdg-open, no evince). The file is {os.path.abspath(path)}"
            return [self.errorMessage(text, "No program for PDF files")]
        return [DocumentView(program, path)]

    def _output(self, _name=None):
        names = self._output_names()
        if not names:
            return [self.errorMessage("There is no output yet.", "Cannot show the output")]
        output = getattr(self.protocol, names[self.whichOutput.get()])
        if isinstance(output, SetOfVolumes):
            return [MDView(output, self.protocol, getattr(self.getProject(), "port", None))]
        viewer = OccupyVolumeViewer(project=self.getProject(), protocol=self.protocol, parent=self.formWindow)
        return viewer._visualize(output)

    def _chimera(self, _name=None):
        program = Chimera.getProgram() or "bin/ChimeraX"
        if not os.path.exists(program):
            text = f"ChimeraX was not found: there is no {program}. Install it there, or the plugin scipion-em-chimera."
            return [self.errorMessage(text, "ChimeraX not found")]
        script = os.path.abspath(self.protocol._getExtraPath(CHIMERAX))
        if not os.path.exists(script):
            return [self.errorMessage("There are no results yet.", "Cannot show the map")]
        if self._several() and self.whichMap.get():
            found = report.read_report(self.protocol._getExtraPath())
            text = session_commands(found, self.protocol._getExtraPath(), shown=self.whichMap.get())
            script = os.path.abspath(self.protocol._getExtraPath(_OTHER_MAP))
            with open(script, "w", encoding="utf-8") as file:
                file.write(text)
        return [ChimeraView(script)]

    # --------------------------- the run's maps ---------------------------

    def _computed(self):
        """The input maps that the run has results for."""
        found = report.read_report(self.protocol._getExtraPath())
        prefixes = {item["prefix"] for item in found["maps"]} if found else set()
        return [source for source in self.protocol._sources() if source.prefix in prefixes]

    def _source(self):
        if not self._sources:
            raise MapError("There are no results yet.")
        return self._sources[self.whichMap.get() if self._several() else 0]

    def _several(self):
        return is_set(self.protocol.inputVolumes.get())

    def _files(self, source):
        found = report.read_report(self.protocol._getExtraPath())
        outputs = next(item["outputs"] for item in found["maps"] if item["prefix"] == source.prefix)
        return {kind: self.protocol._getExtraPath(name) for kind, name in outputs.items()}

    def _output_names(self):
        return [name for name, _ in self.protocol.iterOutputAttributes()]
