# SPDX-License-Identifier: GPL-3.0-or-later
"""Page on a fitted model: bars of its parts for one map, a table for several, and traces along the chains.

Needs matplotlib.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from occupy_core.modelling.describe import (
    STRETCHES,
    correlation_text,
    difference_lines,
    part_text,
    region_lines,
    stretch_lines,
)
from occupy_core.reporting.pdf.colours import FRACTION_COLOURS
from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.sheets import MARGIN, SMALL, TINY, WARNINGS, WIDTH, Blocks, Page, add_blocks
from occupy_core.reporting.pdf.surface_views import draw_surfaces
from occupy_core.reporting.pdf.text import line_height, shortened, text_width
from occupy_core.reporting.surface.map_surface import MapSurface

Report = Mapping[str, Any]

_MAX_BARS, _MAX_ROWS, _MAX_TRACES = 30, 30, 16  # parts and chains in the figures; the text and tables have all
_MAX_NAMED = 40  # maps in the legend of the traces
_BARS_HEIGHT, _ROW_HEIGHT, _TRACE_HEIGHT = 2.0, 0.17, 0.62  # inches
_LEFT, _BELOW = 0.45, 0.3  # inches, for numbers and names
_NAME_WIDTH = 1.1  # inches, of the names of parts beside a table
_TICKS = (0, 0.5, 1)
_OCCUPANCIES = "Occupancies, with 90 % intervals in brackets, and median local scale at the atoms"
_SAMPLE = 0.2  # inches, of a line in the legend
_DASHES = ("-", "--", ":", "-.")
_VIEWS_HEIGHT = 2.4  # of the 3D views, inches
_SURFACES = "Surface of the map, coloured by the occupancy of the nearest part from 0 (dark blue) to 1 (yellow)"
_CONTINUED = "Occupancy of a fitted model, continued"
_WIDE_CELL, _WIDEST_CELL = 0.9, 1.25  # inches; narrower cells of the table have no intervals


def model_pages(
    report: Report,
    comparison: Optional[Report] = None,
    *,
    version: str,
    outcome: Blocks = (),
    surfaces: Optional[Mapping[str, MapSurface]] = None,
) -> List[Figure]:
    """Draw the pages on a fitted model.

    Parameters
    ----------
    report : mapping
        The model's part of report.json.
    comparison : mapping, optional
        The comparison's part of report.json, whose regions lie on parts of the model.
    version : str
        Version of this program.
    outcome : sequence of (str, sequence of str)
        The result of the job and the next steps, for the first page of the file.
    surfaces : mapping of str to MapSurface, optional
        Surfaces of maps, coloured by the occupancy of the parts, by the names of the maps.
    """
    maps = report["maps"]
    fitted = f"{report['model']} in {maps[0]['name'] if len(maps) == 1 else f'{len(maps)} maps'}"
    page = Page("Occupancy of the parts of a fitted model", fitted, f"OccuPy for Scipion and RELION {version}")
    page.add_warning_count(report["warnings"])
    page.top += 0.15
    add_blocks(page, outcome, title=_CONTINUED)  # a new page has room for all of them
    page.top += 0.1 if outcome else 0.0
    if surfaces:
        height = draw_surfaces(page, surfaces, _SURFACES, left=MARGIN, top=page.top, width=WIDTH, height=_VIEWS_HEIGHT)
        page.top += height + 0.1
    if len(maps) == 1:
        _draw_bars(page, report)
    else:
        _draw_table(page, report)
    pages = [page, *_draw_traces(page, report)]
    blocks: Dict[str, Sequence[str]] = {
        "What 1 stands for": [report["one_means"]],
        "Differences between the maps": difference_lines(report),
        "Occupancies, with 90 % intervals in brackets, and the median local scale at the atoms": [
            part_text(part) for part in report["parts"]
        ],
        STRETCHES[0].upper() + STRETCHES[1:]: stretch_lines(report),
        "Regions of the comparison, and parts of the model": region_lines(comparison),
        "Fit of the model": [correlation_text(report)],
        "Files": [", ".join(report["outputs"])],
        WARNINGS: report["warnings"],
    }
    filled = [(heading, texts) for heading, texts in blocks.items() if texts]
    return [item.figure for item in [*pages[:-1], *add_blocks(pages[-1], filled, title=_CONTINUED)]]


def _draw_bars(page: Page, report: Report) -> None:
    """Draw a bar with its 90 % interval for each part of the model in the only map."""
    parts = [part for part in report["parts"] if part["occupancies"][0]["occupancy"] is not None][:_MAX_BARS]
    if not parts:
        return
    frame = Frame(
        page, MARGIN + _LEFT, page.top, WIDTH - _LEFT, _BARS_HEIGHT, x=(-0.6, len(parts) - 0.4), y=(0, 1.05), size=TINY
    )
    values = [part["occupancies"][0] for part in parts]
    frame.bars(range(len(parts)), [value["occupancy"] for value in values], 0.75, color="C0")
    whiskers: List[List[Tuple[float, float]]] = []
    for middle, value in enumerate(values):
        whiskers.append([(middle, value["low"]), (middle, value["high"])])
        whiskers += [[(middle - 0.15, value[end]), (middle + 0.15, value[end])] for end in ("low", "high")]
    frame.add(LineCollection(whiskers, colors="black", linewidths=0.8, zorder=2))
    for middle, value in enumerate(values):
        frame.number_above(middle, value["high"], f"{value['occupancy']:.2f}", width=0.9)
    frame.sides()
    frame.ticks_beside(_TICKS)
    space = 0.9 * (WIDTH - _LEFT) / len(parts)
    frame.ticks_below(range(len(parts)), [shortened(part["name"], space, TINY) for part in parts])
    page.upward_text(MARGIN + 0.12, page.top + _BARS_HEIGHT / 2, "occupancy, 90 % interval", size=SMALL)
    page.top += _BARS_HEIGHT + _BELOW


def _draw_table(page: Page, report: Report) -> None:
    """Draw a coloured table: a row for each part, a column for each map, with the occupancies in the cells."""
    parts, maps = report["parts"][:_MAX_ROWS], report["maps"]
    top = page.top + line_height(SMALL) + 0.05
    width, height = WIDTH - _NAME_WIDTH, _ROW_HEIGHT * len(parts)
    cell = min(width / len(maps), _WIDEST_CELL)
    for column, item in enumerate(maps):
        middle = MARGIN + _NAME_WIDTH + (column + 0.5) * cell
        page.text(middle, page.top, shortened(item["name"], 0.9 * cell, SMALL), size=SMALL, ha="center")
    frame = Frame(page, MARGIN + _NAME_WIDTH, top, cell * len(maps), height, x=(0, len(maps)), y=(len(parts), 0))
    image = np.array(
        [[np.nan if item["occupancy"] is None else item["occupancy"] for item in part["occupancies"]] for part in parts]
    )
    frame.picture(image[::-1], FRACTION_COLOURS, (0, 1))
    for row, part in enumerate(parts):
        middle = top + (row + 0.5) * _ROW_HEIGHT - line_height(TINY) / 2
        page.text(
            MARGIN + _NAME_WIDTH - 0.06, middle, shortened(part["name"], _NAME_WIDTH, TINY), size=TINY, ha="right"
        )
        for column, item in enumerate(part["occupancies"]):
            value = item["occupancy"]
            text = "–" if value is None else f"{value:.2f}"
            if value is not None and cell >= _WIDE_CELL:
                text += f" ({item['low']:.2f}-{item['high']:.2f})"
            colour = "white" if value is not None and value < 0.6 else "black"
            left = MARGIN + _NAME_WIDTH + (column + 0.5) * cell
            page.text(left, middle, shortened(text, cell, TINY), size=TINY, color=colour, ha="center")
    page.top = top + height + 0.2


def _draw_traces(page: Page, report: Report) -> List[Page]:
    """Draw the occupancy along each chain; return the further pages that this needs.

    Each page with traces has the heading and the legend. Three chains are beside each other where there are three, or
    where all of them then fit on the page, else two.
    """
    chains: Dict[str, List[Report]] = {}
    for window in report["windows"]:
        chains.setdefault(window["chain"], []).append(window)
    shown = list(chains.items())[:_MAX_TRACES]
    if not shown:
        return []
    more = len(chains) - len(shown)
    shaded = "; shaded: 90 % interval" if len(report["maps"]) == 1 else ""
    heading = f"Occupancy along the chains, in windows of residues{shaded}"
    heading += f"; {more} more chains are in report.json" if more else ""
    names = [item["name"] for item in report["maps"][:_MAX_NAMED]]
    row, above = _TRACE_HEIGHT + _BELOW, 1.5 * line_height(SMALL) + _legend_height(names)
    rows_that_fit = int((page.free_height - above) / row)
    columns = 3 if len(shown) == 3 or 2 * rows_that_fit < len(shown) <= 3 * rows_that_fit else 2
    across = WIDTH / columns - _LEFT
    pages = [page]
    if rows_that_fit < 1:
        pages.append(Page(_CONTINUED))
    _draw_heading(pages[-1], heading, names)
    for number, (chain, windows) in enumerate(shown):
        if number % columns == 0 and pages[-1].free_height < row:
            pages.append(Page(_CONTINUED))
            _draw_heading(pages[-1], heading, names)
        left = MARGIN + _LEFT + (number % columns) * (across + _LEFT)
        _draw_trace(pages[-1], chain, windows, left, across)
        if number % columns == columns - 1 or number == len(shown) - 1:
            pages[-1].top += row
    pages[-1].top += 0.1
    return pages[1:]


def _draw_heading(page: Page, heading: str, names: Sequence[str]) -> None:
    """Draw the heading of the traces, and their legend."""
    page.add_line(heading, size=SMALL, weight="bold")
    _draw_legend(page, names)
    page.top += 0.5 * line_height(SMALL)


def _legend_columns(names: Sequence[str]) -> Tuple[int, float]:
    """Return the number of names beside each other in the legend, and the width of each, inches."""
    widest = max(text_width(name, TINY) for name in names) + _SAMPLE + 0.15
    columns = max(1, min(int(WIDTH / widest), len(names)))
    return columns, min(widest, WIDTH / columns)


def _legend_height(names: Sequence[str]) -> float:
    """Return the height of the legend, which is 0 for one map, inches."""
    return 0.0 if len(names) < 2 else -(-len(names) // _legend_columns(names)[0]) * line_height(TINY)


def _draw_legend(page: Page, names: Sequence[str]) -> None:
    """Draw a short line in the style of each map's traces, beside the name of the map; nothing for one map."""
    if len(names) < 2:
        return
    columns, width = _legend_columns(names)
    height = line_height(TINY)
    for start in range(0, len(names), columns):
        for column, name in enumerate(names[start : start + columns]):
            left = MARGIN + column * width
            sample = Frame(page, left, page.top, _SAMPLE, height)
            sample.line((0, 1), (0.5, 0.5), **_line_style(start + column))
            page.text(left + _SAMPLE + 0.05, page.top, shortened(name, width - _SAMPLE - 0.1, TINY), size=TINY)
        page.top += height


def _line_style(index: int) -> Dict[str, Any]:
    """Return the style of the traces of a map: ten colours, then the same colours dashed, and so on."""
    return {"color": f"C{index % 10}", "lw": 1.0, "ls": _DASHES[index // 10 % len(_DASHES)]}


def _draw_trace(page: Page, chain: str, windows: Sequence[Report], left: float, width: float) -> None:
    """Draw the occupancy along one chain: a line for each map, and the interval of the only map."""
    first, last = windows[0]["first"], max(window["last"] for window in windows)
    frame = Frame(page, left, page.top, width, _TRACE_HEIGHT, x=(first - 1, last + 1), y=(0, 1.08), size=TINY)
    middles = [(window["first"] + window["last"]) / 2 for window in windows]
    count = len(windows[0]["occupancies"])
    for window in windows if count == 1 else []:
        value = window["occupancies"][0]
        if value["occupancy"] is not None:
            size = (window["last"] - window["first"] + 1, value["high"] - value["low"])
            frame.add(Rectangle((window["first"] - 0.5, value["low"]), *size, color="C0", alpha=0.25, lw=0))
    for index in range(count):
        values = [window["occupancies"][index]["occupancy"] for window in windows]
        line = [np.nan if value is None else value for value in values]
        frame.line(middles, line, **_line_style(index))
    frame.sides()
    frame.ticks_beside(_TICKS)
    frame.ticks_below([first, last])
    frame.label_below(shortened(f"chain {chain}", 0.6 * width, TINY), size=TINY, beneath_ticks=False)
