# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of a job for users, as STAR files."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Tuple

from occupy_core.job.outputs import JobOutputs, MapOutputs
from occupy_core.settings.classification import is_weighted_run
from occupy_core.settings.output_names import (
    MAP_OUTPUTS,
    MAPS_TABLE,
    MODEL_TABLE,
    PARTS_TABLE,
    REGIONS_TABLE,
    SPREAD_MAP,
    is_region_mask,
)
from relion_external.ensemble_tables import cluster_table, image_rows, part_tables
from relion_external.model_tables import model_tables, occupancy_columns, table_of
from relion_files.star_writer import Rows, write_star

_REGION_COLUMNS = (
    "rlnReferenceImage",
    "occupyRegionNumber",
    "occupyVolumeCubicAngstrom",
    "occupyCentreXAngstrom",
    "occupyCentreYAngstrom",
    "occupyCentreZAngstrom",
    "occupyOccupancyDifference",
    "occupyOccupancyOfAllParticles",
    "occupySure",
    "occupySigmas",
    "occupyOccupancyDifferenceLow",
    "occupyOccupancyDifferenceHigh",
    "occupyOccupancyOfAllParticlesLow",
    "occupyOccupancyOfAllParticlesHigh",
    "occupyNote",  # the last column: RELION's shell scripts split quoted texts at blanks
)
_SHARE = "rlnClassDistribution"
_OCCUPANCY_COLUMNS = (
    "occupyRegionNumber",
    "rlnClassNumber",
    _SHARE,
    "occupyOccupancyLow",
    "occupyOccupancy",
    "occupyOccupancyHigh",
)
# RELION's readers take no empty text.
_NO_NOTE = "None"


def write_tables(outputs: JobOutputs, folder: Path, job_dir: str) -> None:
    """Write occupancy_maps.star, occupancy_regions.star if classes were compared, model_occupancy.star with a model.

    occupancy_maps.star has a table with a row for each map; with target masks, a table with a row for each map and
    target mask; and a table with a row for each image, to display them side by side. occupancy_regions.star has a table
    with a row for each region, the sure ones first, and a second table with a row for each region and class.
    model_occupancy.star has a table with a row for each part of the model and map, and a second table with a row for
    each window along the chains and map.

    Parameters
    ----------
    outputs : JobOutputs
        The outputs of the job.
    folder : Path
        The staging folder, to which the files are written.
    job_dir : str
        The output folder as RELION names it, relative to the project: the tables name the maps in it. RELION displays
        a STAR file whose first table has the column rlnReferenceImage as the central sections of these maps.
    """
    tables = {"occupancy_maps": table_of([_map_row(item, job_dir) for item in outputs.maps])} if outputs.maps else {}
    targets = [_target_row(item, target) for item in outputs.maps for target in item.report["targets"]]
    if targets:
        tables["occupancy_targets"] = table_of(targets)
    if outputs.maps:
        tables["occupancy_images"] = table_of([*_image_rows(outputs, job_dir)])
    if outputs.ensemble is not None:
        tables["occupancy_clusters"] = cluster_table(outputs.ensemble, job_dir)
        tables["occupancy_ensemble_images"] = image_rows(outputs.ensemble, job_dir)
        write_star(folder / PARTS_TABLE, part_tables(outputs.ensemble, job_dir))
    write_star(folder / MAPS_TABLE, tables)
    if outputs.comparison is not None:
        tables = _region_tables(outputs.comparison, job_dir, is_weighted=is_weighted_run(outputs.notes))
        write_star(folder / REGIONS_TABLE, tables, comment=outputs.comparison["one_means"])
    if outputs.model is not None:
        write_star(folder / MODEL_TABLE, model_tables(outputs.model), comment=outputs.model["one_means"])


def _without_quotes(text: str) -> str:
    """Return a text that fits into one quoted value: on one line, without quotes."""
    return " ".join(text.replace("'", "").replace('"', "").split())


def _map_row(item: MapOutputs, job_dir: str) -> Dict[str, object]:
    report = item.report
    derived = report["derived"]
    return {
        "rlnReferenceImage": os.path.join(job_dir, item.files["scale"]),
        **_class_columns(item),
        "occupyInputMap": report["input"],
        "occupyMode": derived["mode"],
        "rlnPixelSize": report["voxel_size_angstrom"],
        "occupyLowpassAngstrom": derived["lowpass_angstrom"],
        "occupyKernelSizeVoxels": derived["kernel_size_voxels"],
        "occupyKernelRadiusVoxels": derived["kernel_radius_voxels"],
        "occupyTau": derived["tau"],
        "occupyNormalisation": report["reference"]["normalisation"],
        "occupyReferenceValue": report["reference"]["value"],
        "occupyZeroValue": report["reference"]["zero"],
        "occupySolventMean": report["solvent"]["mean"],
        "occupySolventSigma": report["solvent"]["sigma"],
        "occupyConfidenceLimit": report["solvent"]["confidence_limit"],
        "occupyMedianScale": report["median_scale"],
    }


def _image_rows(outputs: JobOutputs, job_dir: str) -> Iterator[Dict[str, object]]:
    """Yield a row for each input map, its outputs, and the maps and masks of a comparison, all with one box."""
    boxes = [item.report["box_voxels"] for item in outputs.maps]
    for item, box in zip(outputs.maps, boxes):
        if box != boxes[0]:
            continue  # RELION displays images of one size
        info = item.source.class_info
        of_class = "" if info is None else f" of {'map' if info.share is None else 'class'} {info.number}"
        if re.fullmatch(r"[!-~]+\.mrc", item.report["input"]):  # RELION knows the format by the end of the name
            yield {"rlnReferenceImage": item.report["input"], "occupyImage": f"input map{of_class}"}
        for kind, name in item.files.items():
            title = f"{MAP_OUTPUTS[kind].title}{of_class}"
            yield {"rlnReferenceImage": os.path.join(job_dir, name), "occupyImage": title}
    for name in outputs.comparison["outputs"] if outputs.comparison is not None else ():
        title = "difference in occupancy" if name == SPREAD_MAP else "signed difference of two classes"
        if is_region_mask(name):
            title = f"mask of region {int(name[6:9])}"
        yield {"rlnReferenceImage": os.path.join(job_dir, name), "occupyImage": title}


def _class_columns(item: MapOutputs) -> Dict[str, object]:
    info = item.source.class_info
    if info is None:
        return {}
    columns = {
        "rlnClassNumber": info.number,
        _SHARE: info.share,
        "occupyParticles": info.particles,
    }
    return {name: value for name, value in columns.items() if value is not None}


def _target_row(item: MapOutputs, target: Mapping[str, Any]) -> Dict[str, object]:
    published, interval = target["occupancy_published"], target["occupancy_interval_90"]
    return {
        **({"rlnClassNumber": item.source.class_info.number} if item.source.class_info else {}),
        "occupyInputMap": item.report["input"],
        "occupyTargetMask": target["mask"],
        "occupyTargetVolumeCubicAngstrom": target["volume_cubic_angstrom"],
        "occupyScaleLowerQuartile": target["scale_lower_quartile"],
        "occupyScaleMedian": target["scale_median"],
        "occupyScaleUpperQuartile": target["scale_upper_quartile"],
        "occupyOccupancyPublished": math.nan if published is None else published,
        # No interval: for other scales, and where a warning of the map says why.
        "occupyOccupancyLow90": interval[0] if interval else math.nan,
        "occupyOccupancyHigh90": interval[1] if interval else math.nan,
    }


def _region_tables(comparison: Mapping[str, Any], job_dir: str, *, is_weighted: bool) -> Dict[str, Rows]:
    """Return the tables of occupancy_regions.star from the report of a comparison.

    `is_weighted` says whether the class maps were weighted while they were classified.
    """
    regions = comparison["regions"]
    occupancies = [
        _occupancy_row(region, item, occupancy)
        for region in regions
        for item, occupancy in zip(comparison["maps"], region["occupancies"])
    ]
    columns = list(_OCCUPANCY_COLUMNS)
    if any(item["share"] is None for item in comparison["maps"]):
        columns.remove(_SHARE)  # maps of a list: RELION would read a missing value as 0
    return {
        "occupancy_regions": (_REGION_COLUMNS, [_region_row(region, job_dir, is_weighted) for region in regions]),
        "occupancy_of_classes": (columns, [[row[name] for name in columns] for row in occupancies]),
    }


def _region_row(region: Mapping[str, Any], job_dir: str, is_weighted: bool) -> Tuple[object, ...]:
    from occupy_core.comparing.describe import region_note  # a job on one map does not load the comparison

    notes = [region_note(region), *(["found in maps that were weighted in the loop"] if is_weighted else [])]
    return (
        # RELION opens the file of every row to display the table, and an unsure region has no mask.
        os.path.join(job_dir, region["mask"] or SPREAD_MAP),
        region["number"],
        region["volume_cubic_angstrom"],
        *region["centre_xyz_angstrom"],
        region["difference"],
        region["occupancy_of_all_particles"],
        int(region["sure"]),
        region["sigmas"],
        region["difference_low"],
        region["difference_high"],
        region["occupancy_of_all_particles_low"],
        region["occupancy_of_all_particles_high"],
        _without_quotes("; ".join(filter(None, notes))) or _NO_NOTE,
    )


def _occupancy_row(
    region: Mapping[str, Any], item: Mapping[str, Any], occupancy: Mapping[str, Any]
) -> Dict[str, object]:
    return {
        "occupyRegionNumber": region["number"],
        "rlnClassNumber": item["number"],
        _SHARE: item["share"],
        **occupancy_columns(occupancy),
    }
