# SPDX-License-Identifier: GPL-3.0-or-later
"""logfile.pdf: what a job found, to be looked at. Needs matplotlib."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

import matplotlib
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from occupy_core.reporting.pdf.comparison_page import comparison_figure, comparison_size, draw_comparison
from occupy_core.reporting.pdf.map_page import map_pages
from occupy_core.reporting.pdf.preload import silent
from occupy_core.reporting.pdf.slices import RegionSection
from occupy_core.reporting.pdf.text import MARGIN, WARNINGS, WIDTH, Page, flow
from occupy_core.reporting.sections import MapSections
from occupy_core.settings.settings import Settings

Report = Mapping[str, Any]
_LARGEST_PART = 7.5  # of a page for the figure of a comparison, inches
_pdf: Any = PdfPages  # without types in some versions of matplotlib


def write_logfile(
    path: Path, report: Report, slices: Sequence[MapSections], sections: Sequence[RegionSection] = ()
) -> None:
    """Write the PDF: for several maps what they have in common and where they differ first, then each map.

    Parameters
    ----------
    path : Path
    report : mapping
        Of the job: report.json.
    slices : sequence of MapSections
        One for each of the report's maps.
    sections : sequence of RegionSection
        Through the regions, where maps were compared.
    """
    # No dates: the same job gives the same bytes.
    with own_style(), _pdf(path, metadata={"CreationDate": None, "ModDate": None}) as pdf:
        if _several(report):
            for figure in job_pages(report, sections):
                pdf.savefig(figure)
        for place, of_map in enumerate(slices):
            for figure in pages_of(report, place, of_map):
                pdf.savefig(figure)


def pages_of(report: Report, place: int, slices: MapSections) -> List[Figure]:
    """The page of one of a report's maps, and further ones when its warnings do not fit."""
    item = report["maps"][place]
    shared = report["shared_reference"]
    borrowed = shared is not None and shared != item["input"] and item["reference"]["normalisation"] != "calibrated"
    return map_pages(
        Settings.from_dict(report["settings"]),
        item,
        slices,
        version=report["version"],
        notes=[] if _several(report) else report["warnings"],
        reference_name=_name(report, shared) if borrowed else None,
    )


def job_pages(report: Report, sections: Sequence[RegionSection]) -> List[Figure]:
    """What concerns several maps together: where they differ, what failed, what to beware of."""
    from occupy_core.comparing.outputs import comparison_lines

    maps, failed, compared = report["maps"], report["failed"], report["comparison"]
    notes = [*report["warnings"], *(compared["warnings"] if compared else [])]
    warned = sum(bool(item["warnings"]) for item in maps)
    page = Page(f"Local scale of {len(maps)} maps", f"OccuPy for Scipion and RELION {report['version']}")
    page.count_warnings(notes)
    page.top += 0.1
    blocks: Dict[str, Sequence[str]] = {}
    before = []
    if compared:
        width, height = comparison_size(compared, sections)
        if width > 1.1 * WIDTH:  # it may be squeezed a little
            before.append(comparison_figure(compared, sections))
        else:
            height = min(height, _LARGEST_PART)
            draw_comparison(page, compared, sections, left=MARGIN, top=page.top, width=WIDTH, height=height)
            page.top += height + 0.1
        whole = _name(report, compared["reference"])
        heading = f"Compared at a low-pass of {compared['lowpass_angstrom']:.3g} Å; whole is what is whole in {whole}"
        blocks[heading] = comparison_lines(compared)
    if report["shared_reference"] is not None:
        blocks["Full scale of the scale maps"] = [f"one for all maps, from {_name(report, report['shared_reference'])}"]
    blocks["Maps (a page each follows)"] = [_line(item) for item in maps]
    if failed:
        blocks[f"{len(failed)} failed and left out"] = [item["reason"] for item in failed]
    if notes:
        blocks[WARNINGS] = notes
    if warned:
        blocks["Warnings of single maps"] = [f"on the pages of {warned} of them"]
    pages = flow(page, list(blocks.items()), title="Local scale, continued")
    return [*before, *(item.figure for item in pages)]


@contextmanager
def own_style() -> Iterator[None]:
    """Draw in the same way whatever the user's settings of matplotlib, and without a word on standard error."""
    with silent(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the font has not
        defaults = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
        # Pictures that stay apart: together they would be one of the whole page.
        with matplotlib.rc_context({**defaults, "image.composite_image": False}):
            yield


def _several(report: Report) -> bool:
    return len(report["maps"]) + len(report["failed"]) > 1


def _name(report: Report, path: str) -> str:
    """What users call the map of a path."""
    names: List[Optional[str]] = [item["name"] for item in report["maps"] if item["input"] == path]
    return names[0] if names and names[0] else os.path.basename(path)


def _line(item: Report) -> str:
    median = item["median_scale"]
    found = "no voxel is confidently more than solvent" if median is None else f"median scale {median:.3f}"
    return f"{item['name']}: {item['input']}; {found}; {len(item['warnings']) or 'no'} warnings"
