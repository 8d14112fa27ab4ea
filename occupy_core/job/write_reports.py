# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the reports of a job: report.json, logfile.pdf and occupy.cxc."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Sequence

from occupy_core.files import write_text
from occupy_core.job.drawing import Drawing
from occupy_core.reporting.chimerax import session_commands
from occupy_core.reporting.next_steps import next_steps, result_text
from occupy_core.reporting.pdf.messages import LastPages, MapPages, takes_full_scale
from occupy_core.reporting.report import finite, job_report, write_json
from occupy_core.reporting.sections import MapSections
from occupy_core.reporting.surface.map_surface import MapSurface
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.output_names import CHIMERAX, FIGURE, REPORT
from occupy_core.settings.settings import Settings
from occupy_core.version import __version__

if TYPE_CHECKING:
    from occupy_core.comparing.compare_maps import ClassComparison
    from occupy_core.ensembles.compare_volumes import EnsembleComparison
    from occupy_core.reporting.ensemble_view import EnsembleView

Report = Dict[str, Any]


@dataclass(frozen=True)
class ReportContents:
    """Results of a job that its reports show.

    Attributes
    ----------
    job : Job
    map_reports : sequence of dict
        One report (`report.map_report`) for each map that did not fail.
    map_sections : sequence of callable
        Loads the sections of an only map (MapSections); empty for several maps, whose pages are drawn before.
    failed : mapping of str to str
        Reason of the failure by path of the map.
    shared_reference : str, optional
        Path of the map whose reference value counts for all maps; None when each map has its own.
    comparison : dict, optional
        Report of the comparison (`comparing.outputs.write_comparison`); None when maps were not compared.
    class_comparison : ClassComparison, optional
        Result of the comparison that `comparison` reports.
    ensemble : dict, optional
        Report of the comparison of many volumes (`ensembles.outputs.write_ensemble`); None where there was none.
    ensemble_comparison : EnsembleComparison, optional
        Result of the comparison that `ensemble` reports.
    model : dict, optional
        Report of the fitted model (`modelling.outputs.write_model_outputs`); None without one.
    model_surfaces : callable
        Returns the surfaces of maps, coloured by the occupancy of the parts (`fitted_model.model_surfaces`).
    warnings : sequence of str
        Warnings about the job, not about one map.
    job_record : mapping
        Record from which the job can be repeated (`job.repeat.job_record`).
    """

    job: Job
    map_reports: Sequence[Report]
    map_sections: Sequence[Callable[[], MapSections]]
    failed: Mapping[str, str]
    shared_reference: Optional[str]
    comparison: Optional[Report]
    class_comparison: Optional[ClassComparison]
    ensemble: Optional[Report]
    ensemble_comparison: Optional[EnsembleComparison]
    model: Optional[Report]
    model_surfaces: Callable[[], Dict[str, MapSurface]]
    warnings: Sequence[str]
    job_record: Mapping[str, Any]


def write_reports(contents: ReportContents, folder: Path, drawing: Optional[Drawing]) -> Report:
    """Write report.json and occupy.cxc, and wait for logfile.pdf where it is drawn.

    Figures that cannot be drawn are no error: the maps are computed by then, so a warning is added instead.

    Parameters
    ----------
    contents : ReportContents
    folder : Path
        Folder to write to.
    drawing : Drawing, optional
        Draws logfile.pdf in this folder; None where the settings ask for no figures.

    Returns
    -------
    dict
        Content of report.json. "outputs" lists the files besides maps and tables, and "warnings" includes the reason
        when no figures were drawn.
    """
    job = contents.job
    report: Report = finite(
        {
            **job_report(job.settings, list(contents.map_reports), contents.failed),
            "job": contents.job_record,
            "shared_reference": contents.shared_reference,
            "comparison": contents.comparison,
            "ensemble": contents.ensemble,
            "model": contents.model,
            "outputs": [CHIMERAX],
            "warnings": list(contents.warnings),
        }
    )
    report["result"] = result_text(report)
    report["next_steps"] = next_steps(report, job.host)  # without the folder: reports are the same in any
    write_text(folder / CHIMERAX, session_commands(report, job.output_dir))
    if drawing is not None:
        drawing.add(partial(_last_pages, copy(report), contents))
        problem = drawing.finish()
        if problem:
            (folder / FIGURE).unlink(missing_ok=True)
            report["warnings"].append(f"no {FIGURE} was drawn: {problem}")
        else:
            report["outputs"].append(FIGURE)
    write_json(folder / REPORT, report)
    return report


def pages_of_one(
    settings: Settings, report: Report, load_sections: Callable[[], MapSections], shared: Optional[MapInput]
) -> MapPages:
    """Return what the pages of one of several maps show.

    Parameters
    ----------
    settings : Settings
        Of the job.
    report : dict
        Report of the map.
    load_sections : callable
        Loads the sections of the map.
    shared : MapInput, optional
        The map whose reference value counts for all maps.
    """
    item = finite(report)
    is_borrowed = shared is not None and takes_full_scale(item, shared.path)
    name = shared.name if shared and is_borrowed else None
    return MapPages(settings, item, load_sections(), __version__, reference_name=name, has_settings=False)


def _last_pages(report: Report, contents: ReportContents) -> LastPages:
    """Return what the pages on the whole job show, and those of an only map."""
    from occupy_core.reporting.region_sections import region_sections
    from occupy_core.reporting.surface.region_surface import region_surface

    of_maps = [load() for load in contents.map_sections]
    if contents.ensemble_comparison is not None:
        return LastPages(
            report,
            model_surfaces=contents.model_surfaces(),
            sections=of_maps,
            ensemble_view=_ensemble_view(contents.ensemble_comparison),
        )
    compared = contents.class_comparison
    if compared is None:
        return LastPages(report, model_surfaces=contents.model_surfaces(), sections=of_maps)
    regions, spacing = compared.result.regions, compared.spacing
    surface = region_surface(
        (density.load() for density in compared.densities),
        {number: region.mask for number, region in enumerate(regions, start=1) if region.is_sure},
        spacing=spacing * compared.grid.voxel_size,
    )
    sections = region_sections(
        [region.mask for region in regions],
        (density.load() for density in compared.densities),
        window=surface.window if surface else None,
        step=spacing,
    )
    return LastPages(report, sections, surface, contents.model_surfaces(), of_maps)


def _ensemble_view(comparison: EnsembleComparison) -> EnsembleView:
    """Return what the pages show of the mean map of an ensemble and its parts."""
    from occupy_core.reporting.ensemble_view import ensemble_view

    volumes = comparison.volumes
    return ensemble_view(
        volumes.mean, [part.mask for part in comparison.parts], spacing=volumes.spacing, step=volumes.step
    )
