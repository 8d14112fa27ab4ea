# SPDX-License-Identifier: GPL-3.0-or-later
"""Write logfile.pdf, the report of a job for readers. Needs matplotlib."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

import matplotlib
from matplotlib.figure import Figure

from occupy_core.reporting.next_steps import outcome_blocks
from occupy_core.reporting.pdf.comparison_page import (
    comparison_figures,
    comparison_size,
    draw_comparison,
    grey_levels_of,
)
from occupy_core.reporting.pdf.map_page import map_pages
from occupy_core.reporting.pdf.messages import LastPages, MapPages, has_several_maps, map_name, shown_map
from occupy_core.reporting.pdf.pages_file import AddPage, pdf_pages
from occupy_core.reporting.pdf.preload import quiet_matplotlib
from occupy_core.reporting.pdf.sheets import MARGIN, WARNINGS, WIDTH, Page, add_blocks, blocks_height
from occupy_core.reporting.pdf.table import (
    SETTINGS_HEADING,
    draw_table,
    in_columns,
    setting_rows,
    table_height,
    with_wrapped_values,
)
from occupy_core.reporting.region_sections import RegionSection
from occupy_core.reporting.sections import MapSections
from occupy_core.reporting.surface.region_surface import RegionSurface
from occupy_core.settings.settings import Settings

Report = Mapping[str, Any]
_MAX_COMPARISON_HEIGHT = 8.5  # on a page with text, inches
_BELOW_COMPARISON = 0.1  # inches
_SETTING_COLUMNS = 3
_LEAST_HEIGHT = 0.62  # of a comparison on a page with text, relative to its natural height


class Logfile:
    """The PDF of a job, whose pages may be drawn before the job has ended.

    Parameters
    ----------
    add_page : callable
        Adds a figure as a page (`pages_file.pdf_pages`).
    """

    def __init__(self, add_page: AddPage) -> None:
        self._add_page = add_page

    def add_map(self, shown: MapPages) -> None:
        """Draw the pages of a map, behind all others."""
        for figure in map_pages(shown):
            self._add_page(figure)

    def add_last(self, shown: LastPages) -> None:
        """Draw the pages that need the results of the whole job.

        Pages about all maps, when there are several, and on a fitted model come first in the PDF.
        """
        report = shown.report
        if has_several_maps(report):
            for figure in _summary_figures(report, shown.region_sections, shown.region_surface):
                self._add_page(figure, in_front=True)
        if report.get("model"):
            from occupy_core.reporting.pdf.model_page import model_pages  # most jobs have no model

            outcome = [] if has_several_maps(report) else outcome_blocks(report)
            for figure in model_pages(
                report["model"],
                report["comparison"],
                version=report["version"],
                outcome=outcome,
                surfaces=shown.model_surfaces,
            ):
                self._add_page(figure, in_front=True)
        if shown.ensemble_view is not None:
            from occupy_core.reporting.pdf.ensemble_page import ensemble_pages  # most jobs compare no ensemble

            for figure in ensemble_pages(report, shown.ensemble_view):
                self._add_page(figure, in_front=True)
        for index, sections in enumerate(shown.sections):
            self.add_map(shown_map(report, index, sections))


@contextmanager
def open_logfile(path: Path) -> Iterator[Logfile]:
    """Begin a PDF; it is complete when the block ends.

    Parameters
    ----------
    path : Path
        File to write.
    """
    with fixed_style(), pdf_pages(path) as add_page:
        yield Logfile(add_page)


def pages_of_map(report: Report, index: int, sections: MapSections) -> List[Figure]:
    """Draw the pages of one map (`map_page.map_pages`) with the settings; parameters as in `messages.shown_map`."""
    return map_pages(replace(shown_map(report, index, sections), has_settings=True))


def summary_pages(
    report: Report, region_sections: Sequence[RegionSection], surface: Optional[RegionSurface] = None
) -> List[Figure]:
    """Draw the pages about all maps of a job: comparison, shared reference, list of maps, failures, warnings.

    Parameters
    ----------
    report : mapping
        Report of the job, as in report.json.
    region_sections : sequence of RegionSection
        Sections through the regions where classes differ; empty when maps were not compared.
    surface : RegionSurface, optional
        The mean of the classes with the regions, for 3D views.
    """
    return list(_summary_figures(report, region_sections, surface))


def _summary_figures(
    report: Report, region_sections: Sequence[RegionSection], surface: Optional[RegionSurface]
) -> Iterator[Figure]:
    """Draw the pages of `summary_pages` one by one, so that few of them are in memory."""
    compared = report["comparison"]
    notes = [*report["warnings"], *(compared["warnings"] if compared else [])]
    subject = "Occupancy of a fitted model in" if report.get("model") else "Local scale of"
    title = f"{subject} {len(report['maps'])} map{'s' * (len(report['maps']) != 1)}"
    if compared:
        is_class = all(item["share"] is not None for item in compared["maps"])
        title = f"Comparison of {len(report['maps'])} {'classes' if is_class else 'maps'}"
    page = Page(title, f"OccuPy for Scipion and RELION {report['version']}")
    others = [*report["maps"], *([report["model"]] if report.get("model") else [])]
    page.add_warning_count(notes, on_other_pages=sum(len(item["warnings"]) for item in others))
    page.top += 0.1
    add_blocks(page, outcome_blocks(report), title=f"{title}, continued")  # a new page has room for all of them
    page.top += 0.1
    blocks = list(_summary_blocks(report, notes).items())
    table = with_wrapped_values(in_columns(setting_rows(Settings.from_dict(report["settings"])), _SETTING_COLUMNS))
    text_height = blocks_height(blocks) + table_height(table)
    if compared and not _place_comparison(page, compared, region_sections, surface, text_height):
        yield from comparison_figures(compared, region_sections, surface)
    elif compared and page.free_height < blocks_height(blocks):  # the list of regions is not divided between two pages
        yield page.figure
        page = Page(f"{title}, continued")
    pages = add_blocks(page, blocks, title=f"{title}, continued")
    if pages[-1].free_height < table_height(table):
        pages.append(Page(f"{title}, continued"))
    draw_table(pages[-1], table, [SETTINGS_HEADING, *[""] * (len(table) - 1)])
    yield from (item.figure for item in pages)


@contextmanager
def fixed_style() -> Iterator[None]:
    """Draw in one style, whatever the user's settings of matplotlib, and without messages on standard error."""
    with quiet_matplotlib(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about letters that the font lacks
        defaults = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
        # Without this setting, matplotlib combines all pictures of a page into one picture of the page's size.
        with matplotlib.rc_context({**defaults, "image.composite_image": False}):
            yield


def _place_comparison(
    page: Page,
    compared: Report,
    region_sections: Sequence[RegionSection],
    surface: Optional[RegionSurface],
    text_height: float,
) -> bool:
    """Draw the comparison on the page, and return True; if it is too wide or too high for the page, return False.

    Where a smaller comparison leaves room for the text below it (`text_height`, inches), it is made smaller.
    """
    width, height = comparison_size(compared, region_sections, surface)
    if width > 1.1 * WIDTH:  # a comparison may be squeezed by a tenth
        return False
    natural, height = height, min(height, _MAX_COMPARISON_HEIGHT, page.free_height)
    least = _LEAST_HEIGHT * min(natural, _MAX_COMPARISON_HEIGHT)
    if height < least:
        return False
    beside_text = page.free_height - text_height - _BELOW_COMPARISON
    height = min(height, beside_text) if beside_text >= least else height
    draw_comparison(
        page,
        compared,
        region_sections,
        grey_levels_of(region_sections),
        surface,
        left=MARGIN,
        top=page.top,
        width=WIDTH,
        height=height,
    )
    page.top += height + _BELOW_COMPARISON
    return True


def _summary_blocks(report: Report, notes: Sequence[str]) -> Dict[str, Sequence[str]]:
    """Return the paragraphs of the summary by heading; `notes` are the warnings of the job and its comparison."""
    from occupy_core.comparing.describe import comparison_lines

    maps, failed, compared, shared = (report[key] for key in ("maps", "failed", "comparison", "shared_reference"))
    blocks: Dict[str, Sequence[str]] = {}
    if compared:
        heading = f"Compared at a low-pass of {compared['lowpass_angstrom']:.3g} Å; with 90 % intervals in brackets"
        blocks[heading] = comparison_lines(compared)
    if shared is not None:
        blocks["Full scale of the scale maps"] = [f"one for all maps, from {map_name(report, shared)}"]
    blocks["Maps (pages on each follow)"] = [_map_line(item) for item in maps]
    if failed:
        blocks[f"{len(failed)} failed and left out"] = [item["reason"] for item in failed]
    if notes:
        blocks[WARNINGS] = notes
    maps_with_warnings = sum(bool(item["warnings"]) for item in maps)
    if maps_with_warnings:
        blocks["Warnings of single maps"] = [f"on the pages of {maps_with_warnings} of them"]
    return blocks


def _map_line(item: Report) -> str:
    median = item["median_scale"]
    found = "no voxel is confidently more than solvent" if median is None else f"median scale {median:.3f}"
    count = len(item["warnings"])
    return f"{item['name']}: {item['input']}; {found}; {count or 'no'} warning{'s' * (count != 1)}"
