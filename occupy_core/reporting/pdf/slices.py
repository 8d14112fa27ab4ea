# SPDX-License-Identifier: GPL-3.0-or-later
"""Slices of maps, and sections through regions. Needs matplotlib."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.settings.output_names import MAP_OUTPUTS

AXIS_NAMES = ("z", "y", "x")
FRACTION_COLOURS = "viridis"
DENSITY_COLOURS = "gray"
# Titles of the panels that hold fractions, 0..1; every other one shows density.
FRACTIONS = ("local scale", "confidence", *(kind.title for kind in MAP_OUTPUTS.values() if kind.is_mask))
_MOST_SECTIONS = 4
_SECTIONS_APART = 16  # a region this part of the box from another's section is shown there
_TITLE = 24  # letters in a line above a slice


def slices_figure(panels: Mapping[str, Volume], *, title: str, planes: Sequence[int] = (0, 1, 2)) -> Figure:
    """Central slices of several maps on one grid, a column for each map and a row for each axis.

    Parameters
    ----------
    panels : mapping of str to float32 array
        Map by title, the input first. "local scale", "confidence" and masks share one colour key from 0 to 1; all
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
        axes[0, column].set_title(textwrap.fill(name, _TITLE))
    if "fraction" in keys:
        figure.colorbar(keys["fraction"], ax=axes, shrink=0.6, label="local scale, confidence, masks")
    return figure


@dataclass(frozen=True)
class RegionSection:
    """A plane through a region, the same in every class.

    Attributes
    ----------
    title : str
    images : tuple of float32 arrays, 2D
        One for each class.
    outlines : dict of int to array, 2D
        Masks, 0..1, of the regions that the plane meets, by number; on the grid of the images.
    """

    title: str
    images: Tuple[NDArray[np.float32], ...]
    outlines: Dict[int, NDArray[Any]]


def region_sections(regions: Sequence[NDArray[Any]], volumes: Iterable[Volume]) -> List[RegionSection]:
    """A section across z through each of the first regions, or through the middle where there is none.

    Parameters
    ----------
    regions : sequence of arrays, 3D
        Masks, 0..1; the largest first.
    volumes : iterable of float32 arrays of the same shape
        One for each class; taken one at a time.
    """
    masks = [np.asarray(region) for region in regions]
    groups: Dict[int, List[int]] = {}
    for number, mask in enumerate(masks, start=1):
        widest = int(np.argmax((mask > 0.5).sum(axis=(1, 2))))
        apart = len(mask) // _SECTIONS_APART
        groups.setdefault(next((other for other in groups if abs(other - widest) <= apart), widest), []).append(number)
    places = list(groups)[:_MOST_SECTIONS]
    images = [[np.array(volume[place]) for place in places or [len(volume) // 2]] for volume in volumes]
    if not regions:
        return [RegionSection("middle", tuple(image for (image,) in images), {})]
    return [
        RegionSection(
            f"region{'s' * (len(groups[place]) > 1)} {', '.join(map(str, groups[place]))}",
            tuple(of_class[row] for of_class in images),
            {other: mask[place] for other, mask in enumerate(masks, start=1) if mask[place].any()},
        )
        for row, place in enumerate(places)
    ]


def _grey_levels(volume: Volume) -> Tuple[float, float]:
    """Black at the solvent's lower edge, white where all but the strongest density is reached."""
    low, high = np.percentile(volume, (1, 99.9))
    return (float(low), float(high)) if high > low else (float(volume.min()), float(volume.max()))
