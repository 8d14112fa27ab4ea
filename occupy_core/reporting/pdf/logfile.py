# SPDX-License-Identifier: GPL-3.0-or-later
"""Write logfile.pdf, the report of a job for readers. Needs matplotlib."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence

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
from occupy_core.reporting.pdf.pages_file import pdf_pages
from occupy_core.reporting.pdf.preload import quiet_matplotlib
from occupy_core.reporting.pdf.sheets import MARGIN, WARNINGS, WIDTH, Page, add_blocks
from occupy_core.reporting.region_sections import RegionSection
from occupy_core.reporting.sections import MapSections
from occupy_core.settings.settings import Settings

Report = Mapping[str, Any]
_MAX_COMPARISON_HEIGHT = 7.5  # on a page with text, inches


def write_logfile(
    path: Path, report: Report, sections: Iterable[MapSections], region_sections: Sequence[RegionSection] = ()
) -> None:
    """Write the PDF: pages about all maps when there are several, on a fitted model, then the page of each map.

    Parameters
    ----------
    path : Path
        File to write.
    report : mapping
        Report of the job, as in report.json.
    sections : iterable of MapSections
        Sections through each map in `report["maps"]`.
    region_sections : sequence of RegionSection
        Sections through the regions where classes differ; empty when maps were not compared.
    """
    with fixed_style(), pdf_pages(path) as add_page:
        if _has_several_maps(report):
            for figure in _summary_figures(report, region_sections):
                add_page(figure)
        if report.get("model"):
            from occupy_core.reporting.pdf.model_page import model_pages  # most jobs have no model

            outcome = [] if _has_several_maps(report) else outcome_blocks(report)
            for figure in model_pages(
                report["model"], report["comparison"], version=report["version"], outcome=outcome
            ):
                add_page(figure)
        for index, map_sections in enumerate(sections):
            for figure in pages_of_map(report, index, map_sections):
                add_page(figure)


def pages_of_map(report: Report, index: int, sections: MapSections) -> List[Figure]:
    """Draw the pages of one map (`map_page.map_pages`).

    Parameters
    ----------
    report : mapping
        Report of the job, as in report.json.
    index : int
        Index of the map in `report["maps"]`.
    sections : MapSections
        Sections through the map and its outputs.
    """
    item = report["maps"][index]
    shared = report["shared_reference"]
    # Calibrated maps have reference values of their own also on a shared scale.
    is_borrowed = shared is not None and shared != item["input"] and item["reference"]["normalisation"] != "calibrated"
    return map_pages(
        Settings.from_dict(report["settings"]),
        item,
        sections,
        version=report["version"],
        notes=[] if _has_several_maps(report) else report["warnings"],
        reference_name=_map_name(report, shared) if is_borrowed else None,
        outcome=[] if _has_several_maps(report) or report.get("model") else outcome_blocks(report),
    )


def summary_pages(report: Report, region_sections: Sequence[RegionSection]) -> List[Figure]:
    """Draw the pages about all maps of a job: comparison, shared reference, list of maps, failures, warnings.

    Parameters
    ----------
    report : mapping
        Report of the job, as in report.json.
    region_sections : sequence of RegionSection
        Sections through the regions where classes differ; empty when maps were not compared.
    """
    return list(_summary_figures(report, region_sections))


def _summary_figures(report: Report, region_sections: Sequence[RegionSection]) -> Iterator[Figure]:
    """Draw the pages of `summary_pages` one by one, so that few of them are in memory."""
    compared = report["comparison"]
    notes = [*report["warnings"], *(compared["warnings"] if compared else [])]
    page = Page(f"Local scale of {len(report['maps'])} maps", f"OccuPy for Scipion and RELION {report['version']}")
    page.add_warning_count(notes)
    page.top += 0.1
    add_blocks(page, outcome_blocks(report), title="Local scale, continued")  # a new page has room for all of them
    page.top += 0.1
    if compared and not _place_comparison(page, compared, region_sections):
        yield from comparison_figures(compared, region_sections)
    pages = add_blocks(page, list(_summary_blocks(report, notes).items()), title="Local scale, continued")
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


def _place_comparison(page: Page, compared: Report, region_sections: Sequence[RegionSection]) -> bool:
    """Draw the comparison on the page, and return True; if it is too wide for the page, only return False."""
    width, height = comparison_size(compared, region_sections)
    if width > 1.1 * WIDTH:  # a comparison may be squeezed by a tenth
        return False
    height = min(height, _MAX_COMPARISON_HEIGHT)
    draw_comparison(
        page,
        compared,
        region_sections,
        grey_levels_of(region_sections),
        left=MARGIN,
        top=page.top,
        width=WIDTH,
        height=height,
    )
    page.top += height + 0.1
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
        blocks["Full scale of the scale maps"] = [f"one for all maps, from {_map_name(report, shared)}"]
    blocks["Maps (a page each follows)"] = [_map_line(item) for item in maps]
    if failed:
        blocks[f"{len(failed)} failed and left out"] = [item["reason"] for item in failed]
    if notes:
        blocks[WARNINGS] = notes
    maps_with_warnings = sum(bool(item["warnings"]) for item in maps)
    if maps_with_warnings:
        blocks["Warnings of single maps"] = [f"on the pages of {maps_with_warnings} of them"]
    return blocks


def _has_several_maps(report: Report) -> bool:
    return len(report["maps"]) + len(report["failed"]) > 1


def _map_name(report: Report, path: str) -> str:
    """Return the name for users of the map with a path; its file name if the report has no such map."""
    names: List[Optional[str]] = [item["name"] for item in report["maps"] if item["input"] == path]
    return names[0] if names and names[0] else os.path.basename(path)


def _map_line(item: Report) -> str:
    median = item["median_scale"]
    found = "no voxel is confidently more than solvent" if median is None else f"median scale {median:.3f}"
    return f"{item['name']}: {item['input']}; {found}; {len(item['warnings']) or 'no'} warnings"
