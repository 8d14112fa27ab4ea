# SPDX-License-Identifier: GPL-3.0-or-later
"""Three plots on a map's page: solvent model, local scale, tile where full scale was found. Needs matplotlib."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from occupy_core.modify.modified_map import modification_factor
from occupy_core.reporting.map_summary import SCALE_BINS
from occupy_core.reporting.pdf.colours import DENSITY_COLOURS, grey_levels
from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.sheets import MARGIN, PAGE, SMALL, Page
from occupy_core.reporting.pdf.text import line_height, wrapped
from occupy_core.reporting.sections import AXIS_NAMES, MapSections, reference_tile_box, tile_section_index
from occupy_core.settings.output_names import MODIFIED
from occupy_core.settings.settings import Settings

Report = Mapping[str, Any]
Curve = NDArray[np.float32]

HEIGHT = 1.85  # of the plots beside other pictures, inches
_CURVE_COLOURS = {"amplified": "C3", "attenuated": "C0", "sigmoid": "C2"}
_LEGEND_PART = 0.3  # space for the legend above the curves, as a part of their height
_TILE_COLOUR = "#ff7f0e"
_MIN_TILE_PART = 0.04  # of the box; a smaller tile has a ring around it, so that readers find it


def draw_plots(
    page: Page,
    settings: Settings,
    report: Report,
    sections: MapSections,
    reference_name: Optional[str],
    *,
    height: float = HEIGHT,
) -> None:
    """Draw the three plots side by side on top of the page's free space; `page.top` is then below their frames.

    Parameters
    ----------
    page : Page
    settings : Settings
    report : mapping
        Report of the map, an item of "maps" in report.json.
    sections : MapSections
        Sections through the map.
    reference_name : str, optional
        Name of the map that gave the reference value, when it is another map.
    height : float
        Height of the frames of the plots, inches.
    """
    _draw_solvent(page, settings, report, height)
    _draw_scale(page, settings, report, height)
    _draw_tile(page, report, sections, reference_name)
    page.top += height


def modification_curves(settings: Settings) -> Dict[str, Tuple[Curve, Curve]]:
    """Return the local scale, 0..1, and the modified local scale as curves, for each kind of modified map."""
    scale = np.linspace(0, 1, 501, dtype=np.float32)
    return {
        MODIFIED[name]: (scale, scale * modification_factor(name, scale, settings)) for name in settings.modifications
    }


def _draw_title(page: Page, left: float, text: str) -> None:
    page.text(left, page.top - 1.4 * line_height(SMALL), text, size=SMALL, weight="bold")


def _draw_solvent(page: Page, settings: Settings, report: Report, height: float) -> None:
    """Plot histogram and solvent model on a logarithmic axis, and the confidence on an axis at the right."""
    solvent = report["solvent"]
    curves = {name: np.array(values) for name, values in solvent["histogram"].items()}
    values, density = curves["values"], curves["density"]
    left, width = MARGIN + 0.42, 2.45
    _draw_title(page, left, "Solvent model")
    model = _gaussian(values, solvent, solvent["sigma"])
    floor, highest = density[density > 0].min() / 3, 2 * max(density.max(), model.max())
    low, high = np.log10(floor), np.log10(highest)
    # The legend is above `highest`, the height at which the confidence is 1.
    ends = (values[0], values[-1])
    frame = Frame(page, left, page.top, width, height, x=ends, y=(low, high + _LEGEND_PART * (high - low)))
    half = (values[1] - values[0]) / 2
    edges = np.append(values - half, values[-1] + half)
    frame.histogram(np.log10(np.maximum(density, floor)), edges, "low-passed map", fill=True, colour="0.8")
    frame.line(values, np.log10(np.maximum(model, floor)), "solvent model", color="C0", lw=1.2)
    near_sigma = solvent["sigma_near_molecule"]
    if near_sigma is not None:
        near = np.log10(np.maximum(_gaussian(values, solvent, near_sigma), floor))
        frame.line(values, near, "as near the molecule", color="C0", ls="--", lw=1.0)
    _draw_solvent_limits(frame, report, (low, high))
    confidence_frame = Frame(page, left, page.top, width, height, x=ends, y=(0, 1 + _LEGEND_PART))
    confidence = curves["confidence"] ** settings.hedge_confidence
    confidence_frame.line(values, confidence, "confidence (right)", color="C3", lw=1.2)
    confidence_frame.ticks_beside((0, 0.5, 1), right=True)
    frame.sides(right=True)
    frame.legend(confidence_frame)
    frame.ticks_below()
    frame.label_below("low-passed map (density)", size=SMALL)
    page.upward_text(left - 0.05, page.top + height / 2, "voxels (log scale)", size=SMALL)


def _gaussian(values: NDArray[np.float64], solvent: Report, sigma: float) -> NDArray[np.float64]:
    """Return the Gaussian of the solvent model with another sigma and the same area, at these map values."""
    height = solvent["height"] * solvent["sigma"] / sigma
    gaussian: NDArray[np.float64] = height * np.exp(-((values - solvent["mean"]) ** 2) / (2 * sigma**2))
    return gaussian


def _draw_solvent_limits(frame: Frame, report: Report, ends: Tuple[float, float]) -> None:
    """Draw upright lines, between two heights, at the confidence limit, full scale and the zero of the scale."""
    reference = report["reference"]
    lines = {
        "confidence limit": (report["solvent"]["confidence_limit"], "C3", "--"),
        "full scale": (reference["value"], "k", ":"),
        "zero of the scale": (reference["zero"] or None, "0.45", "-."),
    }
    for label, (value, colour, style) in lines.items():
        if value is not None:
            frame.line((value, value), ends, label, color=colour, ls=style, lw=0.9)


def _draw_scale(page: Page, settings: Settings, report: Report, height: float) -> None:
    """Plot the histogram of the local scale and, above it, the modified scale of each kind of modified map."""
    left, width = MARGIN + 3.45, 1.75
    _draw_title(page, left, "Local scale")
    curves = modification_curves(settings)
    lower_height = 0.42 * height if curves else height
    if curves:
        upper = Frame(
            page, left, page.top, width, height - lower_height - 0.08, x=(0, 1), y=(0, 1 + 1.5 * _LEGEND_PART)
        )
        upper.line((0, 1), (0, 1), color="0.6", lw=0.8, ls=":")
        for kind, (scale, modified) in curves.items():
            upper.line(scale, modified, kind, color=_CURVE_COLOURS[kind], lw=1.2)
        upper.sides(right=True)
        upper.ticks_beside((0, 0.5, 1))
        upper.legend()
        page.upward_text(left - 0.22, (upper.top + upper.bottom) / 2, "modified", size=SMALL)
    everywhere, confident = (report["scale_histogram"][name] for name in ("voxels", "confident_voxels"))
    # Empty bins are drawn as half a voxel, since 0 has no logarithm.
    floor, highest = np.log10((0.5, (30 if curves else 8) * max(everywhere)))
    lower = Frame(page, left, page.top + height - lower_height, width, lower_height, x=(0, 1), y=(floor, highest))
    edges = np.linspace(0, 1, SCALE_BINS + 1)
    lower.histogram(np.log10(np.maximum(everywhere, 0.5)), edges, "all voxels", fill=True, colour="0.8")
    lower.histogram(np.log10(np.maximum(confident, 0.5)), edges, "confidence > 0.5", fill=False, colour="C3")
    lower.sides(right=True)
    lower.legend()
    lower.ticks_below((0, 0.2, 0.4, 0.6, 0.8, 1))
    lower.label_below("local scale", size=SMALL)
    page.upward_text(left - 0.05, (lower.top + lower.bottom) / 2, "voxels", size=SMALL)


def _draw_tile(page: Page, report: Report, sections: MapSections, reference_name: Optional[str]) -> None:
    """Draw the section through the reference tile with the tile outlined, or name the map that has the tile."""
    side = 1.6
    left = PAGE[0] - MARGIN - side
    if reference_name is not None:
        _draw_title(page, left, "Full scale")
        for number, line in enumerate(wrapped(f"is taken from {reference_name}: see its page", side, SMALL)):
            page.text(left, page.top + number * line_height(SMALL), line, size=SMALL)
        return
    _draw_title(page, left, "Where full scale was found")
    rows, columns = sections.tile.shape
    frame = Frame(page, left, page.top, side, side, x=(-0.5, columns - 0.5), y=(-0.5, rows - 0.5))
    frame.picture(sections.tile, DENSITY_COLOURS, grey_levels(sections.panels["input"]), "where full scale was found")
    (_, y, x), (_, height, width) = reference_tile_box(report)
    step = sections.tile_step
    corner = (x / step, y / step)
    frame.add(Rectangle(corner, width / step, height / step, fill=False, ec=_TILE_COLOUR, lw=1.4, label="tile"))
    if max(width, height) < _MIN_TILE_PART * max(sections.shape):
        middle = (corner[0] + width / step / 2, corner[1] + height / step / 2)
        frame.line(middle[:1], middle[1:], "ring", marker="o", mfc="none", mec=_TILE_COLOUR, ms=12, mew=1.4)
    frame.label_below(f"{AXIS_NAMES[0]} = {tile_section_index(report)}", size=SMALL, beneath_ticks=False)
