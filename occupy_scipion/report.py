# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the report that a run of the core writes."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Optional

from occupy_core.settings.output_names import REPORT
from occupy_scipion.constants import JOB_FILE, NEXT_JOB_FILE

Report = Dict[str, Any]

# Values of a region in reports of earlier versions, which do not hold them.
_NEW_REGION_VALUES = {
    "sure": True,
    "doubt": None,
    "sigmas": None,
    "flexible": False,
    "moved_with": None,
    "difference_low": None,
    "difference_high": None,
    "occupancy_of_all_particles_low": None,
    "occupancy_of_all_particles_high": None,
}

# Key in the job file: the names of the target masks that users know (the core may read copies under other names).
TARGET_NAMES = "target_names"


def read_report(folder: str) -> Optional[Report]:
    """Return the report in a run's folder, with the users' names of the target masks; None without a report of a run.

    Keys that reports of earlier versions lack are added, with empty values.
    """
    report = _read_json(os.path.join(folder, REPORT))
    if not isinstance(report, dict) or not isinstance(report.get("maps"), list):
        return None
    _complete_comparison(report.setdefault("comparison", None))
    report.setdefault("model", None)
    report.setdefault("warnings", [])
    report.setdefault("outputs", [])
    names = (_read_json(os.path.join(folder, JOB_FILE)) or {}).get(TARGET_NAMES, [])
    for item in report["maps"]:
        for target, name in zip(item.setdefault("targets", []), names):
            target["name"] = name
    return report


def output_files(report: Report) -> List[str]:
    """Return the names of the files that a run wrote, except the report."""
    of_comparison = report["comparison"]["outputs"] if report["comparison"] else []
    of_model = report["model"]["outputs"] if report["model"] else []
    of_maps = [name for item in report["maps"] for name in item["outputs"].values()]
    return [*of_maps, *of_comparison, *of_model, *report["outputs"]]


def finished_report(folder: str) -> Optional[Report]:
    """Return the report in a run's folder (`read_report`); None if a later run is not finished or has failed."""
    return None if os.path.exists(os.path.join(folder, NEXT_JOB_FILE)) else read_report(folder)


def _complete_comparison(comparison: Optional[Report]) -> None:
    """Add to the record of a comparison what earlier versions did not write.

    All regions of earlier versions have masks; their occupancies have quartiles, which are no intervals.
    """
    if comparison is None:
        return
    comparison.setdefault("one_means", "")
    for region in comparison["regions"]:
        for name, value in _NEW_REGION_VALUES.items():
            region.setdefault(name, value)
        for item in region["occupancies"]:
            item.setdefault("occupancy", item.get("median"))
            item.setdefault("low", None)
            item.setdefault("high", None)


def _read_json(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None
