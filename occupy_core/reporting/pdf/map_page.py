# SPDX-License-Identifier: GPL-3.0-or-later
"""Page of one map: sections, plots, settings, derived values and warnings. Needs matplotlib."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Tuple

from matplotlib.figure import Figure

from occupy_core.reporting.pdf.map_panels import draw_panels, least_height
from occupy_core.reporting.pdf.map_plots import HEIGHT, draw_plots
from occupy_core.reporting.pdf.messages import MapPages
from occupy_core.reporting.pdf.sheets import MARGIN, WARNINGS, WIDTH, Page, add_blocks, blocks_height
from occupy_core.reporting.pdf.surface_views import draw_surface, views_height
from occupy_core.reporting.pdf.table import (
    DERIVED_HEADING,
    SETTINGS_HEADING,
    Rows,
    draw_table,
    in_columns,
    setting_rows,
    table_height,
    with_wrapped_values,
)
from occupy_core.reporting.surface.map_surface import MapSurface
from occupy_core.reporting.target_text import target_text

Report = Mapping[str, Any]

_GAP = 0.14  # inches
_BELOW_PLOTS = 0.5  # inches
_DERIVED_COLUMNS, _MOST_ROWS = 3, 10  # of the derived values without settings; of a column of settings
_TALL_PLOTS = 3.0  # on a page of their own, inches
_SURFACE_HEIGHT, _LOWER_SURFACE = 2.6, 1.8  # of the 3D views, inches: lower to leave room for the table below them


def map_pages(shown: MapPages) -> List[Figure]:
    """Draw the pages of one map: pictures and plots, then settings, derived values and warnings.

    All of this is on one page if it fits, or if the map has no surface to show.
    """
    settings, report, sections = shown.settings, shown.report, shown.sections
    title = f"Local scale of {report['name']}"
    page = Page(title, _details(report, shown.version), report["input"])
    warnings = [*report["warnings"], *shown.notes]
    page.add_warning_count(warnings)
    page.top += _GAP if shown.outcome else 0.0
    add_blocks(page, shown.outcome, title=title)  # a new page has room for all of them
    blocks = [("Target masks", [target_text(target) for target in report["targets"]])] if report["targets"] else []
    blocks.append((WARNINGS, warnings) if warnings else ("No warnings", []))
    table, headings = _table(shown)
    height_below = HEIGHT + _BELOW_PLOTS + table_height(table) + blocks_height(blocks)
    room = page.free_height - height_below - least_height(sections)
    is_one_page = sections.surface is None or _surface_height(sections.surface, _LOWER_SURFACE) <= room
    if sections.surface is not None:
        _draw_surface(page, report, sections.surface, _LOWER_SURFACE if is_one_page else _SURFACE_HEIGHT)
    height = page.free_height - (height_below if is_one_page else 0.0)
    draw_panels(page, sections, height, voxel_size=report["voxel_size_angstrom"])
    pages = [page]
    if not is_one_page:
        pages.append(Page(f"{title}, continued"))
        pages[-1].top += _BELOW_PLOTS / 2  # the titles of the plots stand above their frames
    plots = HEIGHT if is_one_page else _TALL_PLOTS
    draw_plots(pages[-1], settings, report, sections, shown.reference_name, height=plots)
    pages[-1].top += _BELOW_PLOTS
    draw_table(pages[-1], table, headings)
    return [item.figure for item in [*pages[:-1], *add_blocks(pages[-1], blocks, title=f"{title}, continued")]]


def _table(shown: MapPages) -> Tuple[List[Rows], List[str]]:
    """Return the columns of settings and derived values, and their headings."""
    derived = _derived_rows(shown.report, shown.reference_name)
    if not shown.has_settings:
        columns = in_columns(derived, _DERIVED_COLUMNS)
        return with_wrapped_values(columns), [DERIVED_HEADING, *[""] * (len(columns) - 1)]
    rows = setting_rows(shown.settings)
    columns = in_columns(rows, -(-len(rows) // _MOST_ROWS))
    both = [*columns, *in_columns(derived, max(_DERIVED_COLUMNS - len(columns), 1))]
    return with_wrapped_values(both), [
        SETTINGS_HEADING,
        *[""] * (len(columns) - 1),
        DERIVED_HEADING,
        *[""] * (len(both) - len(columns) - 1),
    ]


def _details(report: Report, version: str) -> str:
    """Return the line below the title: program, box, voxel size, and the share of the particles where known."""
    box = " × ".join(map(str, report["box_voxels"]))
    words = [f"OccuPy for Scipion and RELION {version}", f"{box} voxels of {report['voxel_size_angstrom']:.4g} Å"]
    info = report.get("class")
    if info and info["share"] is not None:
        words.append(f"{100 * info['share']:.0f} % of the particles")
    return "   ·   ".join(words)


def _draw_surface(page: Page, report: Report, surface: MapSurface, most: float) -> None:
    """Draw the surface of the input from three sides, coloured by the local scale; at most `most` inches high."""
    page.top += _GAP
    title = f"Surface of the input at {_number(report['surface_level'], 3)}, coloured by the local scale"
    height = draw_surface(page, surface, title, left=MARGIN, top=page.top, width=WIDTH, height=most)
    page.top += height + _GAP


def _surface_height(surface: MapSurface, most: float) -> float:
    """Return the height that `_draw_surface` fills, inches."""
    return views_height(surface.density.shape, WIDTH, most) + 2 * _GAP


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
