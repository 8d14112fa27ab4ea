# SPDX-License-Identifier: GPL-3.0-or-later
"""Wizards of the forms: the wand beside a parameter opens a window in which its value is chosen by eye."""

from __future__ import annotations

from typing import Any

from pyworkflow.wizard import Wizard

from occupy_core.errors import OccupyError, SettingsError
from occupy_scipion.form import problem_texts
from occupy_scipion.protocols import ProtOccupyCompareClasses, ProtOccupyLocalScale, ProtOccupyModel
from occupy_scipion.wizards.previews import LowpassPreview, PowerPreview, Preview, ThresholdPreview, power_sliders
from occupy_scipion.wizards.small_map import scale_of, small_map
from occupy_scipion.wizards.window import choose


class _PreviewWizard(Wizard):
    """A wizard with a window: a figure and sliders. OK puts the values of the sliders on the form."""

    _title = ""

    def preview(self, protocol: Any) -> Preview:
        """Return the figure and its sliders for a protocol's form.

        Raises
        ------
        OccupyError
            If there is no input map, or it or a setting is not usable.
        """
        raise NotImplementedError

    def show(self, form: Any, *params: Any) -> None:
        """Open the window, or a message that says why not."""
        try:
            preview = self.preview(form.protocol)
        except OccupyError as error:
            from pyworkflow.gui.dialog import showError

            showError(self._title, _text(error), form.root)
            return
        if choose(preview, self._title, form.root):
            self.fill_in(form, preview)

    def fill_in(self, form: Any, preview: Preview) -> None:
        """Put the values of the sliders on the form."""
        for name, value in preview.values().items():
            form.setVar(name, value)


def _text(error: OccupyError) -> str:
    """Return an error as a message box shows it: settings by their labels on the form."""
    return "\n".join(problem_texts(error)).replace("*", "") if isinstance(error, SettingsError) else str(error)


class OccupyLowpassWizard(_PreviewWizard):
    """Choose the low-pass from the voxel size, the resolution and the filtered map."""

    _title = "Low-pass"
    _targets = [(kind, ["lowpass"]) for kind in (ProtOccupyLocalScale, ProtOccupyCompareClasses, ProtOccupyModel)]

    def preview(self, protocol: Any) -> Preview:
        """Return the map's slice, as it is and filtered."""
        return LowpassPreview(small_map(protocol), protocol.lowpass.get())


class _PowerWizard(_PreviewWizard):
    """Choose the power of a modification from the histogram of the local scale and the modified map."""

    _kind = ""

    def preview(self, protocol: Any) -> Preview:
        """Return the histogram, the curve of the modification, and slices."""
        item = small_map(protocol)
        settings = protocol._settings()
        power = getattr(protocol, f"{self._kind}Power").get()
        sliders = power_sliders(self._kind, power, protocol.sigmoidPivot.get())
        return PowerPreview(item, scale_of(item, settings), self._kind, sliders, settings.scale_limit)


class OccupyAmplifyWizard(_PowerWizard):
    """Choose the power of the amplification."""

    _title, _kind = "Amplify", "amplify"
    _targets = [(ProtOccupyLocalScale, ["amplifyPower"])]


class OccupyAttenuateWizard(_PowerWizard):
    """Choose the power of the attenuation."""

    _title, _kind = "Attenuate", "attenuate"
    _targets = [(ProtOccupyLocalScale, ["attenuatePower"])]


class OccupySigmoidWizard(_PowerWizard):
    """Choose the power and the pivot of the sigmoid."""

    _title, _kind = "Sigmoid", "sigmoid"
    _targets = [(ProtOccupyLocalScale, ["sigmoidPower", "sigmoidPivot"])]


class OccupyThresholdWizard(_PreviewWizard):
    """Choose the threshold of a solvent definition from slices of the map and of its local scale."""

    _title = "Solvent definition from scale"
    _targets = [(ProtOccupyLocalScale, ["solventThreshold"])]

    def preview(self, protocol: Any) -> Preview:
        """Return slices with the outline of the threshold."""
        item = small_map(protocol)
        return ThresholdPreview(item, scale_of(item, protocol._settings()), protocol.solventThreshold.get())
