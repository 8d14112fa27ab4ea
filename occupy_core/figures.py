# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a result. The only module that needs matplotlib; nothing else imports it."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure

from occupy_core.maps import Volume

AXIS_NAMES = ("z", "y", "x")
FRACTION_COLOURS = "viridis"
DENSITY_COLOURS = "gray"
# Titles of the panels that hold fractions, 0..1; every other one shows density.
FRACTIONS = ("local scale", "confidence")


def slices_figure(panels: Mapping[str, Volume], *, title: str, planes: Sequence[int] = (0, 1, 2)) -> Figure:
    """Central slices of several maps on one grid, a column for each map and a row for each axis.

    Parameters
    ----------
    panels : mapping of str to float32 array
        Map by title, the input first. "local scale" and "confidence" share one colour key from 0 to 1; all
        others share the input's grey levels, so that what was amplified looks brighter than in the input.
    title : str
    planes : sequence of int
        Array axes across which to cut.

    Returns
    -------
    matplotlib.figure.Figure
        Not tied to a window: save it, or hand it to a host's viewer.
    """
    low, high = _grey_levels(next(iter(panels.values())))
    figure = Figure(figsize=(2.6 * len(panels) + 1.0, 2.6 * len(planes) + 0.9), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(len(planes), len(panels), squeeze=False)
    keys: Dict[str, Any] = {}
    for column, (name, volume) in enumerate(panels.items()):
        fraction = name in FRACTIONS
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
            keys["fraction" if fraction else "density"] = picture
        axes[0, column].set_title(name)
    if "fraction" in keys:
        figure.colorbar(keys["fraction"], ax=axes, shrink=0.6, label="local scale, confidence")
    return figure


def _grey_levels(volume: Volume) -> Tuple[float, float]:
    """Black at the solvent's lower edge, white where all but the strongest density is reached."""
    low, high = np.percentile(volume, (1, 99.9))
    return (float(low), float(high)) if high > low else (float(volume.min()), float(volume.max()))
