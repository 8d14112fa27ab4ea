# SPDX-License-Identifier: GPL-3.0-or-later
"""Local scale and occupancy of cryo-EM maps.

Nothing heavy is imported before it is used, so that a host can check options first.

Reference: Forsberg, Shah & Burt, Nature Communications 14 (2023), doi:10.1038/s41467-023-41478-1.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "DensityMap": "maps.reading",
    "ClassInfo": "settings.job_spec",
    "Job": "settings.job_spec",
    "JobOutputs": "job.run",
    "JobError": "errors",
    "MapError": "errors",
    "MapInput": "settings.job_spec",
    "OccupyError": "errors",
    "Result": "process",
    "Settings": "settings.settings",
    "SettingsError": "errors",
    "process_map": "process",
    "read_map": "maps.reading",
    "run_job": "job.run",
    "write_map": "maps.writing",
}
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
