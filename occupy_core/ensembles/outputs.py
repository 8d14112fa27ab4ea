# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the results of a comparison of many volumes: table, masks of the parts, mean map of each cluster."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from occupy_core.arrays.types import Volume
from occupy_core.comparing.region_masks import soft_mask
from occupy_core.ensembles.compare_volumes import EnsembleComparison, EnsemblePart
from occupy_core.ensembles.composition import Rule
from occupy_core.files import write_text
from occupy_core.maps.grid import MapGrid, in_xyz
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.output_names import CLUSTER_MEAN, PART_MASK, VOLUMES_TABLE

Report = Dict[str, Any]


def write_ensemble(
    comparison: EnsembleComparison, maps: Sequence[MapInput], folder: Path, *, threads: int = 1
) -> Report:
    """Write occupancy_volumes.csv, a soft mask for each part, and the mean map of each cluster.

    Parameters
    ----------
    comparison : EnsembleComparison
    maps : sequence of MapInput
        The maps that were compared, in the order of the comparison.
    folder : Path
        Where to write.
    threads : int

    Returns
    -------
    dict
        The ensemble's part of report.json; "outputs" names the files.

    Raises
    ------
    MapError
        If a map cannot be read any more.
    """
    volumes = comparison.volumes
    parts, weights = [], _shares(maps)
    for number, part in enumerate(comparison.parts, start=1):
        name = PART_MASK.format(number)
        mask = soft_mask(part.mask, volumes.grid.shape, spacing=volumes.step, voxel_size=volumes.grid.voxel_size)
        write_map(folder / name, mask, volumes.grid, label=f"mask of part {number}")
        del mask  # frees its memory before the next mask is made
        parts.append(_part_report(number, part, name, volumes.grid, weights))
    clusters = _write_means(comparison, maps, folder, threads)
    rows = [_volume_report(index, item, comparison) for index, item in enumerate(maps)]
    write_text(folder / VOLUMES_TABLE, _table(rows))
    return {
        "lowpass_angstrom": comparison.lowpass,
        "voxel_size_angstrom": volumes.grid.voxel_size,
        "components": [float(share) for share in comparison.component_shares],
        "parts": parts,
        "means_are_over": "volumes" if weights is None else "particles",
        "clusters": clusters,
        "rules": [_rule_report(rule) for rule in comparison.rules],
        "volumes": rows,
        "order": [int(index) for index in comparison.clusters.order],
        "outputs": [VOLUMES_TABLE, *(part["mask"] for part in parts), *(item["mean"] for item in clusters)],
        "warnings": list(comparison.warnings),
    }


def _shares(maps: Sequence[MapInput]) -> Optional[List[float]]:
    """Return the share of the particles in each map; None where a map has none, or all are without particles."""
    shares = [item.class_info.share if item.class_info else None for item in maps]
    known = [share for share in shares if share is not None]
    return known if len(known) == len(maps) and sum(known) > 0 else None


def _part_report(
    number: int, part: EnsemblePart, mask: str, grid: MapGrid, weights: Optional[Sequence[float]]
) -> Report:
    values = [item.value for item in part.occupancies]
    return {
        "number": number,
        "mask": mask,
        "volume_cubic_angstrom": part.volume,
        "centre_xyz_angstrom": in_xyz(part.centre, grid),
        "moves": part.moves,
        "mean_occupancy": float(np.average(values, weights=weights)) if values else None,
        "volumes_with_it": sum(value > 0.5 for value in values) if values else None,
        "uneven_volumes": part.uneven,
    }


def _write_means(comparison: EnsembleComparison, maps: Sequence[MapInput], folder: Path, threads: int) -> List[Report]:
    """Write the mean map of each cluster, of the maps as they are, in the common grey scale; return their reports."""
    volumes, numbers = comparison.volumes, comparison.clusters.numbers
    reports = []
    for cluster in range(1, int(numbers.max()) + 1):
        members = np.flatnonzero(numbers == cluster)
        mean = np.zeros(volumes.grid.shape, dtype=np.float32)
        for index in members:
            item = maps[index]
            source = read_map(item.path, voxel_size=item.voxel_size, invert=item.invert, threads=threads)
            mean += source.data / np.float32(volumes.grey_factors[index] * len(members))
        name = CLUSTER_MEAN.format(cluster)
        write_map(folder / name, mean, volumes.grid, label=f"mean of cluster {cluster}")
        occupancies = [
            float(np.mean([part.occupancies[index].value for index in members])) for part in comparison.present_parts
        ]
        reports.append(
            {
                "number": cluster,
                "volumes": len(members),
                "mean": name,
                "surface_level": _surface_level(mean, comparison),
                "occupancies": occupancies,
            }
        )
    return reports


def _surface_level(mean: Volume, comparison: EnsembleComparison) -> float:
    """Return the value of a map at which its surface encloses as much volume as the molecule."""
    share = float(comparison.volumes.molecule.mean())
    return float(np.quantile(mean, 1 - share))


def _volume_report(index: int, item: MapInput, comparison: EnsembleComparison) -> Report:
    number: Optional[int] = item.class_info.number if item.class_info else None
    return {
        "number": index + 1 if number is None else number,
        "input": item.path,
        "cluster": int(comparison.clusters.numbers[index]),
        "grey_factor": float(comparison.volumes.grey_factors[index]),
        "occupancies": [[*map(float, part.occupancies[index])] for part in comparison.present_parts],
    }


def _rule_report(rule: Rule) -> Report:
    return {
        "part": rule.one + 1,
        "kind": rule.kind,
        "other": rule.other + 1,
        "exceptions": rule.exceptions,
        "volumes": rule.volumes,
    }


def _table(rows: Sequence[Report]) -> str:
    """Return the table of the volumes as CSV: number, file, cluster, grey factor; of each part occupancy, low, high."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"part{number:03d}" for number in range(1, len(rows[0]["occupancies"]) + 1)]
    columns = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    writer.writerow(["volume", "file", "cluster", "grey_factor", *columns])
    for row in rows:
        values = [f"{value:.3f}" for low, middle, high in row["occupancies"] for value in (middle, low, high)]
        writer.writerow([row["number"], row["input"], row["cluster"], f"{row['grey_factor']:.4g}", *values])
    return text.getvalue()
