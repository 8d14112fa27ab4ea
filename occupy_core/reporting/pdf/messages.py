# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages of logfile.pdf show, sent to the process that draws them. Needs no matplotlib."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, Tuple

from occupy_core.reporting.next_steps import outcome_blocks
from occupy_core.reporting.sections import MapSections
from occupy_core.settings.settings import Settings

if TYPE_CHECKING:  # loaded only by jobs that compare maps
    from occupy_core.reporting.ensemble_view import EnsembleView
    from occupy_core.reporting.region_sections import RegionSection
    from occupy_core.reporting.surface.map_surface import MapSurface
    from occupy_core.reporting.surface.region_surface import RegionSurface

Report = Mapping[str, Any]


@dataclass(frozen=True)
class MapPages:
    """The pages of one map.

    Attributes
    ----------
    settings : Settings
    report : mapping
        Report of the map, an item of "maps" in report.json.
    sections : MapSections
    version : str
        Version of the program that computed the map.
    notes : sequence of str
        Warnings about the job, to be listed after the map's own.
    reference_name : str, optional
        Name of the map that gave the reference value, when it is another map.
    outcome : sequence of (str, sequence of str)
        Headings and paragraphs: what the job found, and what to do next.
    has_settings : bool
        Whether the pages list the settings; for several maps, the page on all of them does.
    """

    settings: Settings
    report: Report
    sections: MapSections
    version: str
    notes: Sequence[str] = ()
    reference_name: Optional[str] = None
    outcome: Sequence[Tuple[str, Sequence[str]]] = ()
    has_settings: bool = True


@dataclass(frozen=True)
class LastPages:
    """The pages that need the results of the whole job, some of which come first in the PDF.

    Attributes
    ----------
    report : mapping
        Content of report.json.
    region_sections : sequence of RegionSection
        Sections through the regions where classes differ; empty when maps were not compared.
    region_surface : RegionSurface, optional
        The mean of the classes with the regions, for 3D views.
    model_surfaces : mapping of str to MapSurface, optional
        Surfaces of maps, coloured by the occupancy of the parts of a fitted model, by the names of the maps.
    sections : sequence of MapSections
        Sections through the maps in `report["maps"]`, from the first, whose pages are not drawn yet.
    ensemble_view : EnsembleView, optional
        The mean map of an ensemble with its parts; None where there is none.
    """

    report: Report
    region_sections: Sequence[RegionSection] = ()
    region_surface: Optional[RegionSurface] = None
    model_surfaces: Optional[Mapping[str, MapSurface]] = None
    sections: Sequence[MapSections] = ()
    ensemble_view: Optional[EnsembleView] = None


def shown_map(report: Report, index: int, sections: MapSections) -> MapPages:
    """Return what the pages of a map show.

    Parameters
    ----------
    report : mapping
        Report of the job, as in report.json.
    index : int
        Index of the map in `report["maps"]`.
    sections : MapSections
        Sections through the map and its outputs.
    """
    item, shared = report["maps"][index], report["shared_reference"]
    is_one_of_several = has_several_maps(report)
    return MapPages(
        Settings.from_dict(report["settings"]),
        item,
        sections,
        version=report["version"],
        notes=[] if is_one_of_several else report["warnings"],
        reference_name=map_name(report, shared) if takes_full_scale(item, shared) else None,
        outcome=[] if is_one_of_several or report.get("model") else outcome_blocks(report),
        has_settings=not is_one_of_several,
    )


def takes_full_scale(item: Report, shared: Optional[str]) -> bool:
    """Return whether a map takes its reference value from another map, whose path is `shared`."""
    # Calibrated maps have reference values of their own also on a shared scale.
    return shared is not None and shared != item["input"] and item["reference"]["normalisation"] != "calibrated"


def has_several_maps(report: Report) -> bool:
    """Return whether a job was given several maps, some of which may have failed or be classes without particles."""
    given = (report.get("job") or {}).get("maps", ())
    return len(report["maps"]) + len(report["failed"]) > 1 or (len(report["maps"]) == 1 and len(given) > 1)


def map_name(report: Report, path: str) -> str:
    """Return the name for users of the map with a path; its file name if the report has no such map."""
    names: List[Optional[str]] = [item["name"] for item in report["maps"] if item["input"] == path]
    return names[0] if names and names[0] else os.path.basename(path)
