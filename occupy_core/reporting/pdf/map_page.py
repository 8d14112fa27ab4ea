# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that shows a map, its local scale and how that was found. Needs matplotlib."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure

from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.map_plots import HEIGHT, draw_plots, grey_levels
from occupy_core.reporting.pdf.slices import AXIS_NAMES, DENSITY_COLOURS, FRACTION_COLOURS
from occupy_core.reporting.pdf.text import (
    MARGIN,
    SMALL,
    TINY,
    WARNINGS,
    WIDTH,
    Page,
    fitted,
    flow,
    flow_height,
    height_of,
    wrapped,
)
from occupy_core.reporting.report import target_text
from occupy_core.reporting.sections import MapSections
from occupy_core.settings.description import Description
from occupy_core.settings.output_names import DENSITIES, MAP_OUTPUTS
from occupy_core.settings.settings import Settings, default_of, descriptions

Report = Mapping[str, Any]
# Label, value, whether it is to be noted.
Rows = List[Tuple[str, str, bool]]

_SMALLEST_PANEL, _LARGEST_PANEL = 0.95, 1.7
_GAP = 0.06
_LABELS = 0.25  # beside the slices
_KEYS, _BELOW_PLOTS = 0.7, 0.5
_SHADES = np.linspace(0, 1, 256, dtype=np.float32)[np.newaxis]


def map_pages(
    settings: Settings,
    report: Report,
    slices: MapSections,
    *,
    version: str,
    notes: Sequence[str] = (),
    reference_name: Optional[str] = None,
) -> List[Figure]:
    """The page of one map; further ones when its warnings do not fit.

    Parameters
    ----------
    settings : Settings
    report : mapping
        Of the map, as in report.json.
    slices : MapSections
    version : str
        Of the program.
    notes : sequence of str
        Warnings of the job as a whole, to be told here too.
    reference_name : str, optional
        The map that full scale was taken from, where it is another one.
    """
    title = f"Local scale of {report['name']}"
    page = Page(title, _details(report, version), report["input"])
    warnings = [*report["warnings"], *notes]
    page.count_warnings(warnings)
    blocks = [("Target masks", [target_text(target) for target in report["targets"]])] if report["targets"] else []
    blocks.append((WARNINGS, warnings) if warnings else ("No warnings", []))
    table = [*_setting_columns(settings), _derived_rows(report, reference_name)]
    below = HEIGHT + _BELOW_PLOTS + _table_height(table) + flow_height(blocks)
    _draw_slices(page, slices, page.room - below)
    draw_plots(page, settings, report, slices, reference_name)
    page.top += _BELOW_PLOTS
    _draw_table(page, table)
    return [item.figure for item in flow(page, blocks, title=f"{title}, continued")]


def _details(report: Report, version: str) -> str:
    box = " × ".join(map(str, report["box_voxels"]))
    words = [f"OccuPy for Scipion and RELION {version}", f"{box} voxels of {report['voxel_size_angstrom']:.4g} Å"]
    info = report.get("class")
    if info and info["share"] is not None:
        words.append(f"{100 * info['share']:.0f} % of the particles")
    return "   ·   ".join(words)


def _title(kind: str) -> str:
    return MAP_OUTPUTS[kind].title if kind in MAP_OUTPUTS else kind


def _draw_slices(page: Page, slices: MapSections, height: float) -> None:
    """A column for each map, a row for each axis, and the two colour keys, as high as there is room."""
    count = len(slices.panels)
    fitting = max(_SMALLEST_PANEL, (height - _KEYS - 2 * height_of(SMALL)) / 3 - _GAP)
    side = min(_LARGEST_PANEL, fitting, (WIDTH - _LABELS - (count - 1) * _GAP) / count)
    left = MARGIN + _LABELS + (WIDTH - _LABELS - count * side - (count - 1) * _GAP) / 2
    titles = {kind: wrapped(_title(kind), side, SMALL, "bold") for kind in slices.panels}
    page.top += max(map(len, titles.values())) * height_of(SMALL) + _GAP
    grey = grey_levels(slices.panels["input"])
    for column, (kind, images) in enumerate(slices.panels.items()):
        place = left + column * (side + _GAP)
        for number, line in enumerate(reversed(titles[kind])):
            above = page.top - (number + 1) * height_of(SMALL)
            page.text(place + side / 2, above, line, size=SMALL, ha="center", weight="bold")
        colours, levels = (DENSITY_COLOURS, grey) if kind in DENSITIES else (FRACTION_COLOURS, (0.0, 1.0))
        for axis, image in enumerate(images):
            frame = Frame(page, place, page.top + axis * (side + _GAP), side, side)
            frame.picture(image, colours, levels, f"{kind} {AXIS_NAMES[axis]}")
    for axis, name in enumerate(AXIS_NAMES):
        middle = page.top + axis * (side + _GAP) + side / 2
        page.upwards(left - _GAP, middle, f"{name} = {slices.shape[axis] // 2}", size=SMALL)
    page.top += 3 * (side + _GAP)
    middle = MARGIN + _LABELS + (WIDTH - _LABELS) / 2
    _draw_key(page, middle - 2.7, DENSITY_COLOURS, grey, "input and modified maps (density)")
    _draw_key(page, middle + 0.3, FRACTION_COLOURS, (0.0, 1.0), "local scale, confidence, masks (0 to 1)")
    page.top += _KEYS


def _draw_key(page: Page, left: float, colours: str, levels: Tuple[float, float], label: str) -> None:
    frame = Frame(page, left, page.top, 2.4, 0.08, x=levels)
    frame.picture(_SHADES, colours, (0.0, 1.0), label)
    frame.ticks_below()
    frame.label_below(label, size=SMALL)


def _table_height(columns: Sequence[Rows]) -> float:
    return (max(map(len, columns)) + 2) * height_of(TINY)


def _draw_table(page: Page, columns: Sequence[Rows]) -> None:
    """Settings, what is not the default in bold; in the last column what was derived."""
    headings = ["Settings (in bold: not the default)", *[""] * (len(columns) - 2), "Derived values"]
    width, height = WIDTH / len(columns), height_of(TINY)
    for column, (heading, rows) in enumerate(zip(headings, columns)):
        left = MARGIN + column * width
        page.text(left, page.top, heading, size=SMALL, weight="bold")
        for row, (label, value, changed) in enumerate(rows):
            top = page.top + (row + 1.3) * height
            weight = "bold" if changed else "normal"
            page.text(left, top, fitted(label, 0.57 * width, TINY), size=TINY, color="0.35")
            shown = fitted(value, 0.38 * width, TINY, weight)
            page.text(left + 0.61 * width, top, shown, size=TINY, weight=weight)
    page.top += _table_height(columns)


def _setting_columns(settings: Settings) -> List[Rows]:
    rows = [
        (item.label, _shown(item, getattr(settings, name)), getattr(settings, name) != default_of(name))
        for name, item in descriptions().items()
        if name != "figures"  # where it can be read, it is yes
    ]
    half = -(-len(rows) // 2)
    return [rows[:half], rows[half:]]


def _shown(item: Description, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == ():
        return {"": "off", "off": "off", "none": "none"}.get(item.derived, "derived")
    if isinstance(value, tuple):
        return ", ".join(os.path.basename(path) for path in value)
    return f"{value:g}" if isinstance(value, float) else os.path.basename(str(value))


def _derived_rows(report: Report, reference_name: Optional[str]) -> Rows:
    derived, reference, solvent = report["derived"], report["reference"], report["solvent"]
    rows = [
        ("Mode", derived["mode"]),
        ("Low-pass", f"{derived['lowpass_angstrom']:.4g} Å"),
        ("Kernel size, radius (voxels)", f"{derived['kernel_size_voxels']}, {derived['kernel_radius_voxels']:.3g}"),
        ("Voxels in the kernel", f"{derived['kernel_voxels']}"),
        ("Tau", f"{derived['tau']:.4g}"),
        ("Box of the computation", " × ".join(map(str, derived["box_voxels"]))),
        ("Full scale (reference value)", _number(reference["value"])),
        *([("Zero of the scale", _number(reference["zero"]))] if reference["zero"] else []),
        *([("Full scale taken from", reference_name)] if reference_name else _places(reference)),
        ("Solvent, mean ± sigma", f"{_number(solvent['mean'], 3)} ± {_number(solvent['sigma'], 3)}"),
        ("Confidence limit", _number(solvent["confidence_limit"])),
        ("Variability limit", _number(report["variability_limit"], 3)),
        ("Median scale where confident", _number(report["median_scale"], 3)),
    ]
    return [(label, value, False) for label, value in rows]


def _places(reference: Report) -> List[Tuple[str, str]]:
    highest, lowest = (
        ", ".join(map(str, reference[f"{which}_tile_first_voxel_xyz"])) for which in ("highest", "lowest")
    )
    if reference["tile_size_voxels"] == 1:
        return [("Highest voxel", highest), ("Lowest voxel", lowest)]
    tiles = ("Edge of the tiles", f"{reference['tile_size_voxels']} voxels")
    return [tiles, ("First voxel of the highest", highest), ("First voxel of the lowest", lowest)]


def _number(value: Optional[float], digits: int = 4) -> str:
    return "none" if value is None or value != value else f"{value:.{digits}g}"
