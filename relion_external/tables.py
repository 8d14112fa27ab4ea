# SPDX-License-Identifier: GPL-3.0-or-later
"""The STAR files that a job leaves for RELION and its user."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from occupy_core.job.run import JobOutputs, MapOutputs
from occupy_core.settings.output_names import FIGURE, MAP_OUTPUTS, MAPS_TABLE, REGIONS_TABLE, SPREAD_MAP

Table = Tuple[Sequence[str], Sequence[Sequence[object]]]  # columns, rows

OUTPUT_NODES = "RELION_OUTPUT_NODES.star"
# Both columns, always: RELION 3.1 reads the number, 4 and 5 the label.
_MAP_NODE = ("6", "DensityMap.mrc")
_MASK_NODE = ("7", "Mask3D.mrc")
_LOG_NODE = ("13", "LogFile.pdf.relion")
_TABLE_NODE = ("90", "ProcessData.star.occupy")
_NODE_COLUMNS = ("rlnPipeLineNodeName", "rlnPipeLineNodeType", "rlnPipeLineNodeTypeLabel")
_REGION_COLUMNS = (
    "rlnReferenceImage",
    "occupyRegionNumber",
    "occupyVolumeCubicAngstrom",
    "occupyCentreXAngstrom",
    "occupyCentreYAngstrom",
    "occupyCentreZAngstrom",
    "occupyOccupancyDifference",
    "occupyOccupancyOfAllParticles",
)
_OCCUPANCY_COLUMNS = (
    "occupyRegionNumber",
    "rlnClassNumber",
    "rlnClassDistribution",
    "occupyOccupancyLowerQuartile",
    "occupyOccupancy",
    "occupyOccupancyUpperQuartile",
)


def write_tables(outputs: JobOutputs, folder: Path, job_dir: str) -> None:
    """Write the job's STAR files.

    occupancy_maps.star has a row for each map and, with target masks, a second table with a row for each of them.
    occupancy_regions.star, where classes were compared, has a row for each region and a second table with a row for
    each region and class.

    Parameters
    ----------
    outputs : JobOutputs
    folder : Path
        Where to write.
    job_dir : str
        Where the files will be, as RELION names it. RELION shows a STAR file whose first table has
        rlnReferenceImage as the central slices of these maps.
    """
    tables = {"occupancy_maps": _table([_row(item, job_dir) for item in outputs.maps])}
    targets = [_target_row(item, target) for item in outputs.maps for target in item.report["targets"]]
    if targets:
        tables["occupancy_targets"] = _table(targets)
    _write(tables, folder / MAPS_TABLE)
    if outputs.comparison is not None:
        _write(_region_tables(outputs.comparison, job_dir), folder / REGIONS_TABLE)


def write_output_nodes(outputs: JobOutputs, job_dir: str) -> None:
    """Write RELION_OUTPUT_NODES.star, by which RELION finds the outputs, whole or not at all."""
    nodes: List[Tuple[str, Tuple[str, str]]] = [
        (name, _MASK_NODE if MAP_OUTPUTS[kind].is_mask else _MAP_NODE)
        for item in outputs.maps
        for kind, name in item.files.items()
    ]
    nodes += [(name, _LOG_NODE) for name in outputs.files if name == FIGURE]
    nodes.append((MAPS_TABLE, _TABLE_NODE))
    if outputs.comparison is not None:
        nodes += [(name, _comparison_node(name)) for name in outputs.comparison["outputs"]]
        nodes.append((REGIONS_TABLE, _TABLE_NODE))
    rows = [(os.path.join(job_dir, name), *kinds) for name, kinds in nodes]
    target = Path(job_dir) / OUTPUT_NODES
    partial = target.with_name(target.name + ".partial")
    _write({"output_nodes": (_NODE_COLUMNS, rows)}, partial)
    os.replace(partial, target)


def _write(tables: Mapping[str, Table], path: Path) -> None:
    """Write a STAR file without the library starfile, which takes longer to load than a small map takes in all."""
    lines = ["# version 30001"]
    for name, (columns, rows) in tables.items():
        lines += ["", f"data_{name}", "", "loop_"]
        lines += [f"_{column} #{number}" for number, column in enumerate(columns, start=1)]
        lines += [" ".join(map(_value, row)) for row in rows]
    path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")


def _table(rows: Sequence[Mapping[str, object]]) -> Table:
    """The columns of all rows; what a row has no value for is missing."""
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return columns, [tuple(row.get(name) for name in columns) for row in rows]


def _comparison_node(name: str) -> Tuple[str, str]:
    return {SPREAD_MAP: _MAP_NODE}.get(name, _MASK_NODE)


def _region_tables(comparison: Mapping[str, Any], job_dir: str) -> Dict[str, Table]:
    regions = comparison["regions"]
    occupancies = [
        _occupancy_row(region, item, found)
        for region in regions
        for item, found in zip(comparison["maps"], region["occupancies"])
    ]
    return {
        "occupancy_regions": (_REGION_COLUMNS, [_region_row(region, job_dir) for region in regions]),
        "occupancy_of_classes": (_OCCUPANCY_COLUMNS, occupancies),
    }


def _region_row(region: Mapping[str, Any], job_dir: str) -> Tuple[object, ...]:
    everyone = region["occupancy_of_all_particles"]
    return (
        os.path.join(job_dir, region["mask"]),
        region["number"],
        region["volume_cubic_angstrom"],
        *region["centre_xyz_angstrom"],
        region["difference"],
        math.nan if everyone is None else everyone,
    )


def _occupancy_row(region: Mapping[str, Any], item: Mapping[str, Any], found: Mapping[str, Any]) -> Tuple[object, ...]:
    quartiles = (found["lower_quartile"], found["median"], found["upper_quartile"])
    return (region["number"], item["number"], item["share"], *quartiles)


def _value(value: object) -> str:
    """As STAR files have it: numbers in full, and in quotes what would end early or be taken for something else."""
    if value is None or isinstance(value, float) and math.isnan(value):
        return "<NA>"
    text = repr(float(value)) if isinstance(value, float) else str(value)
    if text and not re.search(r"\s|^[#_'\"]|^(data|loop)_", text):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'


def _row(item: MapOutputs, job_dir: str) -> Dict[str, object]:
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


def _class_columns(item: MapOutputs) -> Dict[str, object]:
    info = item.source.class_info
    if info is None:
        return {}
    columns: Dict[str, object] = {"rlnClassNumber": info.number, "rlnClassDistribution": info.share}
    return columns if info.particles is None else {**columns, "occupyParticles": info.particles}


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
        # Only a calibrated scale in occupancy mode has an interval, and not within an uneven mask.
        "occupyOccupancyLow90": interval[0] if interval else math.nan,
        "occupyOccupancyHigh90": interval[1] if interval else math.nan,
    }
