# SPDX-License-Identifier: GPL-3.0-or-later
"""The plots on a map's page: solvent model, local scale, and where full scale was found. Needs matplotlib."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from occupy_core.modify.modified_map import modification_factor
from occupy_core.reporting.map_summary import SCALE_BINS
from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.slices import AXIS_NAMES, DENSITY_COLOURS
from occupy_core.reporting.pdf.text import MARGIN, PAGE, SMALL, Page, height_of, wrapped
from occupy_core.reporting.sections import MapSections, tile_of, tile_section
from occupy_core.settings.output_names import MODIFIED
from occupy_core.settings.settings import Settings

Report = Mapping[str, Any]
Curve = NDArray[np.float32]

HEIGHT = 1.85  # of the plots, inches
_COLOURS = {"amplified": "C3", "attenuated": "C0", "sigmoid": "C2"}
_LEGEND = 0.3  # of the height of the curves, above them
_TILE_COLOUR = "#ff7f0e"
_FINDABLE = 0.04  # of the picture; around a smaller tile there is a ring


def draw_plots(page: Page, settings: Settings, report: Report, slices: MapSections, source: Optional[str]) -> None:
    """Draw all three side by side and go down the page below their frames.

    Parameters
    ----------
    page : Page
    settings : Settings
    report : mapping
        Of the map, as in report.json.
    slices : MapSections
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
    return {
        MODIFIED[name]: (scale, scale * modification_factor(name, scale, settings)) for name in settings.modifications
    }


def grey_levels(images: Sequence[Any]) -> Tuple[float, float]:
    """Black at the solvent's lower edge, white where all but the strongest density is reached."""
    values = np.concatenate([np.ravel(image) for image in images])
    low, high = (float(level) for level in np.percentile(values, (1, 99.8)))
    return (low, high) if high > low else (float(values.min()), float(values.max()))


def _title(page: Page, left: float, text: str) -> None:
    page.text(left, page.top - 1.4 * height_of(SMALL), text, size=SMALL, weight="bold")


def _draw_solvent(page: Page, settings: Settings, report: Report) -> None:
    """The histogram with the model, and the confidence beside it; numbers of voxels as logarithms."""
    solvent, reference = report["solvent"], report["reference"]
    curves = {name: np.array(values) for name, values in solvent["histogram"].items()}
    values, density = curves["values"], curves["density"]
    left, width = MARGIN + 0.42, 2.45
    _title(page, left, "Solvent model")
    model = solvent["height"] * np.exp(-((values - solvent["mean"]) ** 2) / (2 * solvent["sigma"] ** 2))
    floor, highest = density[density > 0].min() / 3, 2 * max(density.max(), model.max())
    low, high = np.log10(floor), np.log10(highest)
    # Above `highest` is the legend; the confidence has its 1 there.
    ends = (values[0], values[-1])
    frame = Frame(page, left, page.top, width, HEIGHT, x=ends, y=(low, high + _LEGEND * (high - low)))
    half = (values[1] - values[0]) / 2
    edges = np.append(values - half, values[-1] + half)
    frame.steps(np.log10(np.maximum(density, floor)), edges, "low-passed map", fill=True, colour="0.8")
    frame.line(values, np.log10(np.maximum(model, floor)), "solvent model", color="C0", lw=1.2)
    lines = {
        "confidence limit": (solvent["confidence_limit"], "C3", "--"),
        "full scale": (reference["value"], "k", ":"),
        "zero of the scale": (reference["zero"] or None, "0.45", "-."),
    }
    for label, (value, colour, style) in lines.items():
        if value is not None:
            frame.line((value, value), (low, high), label, color=colour, ls=style, lw=0.9)
    beside = Frame(page, left, page.top, width, HEIGHT, x=ends, y=(0, 1 + _LEGEND))
    beside.line(values, curves["confidence"] ** settings.hedge_confidence, "confidence (right)", color="C3", lw=1.2)
    beside.ticks_beside((0, 0.5, 1), right=True)
    frame.sides(right=True)
    frame.legend(beside)
    frame.ticks_below()
    frame.label_below("low-passed map (density)", size=SMALL)
    page.upwards(left - 0.05, page.top + HEIGHT / 2, "voxels (log scale)", size=SMALL)


def _draw_scale(page: Page, settings: Settings, report: Report) -> None:
    """The histogram of the scale and, where maps were modified, what becomes of the scale."""
    left, width = MARGIN + 3.45, 1.75
    _title(page, left, "Local scale")
    curves = modification_curves(settings)
    height = 0.42 * HEIGHT if curves else HEIGHT
    if curves:
        upper = Frame(page, left, page.top, width, HEIGHT - height - 0.08, x=(0, 1), y=(0, 1 + 1.5 * _LEGEND))
        upper.line((0, 1), (0, 1), color="0.6", lw=0.8, ls=":")
        for kind, (scale, modified) in curves.items():
            upper.line(scale, modified, kind, color=_COLOURS[kind], lw=1.2)
        upper.sides(right=True)
        upper.ticks_beside((0, 0.5, 1))
        upper.legend()
        page.upwards(left - 0.22, (upper.top + upper.bottom) / 2, "modified", size=SMALL)
    everywhere, confident = (report["scale_histogram"][name] for name in ("voxels", "confident_voxels"))
    # Half a voxel is none, which a logarithm has not.
    floor, highest = np.log10((0.5, (30 if curves else 8) * max(everywhere)))
    lower = Frame(page, left, page.top + HEIGHT - height, width, height, x=(0, 1), y=(floor, highest))
    edges = np.linspace(0, 1, SCALE_BINS + 1)
    lower.steps(np.log10(np.maximum(everywhere, 0.5)), edges, "all voxels", fill=True, colour="0.8")
    lower.steps(np.log10(np.maximum(confident, 0.5)), edges, "confidence > 0.5", fill=False, colour="C3")
    lower.sides(right=True)
    lower.legend()
    lower.ticks_below((0, 0.2, 0.4, 0.6, 0.8, 1))
    lower.label_below("local scale", size=SMALL)
    page.upwards(left - 0.05, (lower.top + lower.bottom) / 2, "voxels", size=SMALL)


def _draw_tile(page: Page, report: Report, slices: MapSections, source: Optional[str]) -> None:
    """The slice through where full scale was found, with the place marked."""
    side = 1.6
    left = PAGE[0] - MARGIN - side
    if source is not None:
        _title(page, left, "Full scale")
        for number, line in enumerate(wrapped(f"is taken from {source}; see there", side, SMALL)):
            page.text(left, page.top + number * height_of(SMALL), line, size=SMALL)
        return
    _title(page, left, "Where full scale was found")
    rows, columns = slices.tile.shape
    frame = Frame(page, left, page.top, side, side, x=(-0.5, columns - 0.5), y=(-0.5, rows - 0.5))
    frame.picture(slices.tile, DENSITY_COLOURS, grey_levels(slices.panels["input"]), "where full scale was found")
    (_, y, x), (_, height, width) = tile_of(report)
    step = slices.step
    corner = (x / step, y / step)
    frame.add(Rectangle(corner, width / step, height / step, fill=False, ec=_TILE_COLOUR, lw=1.4, label="tile"))
    if max(width, height) < _FINDABLE * max(slices.shape):
        middle = (corner[0] + width / step / 2, corner[1] + height / step / 2)
        frame.line(middle[:1], middle[1:], "ring", marker="o", mfc="none", mec=_TILE_COLOUR, ms=12, mew=1.4)
    frame.label_below(f"{AXIS_NAMES[0]} = {tile_section(report)}", size=SMALL, beneath_ticks=False)
