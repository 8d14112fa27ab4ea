# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol "local scale"."""

from __future__ import annotations

from pyworkflow import NEW

import occupy_scipion.protocols.outputs as outputs
from occupy_core.settings.presets import PRESETS
from occupy_scipion.checks import bold_label
from occupy_scipion.form import add_settings
from occupy_scipion.preset_form import add_preset
from occupy_scipion.protocols.protocol_base import ProtOccupyBase


class ProtOccupyLocalScale(ProtOccupyBase):
    """Estimate the local scale of cryo-EM maps with OccuPy, and modify the maps by their local scale.

    The *local scale* compares the map around each voxel with the strongest part of the map: 1 is full scale, 0 is
    solvent. It decreases with lower occupancy and with lower local resolution; in *occupancy* mode it
    depends less on resolution. The *confidence*, from 0 to 1, says how certain it is that a voxel is not solvent.

    *What do you want to know?* chooses the settings that answer a question; what you set yourself wins.

    The protocol can also *amplify* weak parts towards full occupancy, *attenuate* weak parts so that only fully
    occupied parts remain, or do both above and below a pivot, with a *sigmoid*, and it can exclude solvent. Each
    modification gives a separate map.

    The summary lists the local scale within each *target mask*. With *calibrated* normalisation in occupancy mode it
    is an estimate of the occupancy.

    The classes of a 3D classification are measured against one reference, so that their local scales can be compared.
    To see what differs between the classes, run *compare classes*.
    """

    _label = "local scale"
    _devStatus = NEW
    _possibleOutputs = outputs.possible_outputs()

    def _defineParams(self, form):
        form.addSection(label="Input")
        add_preset(form)
        self._add_input(
            form,
            "Volume,SetOfVolumes,SetOfClasses3D",
            "A map, a set of maps, or the classes of a 3D classification. Use maps that are neither sharpened nor "
            "masked: the confidence is estimated from the solvent around the molecule.",
        )
        add_settings(form, "scale")
        form.addSection(label="Modified maps")
        add_settings(form, "modify", "output")
        form.addSection(label="Solvent")
        add_settings(form, "solvent")
        form.addSection(label="Target masks")
        add_settings(form, "target")
        form.addParallelSection(threads=4, mpi=0)

    # --------------------------- checks for users ---------------------------

    def _input_problems(self, settings, sources):
        if settings.preset == "classes" and len(sources) < 2:
            return [
                f"{bold_label('preset')}: the question compares classes, found one map, expected the classes of a "
                f"classification or a set of maps; choose these, or the question {PRESETS['occupancy'].question}"
            ]
        return super()._input_problems(settings, sources)
