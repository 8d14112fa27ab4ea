# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the report that a run of the core writes."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Dict, List, Optional

from occupy_core.errors import OccupyError
from occupy_core.input_files import read_input_text
from occupy_core.settings.output_names import REPORT, is_output_name
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

    Keys that reports of earlier versions lack are added, with empty values. A report that names files which no run
    writes is none.
    """
    report = _read_json(os.path.join(folder, REPORT))
    try:
        _complete(report)
        if not _has_parts(report):
            return None
        names = (_read_json(os.path.join(folder, JOB_FILE)) or {}).get(TARGET_NAMES, [])
        for item in report["maps"]:
            for target, name in zip(item["targets"], names):
                target["name"] = name
    except (KeyError, TypeError, AttributeError):
        return None
    return report


def lines_of(folder: str, make: Callable[[Report], List[str]]) -> Optional[List[str]]:
    """Return the lines that `make` makes of the report of a finished run; None without a report.

    If the report has values that no run writes, one line says so.
    """
    path = os.path.join(folder, REPORT)
    report = finished_report(folder)
    if report is None and not (os.path.exists(path) and is_finished(folder)):
        return None
    try:
        if report is None:
            raise ValueError("the parts of a report are missing or wrong")
        return make(report)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        return [f"{path}: is no report that this version can show ({error}), expected that of a run; run it again"]


def output_files(report: Report) -> List[str]:
    """Return the names of the files that a run wrote, except the report."""
    of_comparison = report["comparison"]["outputs"] if report["comparison"] else []
    of_model = report["model"]["outputs"] if report["model"] else []
    of_comparison = [*of_comparison, *(report["ensemble"]["outputs"] if report["ensemble"] else [])]
    of_maps = [name for item in report["maps"] for name in item["outputs"].values()]
    return [*of_maps, *of_comparison, *of_model, *report["outputs"]]


def finished_report(folder: str) -> Optional[Report]:
    """Return the report in a run's folder (`read_report`); None if a later run is not finished or has failed."""
    return read_report(folder) if is_finished(folder) else None


def is_finished(folder: str) -> bool:
    """Return whether the last run in a folder has ended well, if there was one."""
    return not os.path.exists(os.path.join(folder, NEXT_JOB_FILE))


def _complete(report: Any) -> None:
    """Add to a report what earlier versions did not write."""
    _complete_comparison(report.setdefault("comparison", None))
    for name, value in (("model", None), ("ensemble", None), ("warnings", []), ("outputs", []), ("failed", [])):
        report.setdefault(name, value)
    for item in report["maps"]:
        item.setdefault("targets", [])


def _has_parts(report: Report) -> bool:
    """Return whether the parts of a report are of the right types, and all its files have names of outputs."""
    dicts = [report["settings"], *(item["outputs"] for item in report["maps"])]
    dicts += [report[name] for name in ("comparison", "ensemble", "model") if report[name] is not None]
    lists = [report[name] for name in ("maps", "failed", "warnings", "outputs")]
    lists += [item["targets"] for item in report["maps"]]
    if not all(isinstance(item, dict) for item in dicts) or not all(isinstance(item, list) for item in lists):
        return False
    texts = [item[key] for item in report["maps"] for key in ("input", "prefix")]
    texts += [item[key] for item in report["failed"] for key in ("input", "reason")]
    are_texts = all(isinstance(text, str) for text in texts)
    has_results = bool(report["maps"] or report["ensemble"])
    return has_results and are_texts and all(map(is_output_name, output_files(report)))


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


def _read_json(path: str) -> Any:
    try:
        return json.loads(read_input_text(path, expected="a JSON file of a run"))
    except (OSError, ValueError, RecursionError, OccupyError):
        return None
