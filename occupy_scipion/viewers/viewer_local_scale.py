# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewer of the protocol "local scale"."""

from __future__ import annotations

import os

from pwem.objects import SetOfVolumes
from pwem.viewers.mdviewer.viewer import MDView
from pwem.viewers.viewer_chimera import Chimera, ChimeraView
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, ProtocolViewer

from occupy_core.errors import MapError
from occupy_core.files import write_text
from occupy_core.reporting.chimerax import session_commands
from occupy_core.reporting.pdf.logfile import fixed_style, pages_of_map
from occupy_core.reporting.pdf.sections_figure import SectionsFigure
from occupy_core.reporting.pdf.surface_views import surface_figure
from occupy_core.reporting.sections import AXIS_NAMES, map_sections, surface_of_map
from occupy_core.settings.output_names import CHIMERAX, FIGURE, MAP_OUTPUTS
from occupy_scipion import report
from occupy_scipion.labels import OccupyLabel
from occupy_scipion.protocols import ProtOccupyLocalScale
from occupy_scipion.source_files import voxels_of
from occupy_scipion.sources import is_set
from occupy_scipion.viewers.viewer_volume import OccupyVolumeViewer
from occupy_scipion.viewers.views import (
    DocumentView,
    PageView,
    SectionsView,
    chimerax_on_path,
    document_program,
    no_chimerax_text,
)

# Commands for ChimeraX that show another map of the run than occupy.cxc does.
_OTHER_MAP_COMMANDS = "occupy_other_map.cxc"
_PLANES = ["all three", *AXIS_NAMES]


class OccupyLocalScaleViewer(OccupyLabel, ProtocolViewer):
    """Show slices of the maps side by side, the report, and the outputs in other programs."""

    _label = "local scale"
    _targets = [ProtOccupyLocalScale]
    _environments = [DESKTOP_TKINTER]

    def __init__(self, **kwargs):
        ProtocolViewer.__init__(self, **kwargs)
        self._sources = []

    def _defineParams(self, form):
        self._sources = self._successful_maps()
        form.addSection(label="Results")
        self._add_first_group(form)
        self._add_surface(form)
        self._add_slices(form)
        self._add_report(form)
        self._add_outputs(form)

    def _add_first_group(self, form):
        """Add the parameters at the top of the form; for derived classes."""
        self._add_map_choice(form)

    def _add_map_choice(self, form):
        """Add the choice of the map that the groups below it show, for several maps."""
        if self._is_set():
            form.addParam(
                "whichMap",
                params.EnumParam,
                choices=[f"{source.item_id}: {source.name}" for source in self._sources],
                default=0,
                label="Map (id: file)",
                help="Maps that failed are not listed here; the protocol's summary names them.",
            )

    def _add_surface(self, form):
        group = form.addGroup("3D view")
        group.addParam(
            "showSurface",
            params.LabelParam,
            label="Surface coloured by local scale",
            help="The surface of the input map, just above its noise, from three sides. Yellow: full scale.",
        )

    def _add_slices(self, form):
        group = form.addGroup("Slices")
        group.addParam(
            "planes",
            params.EnumParam,
            choices=_PLANES,
            default=0,
            display=params.EnumParam.DISPLAY_HLIST,
            label="Slices perpendicular to",
            help="The axis perpendicular to the slices. They first pass through the middle of the molecule or, with "
            "target masks, where these are largest; sliders below them move all maps together.",
        )
        group.addParam(
            "showSlices",
            params.LabelParam,
            label="Input, scale, confidence and modified maps",
            help="Slices side by side, with a slider for each axis. Modified maps have the same grey levels as the "
            "input: amplified parts look brighter and attenuated parts darker. Scale and confidence are shown from 0 "
            "to 1. Target masks are outlined.",
        )

    def _add_report(self, form):
        group = form.addGroup("Report")
        group.addParam(
            "showReport",
            params.LabelParam,
            label="Report on this map",
            help="The surface from three sides, coloured by the scale, slices, solvent model, histogram of the scale, "
            "effect of the modifications, where full scale was found, changed settings, derived values, every warning.",
        )
        self._add_document(group)

    def _add_document(self, group):
        group.addParam(
            "showDocument",
            params.LabelParam,
            label="The complete run as a PDF",
            help="logfile.pdf in the run's folder: a page for each map and, for several maps, a first page about all "
            "of them.",
        )

    def _add_outputs(self, form):
        group = form.addGroup("Outputs")
        group.addParam("whichOutput", params.EnumParam, choices=self._output_names(), default=0, label="Output")
        group.addParam(
            "showOutput",
            params.LabelParam,
            label="Open this output",
            help="A set opens in Scipion's metadata viewer; a single map is shown as slices.",
        )
        self._add_chimerax(form)

    def _add_chimerax(self, form):
        label, shown = self._chimerax_texts()
        group = form.addGroup("ChimeraX")
        group.addParam(
            "showChimera",
            params.LabelParam,
            label=label,
            help=f"Open occupy.cxc of the run's folder in ChimeraX: {shown}. At its end the file has more commands to "
            "copy.",
        )

    def _chimerax_texts(self):
        """Return the label of the button that opens occupy.cxc, and what ChimeraX then shows."""
        shown = "the surface of the input map, coloured by the local scale from 0 to 1; the other maps are hidden"
        return "Map coloured by local scale", shown

    def _getVisualizeDict(self):
        return {
            "showSurface": self._surface,
            "showSlices": self._slices,
            "showReport": self._report,
            "showDocument": self._document,
            "showOutput": self._output,
            "showChimera": self._chimera,
        }

    # --------------------------- the buttons ---------------------------

    def _surface(self, _name=None):
        try:
            source = self._source()
            item = self._map_report(source)
            surface = surface_of_map(self._input_voxels(source), voxels_of(source, self._files(source)["scale"]), item)
        except MapError as error:
            return [self.errorMessage(str(error), "Cannot show the surface")]
        if surface is None:
            text = f"The map has no surface: no voxel is above {item['surface_level']:.3g}, the level above its noise."
            return [self.errorMessage(text, "Cannot show the surface")]
        with fixed_style():
            figure = surface_figure(surface, f"{item['name']}, coloured by the local scale")
        return [PageView(figure, f"Surface of {item['name']}", self._tkRoot)]

    def _slices(self, _name=None):
        try:
            source = self._source()
            panels = {"input": self._input_voxels(source)}
            for kind, path in self._files(source).items():
                panels[MAP_OUTPUTS[kind].title] = voxels_of(source, path)
            planes = (0, 1, 2) if self.planes.get() == 0 else (self.planes.get() - 1,)
            masks = self._target_masks(source)
            item = self._map_report(source)
            name, size = item["name"], item["voxel_size_angstrom"]
            sections = SectionsFigure(panels, title=name, voxel_size=size, planes=planes, masks=masks)
        except MapError as error:
            return [self.errorMessage(str(error), "Cannot show the maps")]
        return [SectionsView(sections, f"Local scale of {name}", self._tkRoot)]

    def _report(self, _name=None):
        results = report.read_report(self.protocol._getExtraPath())
        try:
            source = self._source()
            index = [item["prefix"] for item in results["maps"]].index(source.prefix)
            item = results["maps"][index]
            panels = {kind: voxels_of(source, path) for kind, path in self._files(source).items()}
            maps = {"input": self._input_voxels(source), **panels}
            sections = map_sections(maps, item, masks=self._target_masks(source))
            with fixed_style():
                figures = pages_of_map(results, index, sections)
        except MapError as error:
            return [self.errorMessage(str(error), "Cannot show the maps")]
        except KeyError:
            text = "The run was made by an earlier version of OccuPy; run the protocol again."
            return [self.errorMessage(text, "No report")]
        return [PageView(figure, f"Report on {item['name']}", self._tkRoot) for figure in figures]

    def _document(self, _name=None):
        path, program = self.protocol._getExtraPath(FIGURE), document_program()
        if not os.path.exists(path):
            text = "There is no logfile.pdf: *Figures* was set to no, or the summary gives the reason."
            return [self.errorMessage(text, "No report")]
        if program is None:
            text = f"Found no program for PDF files, such as xdg-open or evince. The file is {os.path.abspath(path)}"
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
        script = os.path.abspath(self.protocol._getExtraPath(CHIMERAX))
        if not os.path.exists(script):
            return [self.errorMessage("There are no results yet.", "Cannot show the map")]
        if self._is_set() and self.whichMap.get():
            results = report.read_report(self.protocol._getExtraPath())
            text = session_commands(results, self.protocol._getExtraPath(), shown=self.whichMap.get())
            script = os.path.abspath(self.protocol._getExtraPath(_OTHER_MAP_COMMANDS))
            write_text(script, text)
        program = Chimera.getProgram() or "bin/ChimeraX"
        if os.path.exists(program):
            return [ChimeraView(script)]
        on_path = chimerax_on_path()
        if on_path:
            return [DocumentView(on_path, script)]
        return [self.errorMessage(no_chimerax_text(program, script), "ChimeraX not found")]

    # --------------------------- the run's maps ---------------------------

    def _successful_maps(self):
        """Return the input maps for which the run has results."""
        results = report.read_report(self.protocol._getExtraPath())
        prefixes = {item["prefix"] for item in results["maps"]} if results else set()
        return [source for source in self.protocol._sources() if source.prefix in prefixes]

    def _source(self):
        """Return the input map that is chosen in the viewer."""
        if not self._sources:
            raise MapError("There are no results yet.")
        return self._sources[self.whichMap.get() if self._is_set() else 0]

    def _is_set(self):
        return is_set(self.protocol.inputVolumes.get())

    def _input_voxels(self, source):
        """Return the values of an input map, with positive density: times -1 if the run inverted its maps."""
        voxels = voxels_of(source)
        inverted = report.read_report(self.protocol._getExtraPath())["settings"].get("invert")
        return -voxels if inverted else voxels

    def _target_masks(self, source):
        """Return the target masks of the run by the names of their files; those that were removed are not shown."""
        paths = report.read_report(self.protocol._getExtraPath())["settings"]["target_mask"]
        return {os.path.basename(path): voxels_of(source, path) for path in paths if os.path.exists(path)}

    def _map_report(self, source):
        """Return the part of report.json on a map."""
        results = report.read_report(self.protocol._getExtraPath())
        return next(item for item in results["maps"] if item["prefix"] == source.prefix)

    def _files(self, source):
        """Return the paths of a map's output files, by kind."""
        outputs = self._map_report(source)["outputs"]
        return {kind: self.protocol._getExtraPath(name) for kind, name in outputs.items()}

    def _output_names(self):
        return [name for name, _ in self.protocol.iterOutputAttributes()]
