# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a result. The only module that needs matplotlib; nothing else imports it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure, FigureBase
from numpy.typing import NDArray

from occupy_core.maps import Volume
from occupy_core.outputs import MAP_OUTPUTS

AXIS_NAMES = ("z", "y", "x")
FRACTION_COLOURS = "viridis"
DENSITY_COLOURS = "gray"
# Titles of the panels that hold fractions, 0..1; every other one shows density.
FRACTIONS = ("local scale", "confidence", *(kind.title for kind in MAP_OUTPUTS.values() if kind.is_mask))
_LONGEST_NAME = 14  # that stands beside others without running into them
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
class Section:
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


def sections_of(regions: Sequence[NDArray[Any]], volumes: Iterable[Volume]) -> List[Section]:
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
        return [Section("middle", tuple(image for (image,) in images), {})]
    return [
        Section(
            f"region{'s' * (len(groups[place]) > 1)} {', '.join(map(str, groups[place]))}",
            tuple(of_class[row] for of_class in images),
            {other: mask[place] for other, mask in enumerate(masks, start=1) if mask[place].any()},
        )
        for row, place in enumerate(places)
    ]


def comparison_figure(report: Mapping[str, Any], sections: Sequence[Section]) -> Figure:
    """Classes side by side with the regions outlined, and a chart of the occupancies.

    Parameters
    ----------
    report : mapping
        Of a comparison: `comparison_outputs.write_comparison`.
    sections : sequence of Section
    """
    width, *heights = comparison_size(report, sections)
    figure = Figure(figsize=(width, sum(heights)), layout="constrained")
    draw_comparison(figure, report, sections)
    return figure


def comparison_size(report: Mapping[str, Any], sections: Sequence[Section]) -> Tuple[float, float, float]:
    """Width, and heights of the slices and of the chart, of a figure of a comparison in inches."""
    return max(7.0, 2.2 * len(report["maps"]) + 1.0), 2.2 * len(sections) + 0.6, 3.2


def draw_comparison(figure: FigureBase, report: Mapping[str, Any], sections: Sequence[Section]) -> None:
    """Fill a figure, or a part of one, in constrained layout; other parameters as of `comparison_figure`."""
    names = [str(item["name"]) for item in report["maps"]]
    _, *heights = comparison_size(report, sections)
    # Room for the titles, which the layout of nested figures forgets.
    upper, lower = figure.subfigures(2, 1, height_ratios=heights, hspace=0.02)
    upper.suptitle(" ", fontsize=4)
    axes = upper.subplots(len(sections), len(names), squeeze=False)
    low = min(np.percentile(image, 1) for section in sections for image in section.images)
    high = max(np.percentile(image, 99.8) for section in sections for image in section.images)
    for row, section in enumerate(sections):
        for column, image in enumerate(section.images):
            axis = axes[row, column]
            axis.imshow(image, cmap=DENSITY_COLOURS, vmin=low, vmax=high, origin="lower", interpolation="bilinear")
            axis.set(xticks=[], yticks=[])
            for number, mask in section.outlines.items():
                axis.contour(mask.astype(np.float32), levels=[0.5], colors=[_colour(number)], linewidths=1.4)
        axes[row, 0].set_ylabel(section.title)
    for column, item in enumerate(report["maps"]):
        axes[0, column].set_title(_class_title(item), fontsize=10)
    _chart(lower.subplots(), report, names)


def _chart(axis: Any, report: Mapping[str, Any], names: Sequence[str]) -> None:
    """Occupancy of each region in each class, with quartiles, and over all particles."""
    regions = report["regions"]
    if not regions:
        axis.set_axis_off()
        axis.text(0.5, 0.5, "no region where the classes differ by more than noise explains", ha="center", va="center")
        return
    share = 0.8 / len(regions)
    for place, region in enumerate(regions):
        offset = (place - (len(regions) - 1) / 2) * share
        medians = np.array([item["median"] for item in region["occupancies"]])
        spread = np.array(
            [
                [item["median"] - item["lower_quartile"], item["upper_quartile"] - item["median"]]
                for item in region["occupancies"]
            ]
        )
        colour, label = _colour(region["number"]), f"region {region['number']}"
        everyone = region["occupancy_of_all_particles"]
        places = np.arange(len(names)) + offset
        axis.bar(places, medians, 0.9 * share, color=colour, label=label)
        axis.errorbar(places, medians, np.maximum(spread.T, 0), fmt="none", ecolor="black", elinewidth=0.8, capsize=2)
        if everyone is not None:
            axis.bar([len(names) + offset], [everyone], 0.9 * share, color=colour, alpha=0.55)
    shown = [*names, "all particles"] if regions[0]["occupancy_of_all_particles"] is not None else list(names)
    axis.set(ylim=(0, 1.05), ylabel="occupancy", xlim=(-0.6, len(shown) - 0.4))
    axis.set_xticks(range(len(shown)), shown)
    if max(map(len, shown)) > _LONGEST_NAME:
        axis.tick_params(axis="x", rotation=20)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _class_title(item: Mapping[str, Any]) -> str:
    details = [] if item["share"] is None else [f"{100 * item['share']:.0f} %"]
    details += [] if item["particles"] is None else [f"{item['particles']:,} particles"]
    return "\n".join([item["name"], ", ".join(details)]) if details else str(item["name"])


def _colour(number: int) -> str:
    return f"C{(number - 1) % 10}"


def _grey_levels(volume: Volume) -> Tuple[float, float]:
    """Black at the solvent's lower edge, white where all but the strongest density is reached."""
    low, high = np.percentile(volume, (1, 99.9))
    return (float(low), float(high)) if high > low else (float(volume.min()), float(volume.max()))
