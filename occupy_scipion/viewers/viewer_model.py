# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewer of the protocol "model occupancy"."""

from __future__ import annotations

import os

from pwem.objects import AtomStruct, VolumeMask
from pwem.viewers.viewer_chimera import Chimera
from pwem.viewers.viewer_localres import ChimeraAttributeViewer
from pyworkflow.protocol import params
from pyworkflow.viewer import DESKTOP_TKINTER, View, Viewer

from occupy_core.reporting.pdf.logfile import fixed_style
from occupy_core.settings.output_names import MODEL_FILE
from occupy_scipion import report
from occupy_scipion.labels import OccupyLabel
from occupy_scipion.protocols import ProtOccupyModel
from occupy_scipion.viewers.model_figures import heat_map_figure, parts_figure, traces_figure, windows_by_chain
from occupy_scipion.viewers.viewer_local_scale import OccupyLocalScaleViewer
from occupy_scipion.viewers.views import PageView

_MAX_TRACES = 16  # chains in the figure when none are chosen
_MAX_LINES = 12  # maps in the figure of the chains: of more maps, the chosen one alone is drawn


class OccupyModelViewer(OccupyLocalScaleViewer):
    """Show the occupancies of the parts of a model, along its chains and in its maps, and the model in ChimeraX."""

    _label = "model occupancy"
    _targets = [ProtOccupyModel]

    # --------------------------- the form ---------------------------

    def _add_first_group(self, form):
        self._add_map_choice(form)
        group = form.addGroup("Occupancy of the model")
        group.addParam(
            "showParts",
            params.LabelParam,
            label="Parts, with 90 % intervals",
            help="A bar for each part of the model, in one map. Parts that count as 1 are dark.",
        )
        if self._is_set():
            group.addParam(
                "showHeatMap",
                params.LabelParam,
                label="Parts in all maps",
                help="The occupancy of each part in each map, as colours and numbers. The names of parts that differ "
                "between maps by more than noise explains are bold.",
            )
        group.addParam(
            "whichChains",
            params.StringParam,
            default="",
            label="Chains",
            help=f"Names of the chains to show, separated by commas. When empty: the first {_MAX_TRACES}.",
        )
        group.addParam(
            "showTraces",
            params.LabelParam,
            label="Occupancy along the chains",
            help="The occupancy in windows of residues along each chain, a line for each map. Of more than "
            f"{_MAX_LINES} maps, only the map chosen below is shown.",
        )
        group.addParam(
            "showAttributes",
            params.LabelParam,
            label="Scipion's viewer of attributes",
            help="Histograms, values over the sequence, and colours in ChimeraX of the attributes part_occupancy and "
            "window_occupancy of the residues.",
        )

    def _add_outputs(self, form):
        if self._output_names():
            group = form.addGroup("Masks of parts")
            group.addParam("whichOutput", params.EnumParam, choices=self._output_names(), default=0, label="Mask")
            group.addParam("showOutput", params.LabelParam, label="Open this mask", help="The mask is shown as slices.")
        self._add_chimerax(form)

    def _chimerax_texts(self):
        shown = "the model coloured by the occupancy of its parts, in the surface of the map coloured by local scale"
        return "Model in the map, coloured by occupancy", shown

    def _getVisualizeDict(self):
        return {
            "showParts": self._parts,
            "showHeatMap": self._heat_map,
            "showTraces": self._traces,
            "showAttributes": self._attributes,
            **super()._getVisualizeDict(),
        }

    def _output_names(self):
        return [name for name, output in self.protocol.iterOutputAttributes() if isinstance(output, VolumeMask)]

    # --------------------------- the buttons ---------------------------

    def _parts(self, _name=None):
        model = self._model()
        if model is None:
            return self._no_results()
        with fixed_style():
            figure = parts_figure(model, self._model_index(model))
        return [PageView(figure, "Occupancy of the parts", self._tkRoot)]

    def _heat_map(self, _name=None):
        model = self._model()
        if model is None:
            return self._no_results()
        with fixed_style():
            figure = heat_map_figure(model)
        return [PageView(figure, "Occupancy of the parts in all maps", self._tkRoot)]

    def _traces(self, _name=None):
        model = self._model()
        if model is None:
            return self._no_results()
        known = list(windows_by_chain(model))
        chains = [name.strip() for name in (self.whichChains.get() or "").split(",") if name.strip()]
        unknown = [name for name in chains if name not in known]
        if unknown or not known:
            text = f"found {unknown[0]!r}, expected " if unknown else "The model has no protein or nucleic acid; found "
            return [self.errorMessage(f"*Chains*: {text}{', '.join(known) or 'no chains'}", "Cannot show the chains")]
        count = len(model["maps"])
        maps = list(range(count)) if count <= _MAX_LINES else [self._model_index(model)]
        with fixed_style():
            figure = traces_figure(model, chains or known[:_MAX_TRACES], maps)
        return [PageView(figure, "Occupancy along the chains", self._tkRoot)]

    def _attributes(self, _name=None):
        if self._model() is None or not self.protocol.hasAttribute(self.protocol._OUTNAME):
            return self._no_results()
        viewer = OccupancyAttributeViewer(project=self.getProject(), protocol=self.protocol, parent=self.formWindow)
        return [_ViewerView(viewer, self.protocol)]

    # --------------------------- the run's model ---------------------------

    def _model(self):
        """Return the model's part of the report; None without results."""
        results = report.read_report(self.protocol._getExtraPath())
        return results and results["model"]

    def _model_index(self, model):
        """Return the index, among the maps that the model was fitted to, of the map that is chosen in the viewer."""
        written = [name for name in model["outputs"] if name.endswith(MODEL_FILE)]
        prefix = self._sources[self.whichMap.get() if self._is_set() else 0].prefix if self._sources else ""
        return written.index(prefix + MODEL_FILE) if prefix + MODEL_FILE in written else 0

    def _no_results(self):
        return [self.errorMessage("There are no results yet.", "Cannot show the model")]


class OccupyModelOutputViewer(Viewer):
    """Show the occupancies of the parts of one output model, where Scipion finds no ChimeraX to show the model."""

    _name = "OccuPy occupancies"
    _environments = [DESKTOP_TKINTER]
    _targets = [AtomStruct]

    @classmethod
    def can_handle_this_instance(cls, instance):
        """Return whether this is a model of the protocol, and there is no ChimeraX."""
        name = instance.getFileName() or ""
        is_ours = ProtOccupyModel.__name__ in name and name.endswith(MODEL_FILE)
        return is_ours and not os.path.exists(Chimera.getProgram() or "")

    def _visualize(self, obj, **kwargs):
        folder, name = os.path.split(obj.getFileName())
        results = report.read_report(folder)
        written = [item for item in results["model"]["outputs"] if item.endswith(MODEL_FILE)] if results else []
        if name not in written:
            return [self.errorMessage(f"{obj.getFileName()} is not in the report of its run.", "Cannot show the model")]
        with fixed_style():
            figure = parts_figure(results["model"], written.index(name))
        return [PageView(figure, "Occupancy of the parts", self._tkRoot)]


class OccupancyAttributeViewer(OccupyLabel, ChimeraAttributeViewer):
    """Scipion's viewer of attributes, with colours from 0 to 1. Without targets: it is opened from the viewer above."""

    _label = "occupancies of residues"
    _targets = []

    def _defineParams(self, form):
        super()._defineParams(form)
        form.getParam("highest").setDefault("1.0")


class _ViewerView(View):
    """Another viewer of a protocol, opened in a window of its own."""

    def __init__(self, viewer, protocol):
        View.__init__(self)
        self._viewer, self._protocol = viewer, protocol

    def show(self):
        """Open the window."""
        self._viewer.visualize(self._protocol)
