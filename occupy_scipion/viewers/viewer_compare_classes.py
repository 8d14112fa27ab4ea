# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewer of the protocol "compare classes"."""

from __future__ import annotations

from pyworkflow.protocol import params

from occupy_core.errors import MapError
from occupy_core.reporting.pdf.comparison_page import comparison_figure
from occupy_core.reporting.pdf.logfile import fixed_style
from occupy_core.reporting.region_sections import ball_mask, region_sections
from occupy_core.reporting.surface.region_surface import region_surface
from occupy_scipion import report
from occupy_scipion.protocols import ProtOccupyCompareClasses
from occupy_scipion.source_files import voxels_of
from occupy_scipion.viewers.ensemble_figures import figure_of_ensemble
from occupy_scipion.viewers.viewer_local_scale import OccupyLocalScaleViewer
from occupy_scipion.viewers.views import PageView


class OccupyCompareClassesViewer(OccupyLocalScaleViewer):
    """Show the classes side by side with the regions where they differ, and everything that "local scale" shows."""

    _label = "compare classes"
    _targets = [ProtOccupyCompareClasses]

    def _defineParams(self, form):
        if not self._is_only_ensemble():
            super()._defineParams(form)
            return
        form.addSection(label="Results")
        group = form.addGroup("Ensemble")
        group.addParam(
            "showComparison",
            params.LabelParam,
            label="Parts, occupancies and clusters",
            help="The mean of all volumes with the parts, the occupancy of each part in each volume ordered by "
            "clusters, and the volumes at their occupancies of the two main parts. occupancy_volumes.csv in the run's "
            "folder has all numbers.",
        )
        self._add_document(form.addGroup("Report"))
        self._add_outputs(form)

    def _is_only_ensemble(self):
        """Return whether the run has compared many volumes and processed none of them on its own."""
        results = report.read_report(self.protocol._getExtraPath())
        return bool(results and results["ensemble"] and not results["maps"])

    def _is_set(self):
        return super()._is_set() and not self._is_only_ensemble()

    def _add_first_group(self, form):
        group = form.addGroup("Comparison")
        group.addParam(
            "showComparison",
            params.LabelParam,
            label="Regions that differ, and their occupancies",
            help="Slices of all classes through each of the largest regions, with the outlines of the regions, and a "
            "chart of the occupancy of each region in each class, with 90 % intervals. Unsure regions have no mask: "
            "dashed circles show their places and sizes. logfile.pdf shows their outlines.",
        )
        self._add_map_choice(form)

    def _chimerax_texts(self):
        if self._is_only_ensemble():
            return "Clusters with the parts", "the mean map of each cluster, with the parts as transparent surfaces"
        shown = (
            "the surface of each class, coloured by the local scale from 0 to 1, with the regions as transparent "
            "surfaces; the first class is shown"
        )
        return "Classes with their regions", shown

    def _getVisualizeDict(self):
        return {"showComparison": self._comparison, **super()._getVisualizeDict()}

    def _comparison(self, _name=None):
        results = report.read_report(self.protocol._getExtraPath())
        if results is not None and results["ensemble"]:
            return self._ensemble(results["ensemble"])
        if results is None or results["comparison"] is None:
            text = "The classes were not compared; the summary gives the reason."
            return [self.errorMessage(text, "Nothing to show")]
        comparison = results["comparison"]
        compared = {item["number"] for item in comparison["maps"]}
        try:
            volumes = [self._input_voxels(source) for source in self._sources if source.item_id in compared]
            voxel_size = results["maps"][0]["voxel_size_angstrom"]
            masks = [self._region_mask(region, volumes[0].shape, voxel_size) for region in comparison["regions"]]
        except MapError as error:
            return [self.errorMessage(str(error), "Cannot show the maps")]
        sure = {
            region["number"]: mask for region, mask in zip(comparison["regions"], masks) if region["mask"] is not None
        }
        surface = region_surface(volumes, sure, spacing=voxel_size)
        sections = region_sections(masks, volumes, window=surface.window if surface else None)
        with fixed_style():
            figure = comparison_figure(comparison, sections, surface=surface)
        return [PageView(figure, "Comparison of classes", self._tkRoot)]

    def _ensemble(self, ensemble):
        try:
            figure = figure_of_ensemble(ensemble, self.protocol._getExtraPath())
        except MapError as error:
            return [self.errorMessage(str(error), "Cannot show the maps")]
        return [PageView(figure, f"Ensemble of {len(ensemble['volumes'])} volumes", self._tkRoot)]

    def _region_mask(self, region, shape, voxel_size):
        """Return the mask of a region; for an unsure region, which has no mask, a ball of its size at its place."""
        if region["mask"]:
            return voxels_of(self._sources[0], self.protocol._getExtraPath(region["mask"]))
        centre = [position / voxel_size for position in reversed(region["centre_xyz_angstrom"])]
        return ball_mask(shape, centre, region["volume_cubic_angstrom"] / voxel_size**3)
