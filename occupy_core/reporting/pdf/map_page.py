# SPDX-License-Identifier: GPL-3.0-or-later
"""Page of one map: sections, plots, settings, derived values and warnings. Needs matplotlib."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from matplotlib.figure import Figure

from occupy_core.reporting.pdf.map_panels import draw_panels
from occupy_core.reporting.pdf.map_plots import HEIGHT, draw_plots
from occupy_core.reporting.pdf.messages import MapPages
from occupy_core.reporting.pdf.sheets import (
    MARGIN,
    SMALL,
    TINY,
    WARNINGS,
    WIDTH,
    Page,
    add_blocks,
    blocks_height,
)
from occupy_core.reporting.pdf.surface_views import draw_surface
from occupy_core.reporting.pdf.text import line_height, printable, shortened, text_width, wrapped
from occupy_core.reporting.surface.map_surface import MapSurface
from occupy_core.reporting.target_text import target_text
from occupy_core.settings.setting_type import Description
from occupy_core.settings.settings import Settings, default_of, descriptions

Report = Mapping[str, Any]
# Rows of a table: label, value, whether the value is in bold.
Rows = List[Tuple[str, str, bool]]

_GAP = 0.14  # inches
_BELOW_PLOTS = 0.5  # inches
_MAX_LABEL_PART = 0.75  # of the width of a column of the table
_SURFACE_HEIGHT = 2.6  # of the 3D views, inches


def map_pages(shown: MapPages) -> List[Figure]:
    """Draw the pages of one map: pictures and plots, then settings, derived values and warnings.

    All of this is on one page if the map has no surface to show and its warnings fit.
    """
    settings, report, sections = shown.settings, shown.report, shown.sections
    title = f"Local scale of {report['name']}"
    page = Page(title, _details(report, shown.version), report["input"])
    warnings = [*report["warnings"], *shown.notes]
    page.add_warning_count(warnings)
    add_blocks(page, shown.outcome, title=title)  # a new page has room for all of them
    blocks = [("Target masks", [target_text(target) for target in report["targets"]])] if report["targets"] else []
    blocks.append((WARNINGS, warnings) if warnings else ("No warnings", []))
    table = _with_wrapped_values([*_setting_columns(settings), _derived_rows(report, shown.reference_name)])
    pages, height_below = [page], HEIGHT + _BELOW_PLOTS
    if sections.surface is None:
        height_below += _table_height(table) + blocks_height(blocks)
    else:
        _draw_surface(page, report, sections.surface)
    draw_panels(page, sections, page.free_height - height_below, voxel_size=report["voxel_size_angstrom"])
    if sections.surface is not None and page.free_height < HEIGHT + _BELOW_PLOTS:
        pages.append(Page(f"{title}, continued"))
        pages[-1].top += _BELOW_PLOTS / 2  # the titles of the plots stand above their frames
    draw_plots(pages[-1], settings, report, sections, shown.reference_name)
    pages[-1].top += _BELOW_PLOTS
    if sections.surface is not None and len(pages) == 1:  # the table has no room below it
        pages.append(Page(f"{title}, continued"))
    _draw_table(pages[-1], table)
    return [item.figure for item in [*pages[:-1], *add_blocks(pages[-1], blocks, title=f"{title}, continued")]]


def _details(report: Report, version: str) -> str:
    """Return the line below the title: program, box, voxel size, and the share of the particles where known."""
    box = " × ".join(map(str, report["box_voxels"]))
    words = [f"OccuPy for Scipion and RELION {version}", f"{box} voxels of {report['voxel_size_angstrom']:.4g} Å"]
    info = report.get("class")
    if info and info["share"] is not None:
        words.append(f"{100 * info['share']:.0f} % of the particles")
    return "   ·   ".join(words)


def _draw_surface(page: Page, report: Report, surface: MapSurface) -> None:
    """Draw the surface of the input from three sides, coloured by the local scale."""
    page.top += _GAP
    title = f"Surface of the input at {_number(report['surface_level'], 3)}, coloured by the local scale"
    height = draw_surface(page, surface, title, left=MARGIN, top=page.top, width=WIDTH, height=_SURFACE_HEIGHT)
    page.top += height + _GAP


def _table_height(columns: Sequence[Rows]) -> float:
    return (max(map(len, columns)) + 2) * line_height(TINY)


def _draw_table(page: Page, columns: Sequence[Rows]) -> None:
    """Draw the settings, in bold those that differ from the default, and the derived values in the last column."""
    headings = ["Settings (in bold: not the default)", *[""] * (len(columns) - 2), "Derived values"]
    width, height = WIDTH / len(columns), line_height(TINY)
    for column, (heading, rows) in enumerate(zip(headings, columns)):
        left = MARGIN + column * width
        page.text(left, page.top, heading, size=SMALL, weight="bold")
        label_width = _label_width(rows, width)
        for row, (label, value, is_bold) in enumerate(rows):
            top = page.top + (row + 1.3) * height
            weight = "bold" if is_bold else "normal"
            page.text(left, top, shortened(label, label_width, TINY), size=TINY, color="0.35")
            page.text(left + (label_width if label else 0.0) + _GAP, top, value, size=TINY, weight=weight)
    page.top += _table_height(columns)


def _label_width(rows: Rows, column: float) -> float:
    """Return the width of the labels in a column of the table; all in inches."""
    return min(max(text_width(label, TINY) for label, _, _ in rows), _MAX_LABEL_PART * column)


def _with_wrapped_values(columns: Sequence[Rows]) -> List[Rows]:
    """Return the table with values that are too wide for the place beside their label on rows of their own below it."""
    width = WIDTH / len(columns)
    result = []
    for rows in columns:
        room = 0.96 * width - _label_width(rows, width) - _GAP
        lines: Rows = []
        for label, value, is_bold in rows:
            weight = "bold" if is_bold else "normal"
            if text_width(printable(value), TINY, weight) <= room:
                lines.append((label, printable(value), is_bold))
                continue
            below = wrapped(value, 0.96 * width - _GAP, TINY, weight)
            lines += [(label, "", is_bold), *(("", text, is_bold) for text in below)]
        result.append(lines)
    return result


def _setting_columns(settings: Settings) -> List[Rows]:
    """Return the table of settings in two columns."""
    rows = [
        (item.label, _value_text(item, getattr(settings, name)), getattr(settings, name) != default_of(name))
        for name, item in descriptions().items()
        if name != "figures"  # this page exists, so the value is yes
    ]
    half = -(-len(rows) // 2)
    return [rows[:half], rows[half:]]


def _value_text(item: Description, value: Any) -> str:
    """Return the value of a setting as users read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == ():
        return {"": "off", "off": "off", "none": "none"}.get(item.derived, "derived")
    if isinstance(value, tuple):
        return ", ".join(os.path.basename(path) for path in value)
    return f"{value:g}" if isinstance(value, float) else os.path.basename(str(value))


def _derived_rows(report: Report, reference_name: Optional[str]) -> Rows:
    """Return the table of values that were derived from the settings and the map."""
    derived, reference, solvent = report["derived"], report["reference"], report["solvent"]
    widened = solvent["sigma_near_molecule"] is not None
    rows = [
        ("Mode", derived["mode"]),
        ("Low-pass", f"{derived['lowpass_angstrom']:.4g} Å"),
        ("Kernel size, radius (voxels)", f"{derived['kernel_size_voxels']}, {derived['kernel_radius_voxels']:.3g}"),
        ("Voxels in the kernel", f"{derived['kernel_voxels']}"),
        ("Tau", f"{derived['tau']:.4g}"),
        ("Box of the computation", " × ".join(map(str, derived["box_voxels"]))),
        ("Full scale (reference value)", _number(reference["value"])),
        *([("Zero of the scale", _number(reference["zero"]))] if reference["zero"] else []),
        *([("Full scale taken from", reference_name)] if reference_name else _tile_rows(reference)),
        ("Mean of the solvent", _number(solvent["mean"], 3)),
        ("Sigma of the solvent", _number(solvent["sigma"], 3)),
        *([("Sigma near the molecule", _number(solvent["sigma_near_molecule"], 3))] if widened else []),
        ("Confidence limit", _number(solvent["confidence_limit"])),
        ("Variability limit", _number(report["variability_limit"], 3)),
        ("Median scale where confident", _number(report["median_scale"], 3)),
    ]
    return [(label, value, False) for label, value in rows]


def _tile_rows(reference: Report) -> List[Tuple[str, str]]:
    """Return rows about the tiles with the highest and the lowest percentile, or about single voxels."""
    highest, lowest = (
        ", ".join(map(str, reference[f"{which}_tile_first_voxel_xyz"])) for which in ("highest", "lowest")
    )
    if reference["tile_size_voxels"] == 1:
        return [("Highest voxel", highest), ("Lowest voxel", lowest)]
    tiles = ("Edge of the tiles", f"{reference['tile_size_voxels']} voxels")
    return [tiles, ("Densest tile, from voxel", highest), ("Emptiest tile, from voxel", lowest)]


def _number(value: Optional[float], digits: int = 4) -> str:
    return "none" if value is None or value != value else f"{value:.{digits}g}"
