# SPDX-License-Identifier: GPL-3.0-or-later
"""The plots on a map's page: solvent model, local scale, and where full scale was found. Needs matplotlib."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from occupy_core.outputs import MODIFIED
from occupy_core.process import factor_of
from occupy_core.reporting.figures import AXIS_NAMES, DENSITY_COLOURS
from occupy_core.reporting.glance import SCALE_BINS, MapSlices, tile_of, tile_section
from occupy_core.reporting.page_text import MARGIN, PAGE, SMALL, TINY, Page, height_of, wrapped
from occupy_core.settings import Settings

Report = Mapping[str, Any]
Curve = NDArray[np.float32]

HEIGHT = 1.85  # of the plots, inches
_COLOURS = {"amplified": "C3", "attenuated": "C0", "sigmoid": "C2"}
_LEGEND = 0.3  # of the height of the curves, above them
_LEGEND_STYLE = {"fontsize": 5.5, "frameon": False, "borderpad": 0, "handlelength": 1.3, "ncols": 2}
_TILE_COLOUR = "#ff7f0e"
_FINDABLE = 0.04  # of the picture; around a smaller tile there is a ring


def draw_plots(page: Page, settings: Settings, report: Report, slices: MapSlices, source: Optional[str]) -> None:
    """Draw all three side by side and go down the page below their axes.

    Parameters
    ----------
    page : Page
    settings : Settings
    report : mapping
        Of the map, as in report.json.
    slices : MapSlices
    source : str, optional
        The map that full scale was taken from, where it is another one.
    """
    _draw_solvent(page, settings, report)
    _draw_scale(page, settings, report)
    _draw_tile(page, report, slices, source)
    page.top += HEIGHT


def modification_curves(settings: Settings) -> Dict[str, Tuple[Curve, Curve]]:
    """For each kind of modified map the local scale and what becomes of it."""
    scale = np.linspace(0, 1, 501, dtype=np.float32)
    return {MODIFIED[name]: (scale, scale * factor_of(name, scale, settings)) for name in settings.modifications}


def grey_levels(images: Sequence[Any]) -> Tuple[float, float]:
    """Black at the solvent's lower edge, white where all but the strongest density is reached."""
    values = np.concatenate([np.ravel(image) for image in images])
    low, high = (float(level) for level in np.percentile(values, (1, 99.8)))
    return (low, high) if high > low else (float(values.min()), float(values.max()))


def plain(*shown: Any) -> None:
    """Small ticks, no frame above."""
    for axes in shown:
        axes.tick_params(labelsize=TINY, length=2, pad=1.5)
        axes.spines["top"].set_visible(False)


def _title(page: Page, left: float, text: str) -> None:
    page.text(left, page.top - 1.4 * height_of(SMALL), text, size=SMALL, weight="bold")


def _draw_solvent(page: Page, settings: Settings, report: Report) -> None:
    """The histogram with the model, and the confidence beside it."""
    solvent, reference = report["solvent"], report["reference"]
    curves = {name: np.array(values) for name, values in solvent["histogram"].items()}
    values, density = curves["values"], curves["density"]
    left = MARGIN + 0.42
    _title(page, left, "Solvent model")
    axes = page.axes(left, page.top, 2.45, HEIGHT, label="solvent model")
    floor = density[density > 0].min() / 3
    axes.fill_between(values, floor, np.maximum(density, floor), step="mid", color="0.8", label="low-passed map")
    model = solvent["height"] * np.exp(-((values - solvent["mean"]) ** 2) / (2 * solvent["sigma"] ** 2))
    axes.plot(values, np.maximum(model, floor), color="C0", lw=1.2, label="solvent model")
    axes.set_yscale("log")
    highest = 2 * max(density.max(), model.max())
    lines = {
        "confidence limit": (solvent["confidence_limit"], "C3", "--"),
        "full scale": (reference["value"], "k", ":"),
        "zero of the scale": (reference["zero"] or None, "0.45", "-."),
    }
    for label, (value, colour, style) in lines.items():
        if value is not None:
            axes.vlines(value, floor, highest, color=colour, ls=style, lw=0.9, label=label)
    # Above `highest` is the legend; the confidence has its 1 there.
    axes.set(xlim=(values[0], values[-1]), ylim=(floor, highest * (highest / floor) ** _LEGEND))
    beside = axes.twinx()
    beside.plot(values, curves["confidence"] ** settings.hedge_confidence, color="C3", lw=1.2)
    beside.set(ylim=(0, 1 + _LEGEND), yticks=(0, 0.5, 1))
    axes.plot([], [], color="C3", lw=1.2, label="confidence (right)")
    axes.legend(loc="upper center", **_LEGEND_STYLE)
    axes.set_xlabel("low-passed map (density)", fontsize=SMALL, labelpad=2)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    _without_numbers(axes, "voxels (log scale)")
    plain(axes, beside)


def _draw_scale(page: Page, settings: Settings, report: Report) -> None:
    """The histogram of the scale and, where maps were modified, what becomes of the scale."""
    left, width = MARGIN + 3.45, 1.75
    _title(page, left, "Local scale")
    curves = modification_curves(settings)
    height = 0.42 * HEIGHT if curves else HEIGHT
    if curves:
        upper = page.axes(left, page.top, width, HEIGHT - height - 0.08, label="modification")
        upper.plot([0, 1], [0, 1], color="0.6", lw=0.8, ls=":")
        for kind, (scale, modified) in curves.items():
            upper.plot(scale, modified, color=_COLOURS[kind], lw=1.2, label=kind)
        upper.set(xlim=(0, 1), ylim=(0, 1 + 1.5 * _LEGEND), xticks=[], yticks=(0, 0.5, 1))
        upper.set_ylabel("modified", fontsize=SMALL, labelpad=1)
        upper.legend(loc="upper left", **_LEGEND_STYLE)
        plain(upper)
    lower = page.axes(left, page.top + HEIGHT - height, width, height, label="local scale")
    everywhere, confident = (report["scale_histogram"][name] for name in ("voxels", "confident_voxels"))
    edges = np.linspace(0, 1, SCALE_BINS + 1)
    # Half a voxel is none, which a logarithm has not.
    lower.stairs(np.maximum(everywhere, 0.5), edges, fill=True, baseline=0.5, color="0.8", label="all voxels")
    lower.stairs(np.maximum(confident, 0.5), edges, baseline=0.5, color="C3", label="confidence > 0.5")
    lower.set_yscale("log")
    lower.set(xlim=(0, 1), ylim=(0.5, (30 if curves else 8) * max(everywhere)))
    lower.legend(loc="upper center", **_LEGEND_STYLE)
    lower.set_xlabel("local scale", fontsize=SMALL, labelpad=2)
    _without_numbers(lower, "voxels")
    plain(lower)


def _draw_tile(page: Page, report: Report, slices: MapSlices, source: Optional[str]) -> None:
    """The slice through where full scale was found, with the place marked."""
    side = 1.6
    left = PAGE[0] - MARGIN - side
    if source is not None:
        _title(page, left, "Full scale")
        for number, line in enumerate(wrapped(f"is taken from {source}; see there", side, SMALL)):
            page.text(left, page.top + number * height_of(SMALL), line, size=SMALL)
        return
    _title(page, left, "Where full scale was found")
    axes = page.axes(left, page.top, side, side, label="tile")
    low, high = grey_levels(slices.panels["input"])
    axes.imshow(slices.tile, cmap=DENSITY_COLOURS, vmin=low, vmax=high, origin="lower", interpolation="nearest")
    (_, y, x), (_, height, width) = tile_of(report)
    step = slices.step
    corner = (x / step, y / step)
    axes.add_patch(Rectangle(corner, width / step, height / step, fill=False, ec=_TILE_COLOUR, lw=1.4))
    if max(width, height) < _FINDABLE * max(slices.shape):
        middle = (corner[0] + width / step / 2, corner[1] + height / step / 2)
        axes.plot(*middle, "o", mfc="none", mec=_TILE_COLOUR, ms=12, mew=1.4)
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel(f"{AXIS_NAMES[0]} = {tile_section(report)}", fontsize=SMALL, labelpad=3)


def _without_numbers(axes: Any, label: str) -> None:
    axes.set_ylabel(label, fontsize=SMALL, labelpad=1)
    axes.tick_params(axis="y", which="both", left=False, labelleft=False)
