# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from dataclasses import replace

import pyworkflow.protocol.params as params
from pwem.objects import SetOfVolumes, Volume, VolumeMask
from pyworkflow import NEW

from occupy_core.errors import SettingsError
from occupy_core.settings.output_names import SPREAD_MAP
from occupy_scipion import outputs, report
from occupy_scipion.form import add_named_settings
from occupy_scipion.protocols.protocol_base import ProtOccupyBase
from occupy_scipion.sources import is_set, sources_of

_MOST_DECLARED = 20


class ProtOccupyCompareClasses(ProtOccupyBase):
    """Finds the parts that differ between the classes of a 3D classification, and how occupied each is in each class.

    All classes are measured against one reference, in occupancy mode, calibrated, so that a scale of 1 is full and
    0 is solvent in all of them. A *region* is where two classes differ by more than noise explains. For each there is
    a soft mask, for a focused classification or a subtraction, and its occupancy in each class and over all particles.

    Takes classes, a set of volumes of one classification, or the scale maps of a *local scale* protocol, for which the
    maps that they were made from are compared.
    """

    _label = "compare classes"
    _devStatus = NEW
    _compares = True
    _input_label = "Input classes"
    _possibleOutputs = {
        "scaleMaps": SetOfVolumes,
        "confidenceMaps": SetOfVolumes,
        outputs.SPREAD: Volume,
        **{outputs.REGION.format(number): VolumeMask for number in range(1, _MOST_DECLARED + 1)},
    }

    def _defineParams(self, form):
        form.addSection(label="Input")
        form.addParam(
            "inputVolumes",
            params.PointerParam,
            pointerClass="SetOfClasses3D,SetOfVolumes",
            important=True,
            label=self._input_label,
            help="The classes of a 3D classification, or their maps as a set of volumes. They must share one grey "
            "scale, so neither sharpened nor modified one by one. For the outputs of a local scale protocol, the "
            "maps that they were made from are compared.",
        )
        add_named_settings(form, "lowpass", "reference", "max_box", "kernel_size", "kernel_radius")
        form.addSection(label="Solvent and target masks")
        add_named_settings(form, "solvent_def", "target_mask")
        form.addParallelSection(threads=4, mpi=0)

    # --------------------------- the steps ---------------------------

    def _output_stamp(self):
        return time.time()  # on Continue `makePathsAndClean` has dropped the regions

    def _create_outputs(self, maps):
        created = super()._create_outputs(maps)
        found = report.read_report(self._getExtraPath())["comparison"]
        if found is None:
            return created
        first = maps[0]
        voxel_size = first.voxel_size or next(iter(created.values())).getSamplingRate()
        names = {outputs.SPREAD: (SPREAD_MAP, Volume, "difference in occupancy between the classes")}
        for region in found["regions"]:
            title = f"mask of region {region['number']}"
            names[outputs.REGION.format(region["number"])] = (region["mask"], VolumeMask, title)
        for name, (file_name, kind, title) in names.items():
            path = self._getExtraPath(file_name)
            created[name] = outputs.on_grid(kind(), first, path, title, voxel_size=voxel_size)
        return created

    # --------------------------- what the form says ---------------------------

    def _compared_set(self):
        """The maps to compare: those behind the outputs of a local scale."""
        given = self.inputVolumes.get()
        made_by = None if given is None else self.getProject().getProtocol(given.getObjParentId())
        while isinstance(made_by, ProtOccupyBase) and is_set(made_by.inputVolumes.get()):
            given = made_by.inputVolumes.get()
            made_by = self.getProject().getProtocol(given.getObjParentId())
        return given

    def _sources(self):
        return sources_of(self._compared_set())

    def _settings(self):
        settings = replace(super()._settings(), mode="occupancy", normalisation="calibrated")
        if settings.reference == "own":
            raise SettingsError("reference", "got own, expected auto, shared or a class number: classes are compared")
        return replace(settings, reference="shared") if settings.reference == "auto" else settings

    def _certain_outputs(self):
        return ("scaleMaps", "confidenceMaps")

    def getPossibleOutputs(self):
        return self._possibleOutputs

    # --------------------------- what users read ---------------------------

    def _input_problems(self, settings, sources):
        if len(sources) < 2:
            return [f"*{self._input_label}*: found {len(sources)} map, expected two or more to compare"]
        return super()._input_problems(settings, sources)

    def _plan_text(self):
        self._settings()
        return "Classes compared in occupancy mode, calibrated, under one reference."
