# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pyworkflow.protocol import params

from occupy_core.errors import MapError
from occupy_core.reporting.pdf.comparison_page import comparison_figure
from occupy_core.reporting.pdf.logfile import own_style
from occupy_core.reporting.pdf.slices import region_sections
from occupy_scipion import report
from occupy_scipion.protocols import ProtOccupyCompareClasses
from occupy_scipion.sources import voxels_of
from occupy_scipion.viewers.viewer_local_scale import OccupyLocalScaleViewer
from occupy_scipion.viewers.views import PageView


class OccupyCompareClassesViewer(OccupyLocalScaleViewer):
    """Classes side by side with the regions that differ, their occupancies, and all that a local scale shows."""

    _label = "compare classes"
    _targets = [ProtOccupyCompareClasses]

    def _define_first(self, form):
        group = form.addGroup("Comparison")
        group.addParam(
            "showComparison",
            params.LabelParam,
            label="What differs, and how occupied it is",
            help="Slices of all classes through each of the largest regions, with the regions outlined, and the "
            "occupancy of each region in each class with its quartiles.",
        )

    def _getVisualizeDict(self):
        return {"showComparison": self._comparison, **super()._getVisualizeDict()}

    def _comparison(self, _name=None):
        found = report.read_report(self.protocol._getExtraPath())
        if found is None or found["comparison"] is None:
            return [self.errorMessage("The classes were not compared; the summary says why.", "Nothing to show")]
        compared = {item["number"] for item in found["comparison"]["maps"]}
        try:
            volumes = [voxels_of(source) for source in self._sources if source.item_id in compared]
            masks = [
                voxels_of(self._sources[0], self.protocol._getExtraPath(region["mask"]))
                for region in found["comparison"]["regions"]
            ]
        except MapError as error:
            return [self.errorMessage(str(error), "Cannot show the maps")]
        with own_style():
            figure = comparison_figure(found["comparison"], region_sections(masks, volumes))
        return [PageView(figure, "Comparison of classes", self._tkRoot)]
