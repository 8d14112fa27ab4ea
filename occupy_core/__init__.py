# SPDX-License-Identifier: GPL-3.0-or-later
"""Local scale and occupancy of cryo-EM maps.

The public names are imported when they are first used, so that a host can check options before numpy is loaded.

Reference: Forsberg, Shah & Burt, Nature Communications 14 (2023), doi:10.1038/s41467-023-41478-1.
"""

import importlib
from typing import TYPE_CHECKING, Any, List

from occupy_core.version import __version__ as __version__

if TYPE_CHECKING:
    from occupy_core.api.classes import ClassDifferences as ClassDifferences
    from occupy_core.api.classes import DifferingRegion as DifferingRegion
    from occupy_core.api.classes import compare as compare
    from occupy_core.api.ensembles import DifferingPart as DifferingPart
    from occupy_core.api.ensembles import EnsembleDifferences as EnsembleDifferences
    from occupy_core.api.ensembles import PartRule as PartRule
    from occupy_core.api.local_scale import LocalScale as LocalScale
    from occupy_core.api.local_scale import local_scale as local_scale
    from occupy_core.api.model import ModelDifference as ModelDifference
    from occupy_core.api.model import ModelOccupancies as ModelOccupancies
    from occupy_core.api.model import ModelPart as ModelPart
    from occupy_core.api.model import ModelWindow as ModelWindow
    from occupy_core.api.model import model_occupancy as model_occupancy
    from occupy_core.api.modified_maps import Modified as Modified
    from occupy_core.api.modified_maps import amplify as amplify
    from occupy_core.api.modified_maps import attenuate as attenuate
    from occupy_core.api.modified_maps import sigmoid as sigmoid
    from occupy_core.api.occupancy import Occupancy as Occupancy
    from occupy_core.errors import JobError as JobError
    from occupy_core.errors import MapError as MapError
    from occupy_core.errors import ModelError as ModelError
    from occupy_core.errors import OccupyError as OccupyError
    from occupy_core.errors import SettingsError as SettingsError
    from occupy_core.estimate.targets import Target as Target
    from occupy_core.job.outputs import JobOutputs as JobOutputs
    from occupy_core.job.run import run_job as run_job
    from occupy_core.maps.density_map import DensityMap as DensityMap
    from occupy_core.maps.reading import read_map as read_map
    from occupy_core.maps.writing import write_map as write_map
    from occupy_core.process import Result as Result
    from occupy_core.process import process_map as process_map
    from occupy_core.settings.job_spec import ClassInfo as ClassInfo
    from occupy_core.settings.job_spec import Job as Job
    from occupy_core.settings.job_spec import MapInput as MapInput
    from occupy_core.settings.settings import Settings as Settings

# The module of each public name.
_MODULES = {
    "ClassDifferences": "api.classes",
    "DifferingPart": "api.ensembles",
    "DifferingRegion": "api.classes",
    "EnsembleDifferences": "api.ensembles",
    "LocalScale": "api.local_scale",
    "Modified": "api.modified_maps",
    "ModelDifference": "api.model",
    "ModelOccupancies": "api.model",
    "ModelPart": "api.model",
    "ModelWindow": "api.model",
    "Occupancy": "api.occupancy",
    "PartRule": "api.ensembles",
    "amplify": "api.modified_maps",
    "attenuate": "api.modified_maps",
    "compare": "api.classes",
    "local_scale": "api.local_scale",
    "model_occupancy": "api.model",
    "sigmoid": "api.modified_maps",
    "JobError": "errors",
    "MapError": "errors",
    "ModelError": "errors",
    "OccupyError": "errors",
    "SettingsError": "errors",
    "Target": "estimate.targets",
    "JobOutputs": "job.outputs",
    "run_job": "job.run",
    "DensityMap": "maps.density_map",
    "read_map": "maps.reading",
    "write_map": "maps.writing",
    "Result": "process",
    "process_map": "process",
    "ClassInfo": "settings.job_spec",
    "Job": "settings.job_spec",
    "MapInput": "settings.job_spec",
    "Settings": "settings.settings",
}
__all__ = [
    "__version__",
    "ClassDifferences",
    "ClassInfo",
    "DensityMap",
    "DifferingPart",
    "DifferingRegion",
    "EnsembleDifferences",
    "Job",
    "JobError",
    "JobOutputs",
    "LocalScale",
    "MapError",
    "MapInput",
    "ModelDifference",
    "ModelError",
    "ModelOccupancies",
    "ModelPart",
    "ModelWindow",
    "Modified",
    "Occupancy",
    "OccupyError",
    "PartRule",
    "Result",
    "Settings",
    "SettingsError",
    "Target",
    "amplify",
    "attenuate",
    "compare",
    "local_scale",
    "model_occupancy",
    "process_map",
    "read_map",
    "run_job",
    "sigmoid",
    "write_map",
]


if not TYPE_CHECKING:  # type checkers see the imports above, and report any other name

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> List[str]:
    return sorted(__all__)
