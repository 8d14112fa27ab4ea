# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a job that reads the occupancy of a fitted atomic model.

`occupy_core.modelling`, and with it gemmi, is imported where it is used, since most jobs have no model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from occupy_core.errors import ModelError
from occupy_core.input_files import require_regular_file
from occupy_core.job.memory import return_freed_memory
from occupy_core.job.outputs import MapOutputs
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import open_written
from occupy_core.progress import Progress
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.output_names import MODEL_ATTRIBUTES, MODEL_FILE, MODEL_PHENIX, MODEL_REFMAC, MODEL_TABLE

if TYPE_CHECKING:
    from occupy_core.comparing.compare_maps import ClassComparison
    from occupy_core.modelling.model_occupancy import ModelOccupancy
    from occupy_core.reporting.surface.map_surface import MapSurface

# Work of the fit for one map: relative to the work of estimating and writing the map.
MODEL_WORK = 0.5
_NEAR = 5.0  # Å from an atom, within which a voxel of a region lies on the model
# Share of a region on the model below which no part explains it. In simulated classes it was 0.99 and more where the
# model has the part that differs, and 0.12 to 0.21 where it lacks that part. Our choice.
_EXPLAINED = 0.5
_MAX_SURFACES = 4  # maps whose surfaces are shown
_MIN_SHARE = 0.15  # share of a region's atoms that lie in a part, from which on the region is said to lie on it


def model_file_names(job: Job) -> List[str]:
    """Return the names of the files that a job with a model writes for it, as far as they are known beforehand."""
    if job.settings.model is None:
        return []
    return [
        MODEL_TABLE,
        MODEL_REFMAC,
        MODEL_PHENIX,
        *(item.prefix + name for item in job.maps for name in (MODEL_FILE, MODEL_ATTRIBUTES)),
    ]


def measure_job_model(
    job: Job, folder: Path, progress: Progress
) -> Tuple[Optional[Dict[str, Any]], Optional[ModelOccupancy]]:
    """Read how occupied the parts of the model are in the maps of a job, and write the model's files.

    Parameters
    ----------
    job : Job
    folder : Path
        Existing folder to write to.
    progress : Progress

    Returns
    -------
    report : dict, optional
        The model's part of report.json; None for a job without model.
    result : ModelOccupancy, optional

    Raises
    ------
    ModelError
        If the model or the file of parts cannot be used, or the model does not lie in the maps.
    MapError
        If a map cannot be read, or two do not lie on one grid.
    """
    settings = job.settings
    if settings.model is None:
        return None, None
    # First: a file that does not exist needs no library.
    require_regular_file(settings.model, expected="an atomic model (PDB or mmCIF)", error=ModelError)
    try:
        from occupy_core.modelling.atoms.atomic_model import read_model
    except ImportError as error:
        raise ModelError(f"an atomic model needs gemmi, which is not installed ({error}); pip install gemmi") from error
    from occupy_core.modelling.atoms.groups import groups_of, windows_of
    from occupy_core.modelling.describe import short_lines
    from occupy_core.modelling.model_occupancy import measure_model
    from occupy_core.modelling.outputs import masked_groups, write_model_outputs

    progress(f"Fitting the occupancies of {settings.model}")
    model = read_model(settings.model)
    maps = job.shown_maps
    if maps[0].is_empty:
        raise ModelError("all classes are empty, expected at least one that the model can be compared with")
    groups = groups_of(model, settings.model_groups)
    masked_groups(groups, settings.model_masks)  # before the fit: a wrong name must not cost it
    with progress.part(len(maps) * MODEL_WORK, "model") as step:
        result = measure_model(
            [_reader(item, job.threads) for item in maps],
            model,
            groups,
            windows_of(model, settings.model_window),
            whole=[name.strip() for name in settings.model_whole.split(",") if name.strip()],
            lowpass=settings.lowpass,
            names=[item.name for item in maps],
            are_classes=True if any(item.is_class for item in maps) else None,
            threads=job.threads,
            step=step,
        )
    report = write_model_outputs(result, maps, folder, kind=settings.model_groups, masks=settings.model_masks)
    return_freed_memory()
    for line in [*short_lines(report), *(f"WARNING: {text}" for text in report["warnings"])]:
        progress(f"  {line}")
    return report, result


def add_local_scale(
    report: Optional[Dict[str, Any]],
    result: Optional[ModelOccupancy],
    job: Job,
    processed: Sequence[MapOutputs],
    folder: Path,
) -> None:
    """Add to each part's occupancies the median local scale at the part's atoms, where the map has a scale.

    Parameters
    ----------
    report : dict, optional
        The model's part of report.json; changed. Maps that failed keep None.
    result : ModelOccupancy, optional
    job : Job
    processed : sequence of MapOutputs
        The maps that did not fail.
    folder : Path
        The folder to which their scale maps were written.
    """
    if report is None or result is None:
        return
    from occupy_core.modelling.scale_of_parts import scale_of_parts

    written = {item.source.prefix: item.files["scale"] for item in processed}
    for index, item in enumerate(job.shown_maps):
        if item.prefix in written:
            scale = open_written(folder / written[item.prefix], result.grid.shape)
            for part, value in zip(report["parts"], scale_of_parts(scale, result, index)):
                part["occupancies"][index]["local_scale"] = value


def model_surfaces(
    result: Optional[ModelOccupancy], job: Job, processed: Sequence[MapOutputs]
) -> Dict[str, MapSurface]:
    """Return the surfaces of the first maps, coloured by the occupancy of the parts of the model, by the maps' names.

    Parameters
    ----------
    result : ModelOccupancy, optional
        None for a job without model.
    job : Job
    processed : sequence of MapOutputs
        The maps that did not fail.
    """
    if result is None:
        return {}
    from occupy_core.reporting.surface.model_colours import coloured_by_model

    sections = {item.source.prefix: item.sections for item in processed}
    found: Dict[str, MapSurface] = {}
    for index, item in enumerate(job.shown_maps[:_MAX_SURFACES]):
        load = sections.get(item.prefix)
        surface = load().surface if load else None
        if surface is not None:
            found[item.name] = coloured_by_model(surface, result, index)
    return found


def name_parts_of_regions(
    report: Optional[Dict[str, Any]],
    comparison: Optional[ClassComparison],
    result: Optional[ModelOccupancy],
    job: Job,
) -> None:
    """Add to each region of a comparison's report the parts of the model that it lies on, the largest share first.

    None where most of the region lies beside the model, which then lacks what differs: "share_on_model" tells, 0..1.
    Regions lie in the pose of the comparison's reference class.
    """
    if report is None or comparison is None or result is None:
        return
    spacing = comparison.spacing * comparison.grid.voxel_size
    reference = job.maps[comparison.map_indices[comparison.result.reference]]
    positions = result.positions_in(job.shown_maps.index(reference))
    for item, region in zip(report["regions"], comparison.result.regions):
        index = np.round(positions / spacing).astype(int)
        inside = np.all((index >= 0) & (index < np.array(region.mask.shape)), axis=1)
        inside[inside] = region.mask[tuple(index[inside].T)]
        item["share_on_model"] = _share_near(region.mask, spacing, positions)
        counts = [int(inside[group.atoms].sum()) for group in result.groups]
        order = sorted(range(len(counts)), key=lambda number: -counts[number])
        total = max(sum(counts), 1)
        parts = [result.groups[number].name for number in order if counts[number] >= _MIN_SHARE * total]
        item["parts"] = parts if item["share_on_model"] >= _EXPLAINED else []


def _share_near(mask: Any, spacing: float, positions: Any) -> float:
    """Return the share of a region's voxels (spacing in Å) that lie near an atom of the model; 0..1."""
    from scipy.spatial import cKDTree

    distances, _ = cKDTree(positions).query(np.argwhere(mask) * spacing, distance_upper_bound=_NEAR)
    return float(np.isfinite(distances).mean())


def _reader(item: MapInput, threads: int) -> Any:
    def read() -> DensityMap:
        return read_map(item.path, voxel_size=item.voxel_size, invert=item.invert, releasable=True, threads=threads)

    return read
