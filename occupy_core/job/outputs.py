# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of the outputs of a job, for the hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional

from occupy_core.reporting.sections import MapSections
from occupy_core.settings.job_spec import MapInput


@dataclass(frozen=True)
class MapOutputs:
    """Outputs of a job for one map.

    Attributes
    ----------
    source : MapInput
        The input.
    files : dict of str to str
        File names in the output folder by kind: keys of `output_names.MAP_OUTPUTS`.
    report : dict
        The map's part of report.json.
    sections : callable, optional
        Loads the 2D sections for the figures (MapSections); None where the settings ask for no figures.
    """

    source: MapInput
    files: Dict[str, str]
    report: Dict[str, Any]
    sections: Optional[Callable[[], MapSections]]


@dataclass(frozen=True)
class JobOutputs:
    """Outputs of a job.

    Attributes
    ----------
    maps : list of MapOutputs
        In the order of the input, without the maps that failed.
    comparison : dict, optional
        The comparison's part of report.json; None where no maps were compared.
    notes : list of str
        Warnings about the job, not about one map.
    files : list of str
        Names of further files: figures, commands for ChimeraX.
    model : dict, optional
        Part of report.json on the fitted model; None without one.
    result : str
        What was found, in one sentence.
    next_steps : list of str
        What to do next, a sentence each.
    ensemble : dict, optional
        Part of report.json on the comparison of many volumes; None where no more than ten were compared.
    """

    maps: List[MapOutputs]
    comparison: Optional[Dict[str, Any]]
    notes: List[str]
    files: List[str]
    model: Optional[Dict[str, Any]] = None
    result: str = ""
    next_steps: List[str] = field(default_factory=list)
    ensemble: Optional[Dict[str, Any]] = None

    @property
    def compared(self) -> Optional[Dict[str, Any]]:
        """Part of report.json on the comparison or on the ensemble; None where no maps were compared."""
        return self.comparison or self.ensemble

    @property
    def warnings(self) -> List[str]:
        """All warnings: of the job, of the comparison, of the fitted model, of each map."""
        compared = [text for found in (self.comparison, self.ensemble) if found for text in found["warnings"]]
        of_model = self.model["warnings"] if self.model else []
        several = len(self.maps) > 1
        map_warnings = [
            f"{item.source.name}: {text}" if several else text for item in self.maps for text in item.report["warnings"]
        ]
        return [*self.notes, *compared, *of_model, *map_warnings]
