# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job leaves for people and for later jobs: report.json, logfile.pdf, occupy.cxc."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Sequence

from occupy_core.reporting.chimerax import session_commands
from occupy_core.reporting.pdf.preload import load_drawing
from occupy_core.reporting.report import finite, job_report, write_json
from occupy_core.reporting.sections import MapSections
from occupy_core.settings.job_spec import Job
from occupy_core.settings.output_names import CHIMERAX, FIGURE, REPORT

if TYPE_CHECKING:
    from occupy_core.comparing.compare_maps import ClassComparison

Report = Dict[str, Any]


def write_reports(
    job: Job,
    maps: Sequence[Report],
    slices: Sequence[MapSections],
    *,
    failed: Mapping[str, str],
    shared: Optional[str],
    comparison: Optional[Report],
    found: Optional[ClassComparison],
    notes: Sequence[str],
    told: Mapping[str, Any],
    folder: Path,
) -> Report:
    """Write a job's reports.

    Parameters
    ----------
    job : Job
    maps : sequence of dict
        The report of each map that did not fail.
    slices : sequence of MapSections
        Of each of them.
    failed : mapping of str to str
        Why each other map failed, by its path.
    shared : str, optional
        The map whose reference counts for all.
    comparison : dict, optional
        As `comparison_outputs.write_comparison` gives it.
    found : ClassComparison, optional
        What it was made of.
    notes : sequence of str
        Warnings of the job as a whole.
    told : mapping
        Of the job: `rerun.recorded`.
    folder : Path
        Where to write.

    Returns
    -------
    dict
        As in report.json; "outputs" names the files that are none of a map's or of the comparison's, "warnings" has one
        more where no figures could be drawn.
    """
    report: Report = finite(
        {
            **job_report(job.settings, list(maps), failed),
            "job": told,
            "shared_reference": shared,
            "comparison": comparison,
            "outputs": [CHIMERAX],
            "warnings": list(notes),
        }
    )
    (folder / CHIMERAX).write_text(session_commands(report, job.output_dir), encoding="utf-8")
    if job.settings.figures:
        problem = _draw(folder / FIGURE, report, slices, found)
        if problem:
            report["warnings"].append(f"no {FIGURE} was drawn: {problem}")
        else:
            report["outputs"].append(FIGURE)
    write_json(folder / REPORT, report)
    return report


def _draw(path: Path, report: Report, slices: Sequence[MapSections], found: Optional[ClassComparison]) -> str:
    """Draw the figures; why not, where it could not be done."""
    try:
        missing = load_drawing()
        if missing:
            return missing
        from occupy_core.reporting.pdf.logfile import write_logfile
        from occupy_core.reporting.pdf.slices import region_sections

        sections = []
        if found is not None:
            volumes = (density.load() for density in found.densities)
            sections = region_sections([region.mask for region in found.result.regions], volumes)
        write_logfile(path, report, slices, sections)
    except Exception as error:  # the maps are done: no reason to lose them
        path.unlink(missing_ok=True)
        return f"{type(error).__name__}: {error}"
    return ""
