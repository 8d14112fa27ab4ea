# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wizards draw: a figure that follows sliders. They need no window, so that tests can move the sliders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from matplotlib.figure import Figure

from occupy_core import LocalScale
from occupy_core.fourier.low_pass import low_pass
from occupy_core.modify.factors import amplification, apply_factor, attenuation, sigmoid_factor
from occupy_core.reporting.pdf.colours import DENSITY_COLOURS, FRACTION_COLOURS, grey_levels
from occupy_core.reporting.where_to_cut import Cut, cut_through_molecule, middle_cut
from occupy_core.solvent.model import CONFIDENT
from occupy_scipion.wizards.small_map import SmallMap

_SIZE = (9.0, 4.3)  # inches
_TITLE = 9  # font size, points
_BINS = 50
_LARGEST_POWER = 10.0


@dataclass
class Slider:
    """A slider of a preview.

    Attributes
    ----------
    label : str
        Name and unit, for users.
    low, high, step : float
        Range and steps.
    value : float
        The present value.
    """

    label: str
    low: float
    high: float
    step: float
    value: float


class Preview:
    """A figure that follows sliders.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        Figure without a window.
    sliders : dict of str to Slider
        A slider for each parameter of the form, by its name.
    """

    def __init__(self, sliders: Dict[str, Slider]) -> None:
        self.figure = Figure(figsize=_SIZE, layout="constrained")
        self.sliders = sliders

    def move(self, name: str, value: float) -> None:
        """Move a slider, at most to its ends, and draw again."""
        slider = self.sliders[name]
        slider.value = min(max(value, slider.low), slider.high)
        self.draw()

    def values(self) -> Dict[str, float]:
        """Return the value for each parameter of the form, rounded to the steps of its slider."""
        return {name: _rounded(slider) for name, slider in self.sliders.items()}

    def draw(self) -> None:
        """Draw the figure for the present values."""
        raise NotImplementedError


class LowpassPreview(Preview):
    """A slice of the map, as it is and low-passed.

    Parameters
    ----------
    item : SmallMap
    value : float, optional
        Cutoff in the form, Å; without one the slider starts at the default, or at the resolution if that is coarser.
    """

    def __init__(self, item: SmallMap, value: Optional[float]) -> None:
        finest, coarsest = 2 * item.full_voxel_size, min(item.volume.shape) * item.voxel_size / 2
        start = value or max(item.default_lowpass, item.resolution or 0.0)
        slider = Slider("Low-pass (Å)", _up(finest), _down(coarsest), 0.1, min(max(start, finest), coarsest))
        super().__init__({"lowpass": slider})
        self._item = item
        self._section = item.volume[item.volume.shape[0] // 2]
        self._levels = grey_levels([self._section])
        self.draw()

    def draw(self) -> None:
        """Draw both slices."""
        cutoff = self.sliders["lowpass"].value
        item = self._item
        filtered = low_pass(item.volume, voxel_size=item.voxel_size, cutoff_angstrom=max(cutoff, 2 * item.voxel_size))
        self.figure.clear()
        panels = self.figure.subplots(1, 2)
        _show_density(panels[0], self._section, f"{item.name}, middle section", self._levels)
        shown = filtered[filtered.shape[0] // 2]
        _show_density(panels[1], shown, f"low-passed at {cutoff:.1f} Å", grey_levels([shown]))
        known = "" if item.resolution is None else f", resolution {item.resolution:.1f} Å"
        empty = f"{item.default_lowpass:.3g} Å{item.about_default}"
        text = f"Voxels of {item.full_voxel_size:.4g} Å{known}. Empty field: {empty}."
        if item.resolution is not None and cutoff < item.resolution:
            text += " Finer than the resolution: what it adds is noise."
        self.figure.suptitle(text, fontsize=10)


class PowerPreview(Preview):
    """Histogram of the local scale, how a modification changes it, and a slice of the modified map.

    The noise that replaces attenuated density is not drawn.

    Parameters
    ----------
    item : SmallMap
    result : LocalScale
        Its local scale.
    kind : str
        "amplify", "attenuate" or "sigmoid".
    sliders : dict of str to Slider
        The power and, for a sigmoid, the pivot, by the names of their parameters, in this order.
    scale_limit : float
        Setting of the form.
    """

    def __init__(
        self, item: SmallMap, result: LocalScale, kind: str, sliders: Dict[str, Slider], scale_limit: float
    ) -> None:
        super().__init__(sliders)
        self._item, self._result, self._kind, self._limit = item, result, kind, scale_limit
        self._cut = _cut(result)
        self._scales = result.scale[result.confidence > CONFIDENT]
        self._levels = grey_levels([self._cut.section(item.volume, 0)])
        self.draw()

    def draw(self) -> None:
        """Draw the histogram with the curve, the map's section and that of the modified map."""
        self.figure.clear()
        histogram, before, after = self.figure.subplots(1, 3)
        histogram.hist(self._scales, bins=_BINS, range=(0, 1), color="0.7")
        histogram.set(xlabel="local scale of the map", xlim=(0, 1), yticks=[])
        histogram.set_title("grey: voxels that are no solvent\nred: how their scale changes", fontsize=_TITLE)
        scale = np.linspace(0, 1, 201, dtype=np.float32)
        curve = histogram.twinx()
        curve.plot(scale, np.minimum(scale * self._factor(scale), 1), color="C3")
        curve.plot([0, 1], [0, 1], color="0.4", linewidth=0.7, linestyle="--")
        curve.set(ylim=(0, 1.02), ylabel="after the modification")
        curve.yaxis.tick_left()
        curve.yaxis.set_label_position("left")
        for slider in list(self.sliders.values())[1:]:
            curve.axvline(slider.value, color="C3", linewidth=0.7, linestyle=":")
        section, scales = self._cut.section(self._item.volume, 0), self._cut.section(self._result.scale, 0)
        confidence = self._cut.section(self._result.confidence, 0)
        modified = apply_factor(section, self._factor(scales), confidence, exclude_solvent=False)
        _show_density(before, section, self._item.name, self._levels)
        pivot = "".join(f", pivot {slider.value:.2f}" for slider in list(self.sliders.values())[1:])
        _show_density(after, modified, f"{_MODIFIED[self._kind]}, power {self._power():.3g}{pivot}", self._levels)

    def _power(self) -> float:
        return next(iter(self.sliders.values())).value

    def _factor(self, scale: Any) -> Any:
        """Return the factor by which density of a local scale is multiplied."""
        flat = np.ascontiguousarray(scale, dtype=np.float32)
        if self._kind == "amplify":
            return amplification(flat, power=self._power(), scale_limit=self._limit)
        if self._kind == "attenuate":
            return attenuation(flat, power=self._power(), scale_limit=self._limit)
        pivot = list(self.sliders.values())[1].value
        return sigmoid_factor(flat, power=self._power(), pivot=pivot, scale_limit=self._limit)


_MODIFIED = {"amplify": "amplified", "attenuate": "attenuated", "sigmoid": "sigmoid"}


class ThresholdPreview(Preview):
    """Slices of the map and of its local scale, with the outline of a threshold on the scale.

    Parameters
    ----------
    item : SmallMap
    result : LocalScale
        Its local scale.
    value : float
        Threshold in the form, 0..1.
    """

    def __init__(self, item: SmallMap, result: LocalScale, value: float) -> None:
        super().__init__({"solventThreshold": Slider("Threshold on the local scale", 0.0, 1.0, 0.01, value)})
        self._item, self._result, self._cut = item, result, _cut(result)
        self._levels = grey_levels([self._cut.section(item.volume, 0)])
        self.draw()

    def draw(self) -> None:
        """Draw both slices with the outline."""
        threshold = self.sliders["solventThreshold"].value
        self.figure.clear()
        density, scale = self.figure.subplots(1, 2)
        section, scales = self._cut.section(self._item.volume, 0), self._cut.section(self._result.scale, 0)
        _show_density(density, section, self._item.name, self._levels)
        image = scale.imshow(scales, cmap=FRACTION_COLOURS, vmin=0, vmax=1, origin="lower")
        scale.set(xticks=[], yticks=[])
        scale.set_title("local scale", fontsize=_TITLE)
        self.figure.colorbar(image, ax=scale, shrink=0.8)
        for axes in (density, scale):
            if scales.min() < threshold < scales.max():
                axes.contour(scales, levels=[threshold], colors="C1", linewidths=1.2)
        above = float((self._result.scale > threshold).mean())
        molecule = self._result.confidence > CONFIDENT
        inside = float((self._result.scale[molecule] > threshold).mean()) if molecule.any() else 0.0
        self.figure.suptitle(
            f"Above {threshold:.2f}, inside the line: {100 * above:.0f} % of the box, "
            f"{100 * inside:.0f} % of the confident voxels",
            fontsize=10,
        )


def power_sliders(kind: str, power: float, pivot: float) -> Dict[str, Slider]:
    """Return the sliders of a modification by the names of their parameters on the form, the power first."""
    sliders = {f"{kind}Power": Slider("Power", 1.1, _LARGEST_POWER, 0.1, power)}
    if kind == "sigmoid":
        sliders["sigmoidPivot"] = Slider("Pivot", 0.01, 0.99, 0.01, pivot)
    return sliders


def _cut(result: LocalScale) -> Cut:
    """Cut through the molecule; through the middle of the box if there is none."""
    if (result.confidence > CONFIDENT).any():
        return cut_through_molecule(result.confidence)
    return middle_cut(result.confidence.shape)


def _show_density(axes: Any, section: Any, title: str, levels: Tuple[float, float]) -> None:
    low, high = levels
    axes.imshow(section, cmap=DENSITY_COLOURS, vmin=low, vmax=high, origin="lower")
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=_TITLE)


def _rounded(slider: Slider) -> float:
    steps: List[float] = [round(slider.value / slider.step) * slider.step, slider.low, slider.high]
    value = sorted((steps[0], slider.low, slider.high))[1]
    return round(value, 6)


def _up(value: float) -> float:
    """Return the next tenth."""
    return float(np.ceil(value * 10 - 1e-6) / 10)


def _down(value: float) -> float:
    return float(np.floor(value * 10 + 1e-6) / 10)
