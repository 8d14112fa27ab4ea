# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pyworkflow.protocol.params as params
from pyworkflow import NEW

from occupy_scipion import outputs
from occupy_scipion.form import add_settings
from occupy_scipion.protocols.protocol_base import ProtOccupyBase


class ProtOccupyLocalScale(ProtOccupyBase):
    """Estimates the local scale of cryo-EM maps with OccuPy and modifies the maps by it.

    The *local scale* says how high a map reaches around each voxel, relative to the part where it reaches
    highest: 1 is full, 0 is solvent. It falls with occupancy and with local resolution, or in *occupancy* mode
    with occupancy alone. The *confidence* says how surely a voxel is not solvent.

    On request, weak parts are *amplified* towards full occupancy, *attenuated* so that only what is whole
    remains, or both on either side of a pivot (*sigmoid*); and solvent is excluded. Each gives a map of its own.

    The summary tells what the scale reads within each *target mask*; with *calibrated* normalisation in occupancy
    mode that is an estimate of the occupancy.

    The classes of a 3D classification are measured against one reference, so that their scales compare. What differs
    between them, and how occupied it is, tells the protocol *compare classes*.
    """

    _label = "local scale"
    _devStatus = NEW
    _possibleOutputs = outputs.all_outputs()

    def _defineParams(self, form):
        form.addSection(label="Input")
        form.addParam(
            "inputVolumes",
            params.PointerParam,
            pointerClass="Volume,SetOfVolumes,SetOfClasses3D",
            important=True,
            label=self._input_label,
            help="A map, a set of maps, or the classes of a 3D classification. Best is a map that is neither sharpened "
            "nor masked: the solvent around the particle is what the confidence is measured against.",
        )
        add_settings(form, "scale")
        form.addSection(label="Modified maps")
        add_settings(form, "modify", "output")
        form.addSection(label="Solvent")
        add_settings(form, "solvent")
        form.addSection(label="Target masks")
        add_settings(form, "target")
        form.addParallelSection(threads=4, mpi=0)
