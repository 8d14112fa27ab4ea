# SPDX-License-Identifier: GPL-3.0-or-later
"""Figure of the central sections of several maps, for the viewers. Needs matplotlib."""

from __future__ import annotations

import textwrap
from typing import Any, Dict, Mapping, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure

from occupy_core.arrays.types import Volume
from occupy_core.reporting.pdf.colours import DENSITY_COLOURS, FRACTION_COLOURS
from occupy_core.reporting.sections import AXIS_NAMES
from occupy_core.settings.output_names import MAP_OUTPUTS

# Titles of the maps with values from 0 to 1; all other maps hold density.
_FRACTIONS = ("local scale", "confidence", *(kind.title for kind in MAP_OUTPUTS.values() if kind.is_mask))
_TITLE_WIDTH = 24  # letters in a line


def sections_figure(panels: Mapping[str, Volume], *, title: str, planes: Sequence[int] = (0, 1, 2)) -> Figure:
    """Draw central sections of maps on one grid: a column for each map, a row for each axis.

    The local scale, the confidence and masks are coloured from 0 to 1, with one colour key. All maps of density are
    drawn with the input's grey levels, so that amplified density looks brighter than in the input.

    Parameters
    ----------
    panels : mapping of str to float32 array, 3D
        Map by title, the input first. Titles are "local scale", "confidence" and those in `MAP_OUTPUTS`.
    title : str
        Title of the figure.
    planes : sequence of int
        Axes of the array across which to cut: 0 for z, 1 for y, 2 for x.

    Returns
    -------
    matplotlib.figure.Figure
        Figure without a window, to be saved or shown by a viewer.
    """
    low, high = _grey_levels(next(iter(panels.values())))
    figure = Figure(figsize=(2.6 * len(panels) + 1.0, 2.6 * len(planes) + 0.9), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(len(planes), len(panels), squeeze=False)
    colour_keys: Dict[str, Any] = {}
    for column, (name, volume) in enumerate(panels.items()):
        fraction = name in _FRACTIONS
        for row, axis in enumerate(planes):
            picture = axes[row, column].imshow(
                np.take(volume, volume.shape[axis] // 2, axis=axis),
                cmap=FRACTION_COLOURS if fraction else DENSITY_COLOURS,
                vmin=0 if fraction else low,
                vmax=1 if fraction else high,
                origin="lower",
                interpolation="nearest",
            )
            axes[row, column].set(xticks=[], yticks=[])
            if column == 0:
                axes[row, column].set_ylabel(f"{AXIS_NAMES[axis]} = {volume.shape[axis] // 2}")
            colour_keys["fraction" if fraction else "density"] = picture
        axes[0, column].set_title(textwrap.fill(name, _TITLE_WIDTH))
    if "fraction" in colour_keys:
        figure.colorbar(colour_keys["fraction"], ax=axes, shrink=0.6, label="local scale, confidence, masks")
    return figure


def _grey_levels(volume: Volume) -> Tuple[float, float]:
    """Return the values shown as black and as white: percentiles 1 and 99.9 of a map."""
    low, high = np.percentile(volume, (1, 99.9))
    return (float(low), float(high)) if high > low else (float(volume.min()), float(volume.max()))
