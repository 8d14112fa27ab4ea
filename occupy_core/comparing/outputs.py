# SPDX-License-Identifier: GPL-3.0-or-later
"""What a comparison of classes leaves: masks of the regions, the spread of the occupancy, and its report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from occupy_core.comparing.compare_maps import ClassComparison
from occupy_core.comparing.comparison import Region
from occupy_core.comparing.region_masks import soft_mask
from occupy_core.estimate.coarse_grid import on_map_grid
from occupy_core.maps.grid import MapGrid, in_xyz
from occupy_core.maps.writing import write_map
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.output_names import REGION_MASK, SPREAD_MAP

Report = Dict[str, Any]

_ALL = 0.99  # of the particles, but for rounding


def write_comparison(found: ClassComparison, maps: Sequence[MapInput], folder: Path) -> Report:
    """Write the maps of a comparison.

    Parameters
    ----------
    found : ClassComparison
    maps : sequence of MapInput
        Those that were compared.
    folder : Path

    Returns
    -------
    dict
        The comparison as JSON types; "outputs" names the files.
    """
    grid = found.grid
    spread = on_map_grid(found.result.spread, grid.shape, spacing=found.spacing)
    write_map(folder / SPREAD_MAP, spread, grid, label="difference in occupancy between classes")
    del spread  # before the next map of this size is made; so below
    names = [SPREAD_MAP]
    for number, region in enumerate(found.result.regions, start=1):
        names.append(REGION_MASK.format(number))
        mask = soft_mask(region.mask, grid.shape, spacing=found.spacing, voxel_size=grid.voxel_size)
        write_map(folder / names[-1], mask, grid, label=f"mask of region {number}")
        del mask
    return {
        "lowpass_angstrom": found.lowpass,
        "reference": maps[found.result.reference].path,
        "maps": [_map_report(item, factor) for item, factor in zip(maps, found.result.grey_factors)],
        "regions": [
            _region_report(number, item, maps, grid) for number, item in enumerate(found.result.regions, start=1)
        ],
        "outputs": names,
        "warnings": list(found.warnings),
    }


def region_text(region: Report) -> str:
    """A region's part of the report in one line."""
    occupancies = ", ".join(f"{item['name']} {item['median']:.2f}" for item in region["occupancies"])
    everyone = region["occupancy_of_all_particles"]
    x, y, z = region["centre_xyz_angstrom"]
    return (
        f"region {region['number']}: {region['volume_cubic_angstrom']:,.0f} Å^3 at ({x:.0f}, {y:.0f}, {z:.0f}) Å, "
        f"occupancy {occupancies}" + ("" if everyone is None else f"; {everyone:.2f} of all particles")
    )


def comparison_lines(report: Report) -> List[str]:
    """What came out of a comparison, the largest regions first."""
    names = ", ".join(item["name"] for item in report["maps"])
    if not report["regions"]:
        return [f"no region where {names} differ by more than noise explains"]
    return [region_text(region) for region in report["regions"]]


def _map_report(item: MapInput, grey_factor: float) -> Report:
    info = asdict(item.class_info) if item.class_info else {"number": None, "share": None, "particles": None}
    return {"name": item.name, "input": item.path, **info, "grey_factor": grey_factor}


def _region_report(number: int, region: Region, maps: Sequence[MapInput], grid: MapGrid) -> Report:
    return {
        "number": number,
        "mask": REGION_MASK.format(number),
        "volume_cubic_angstrom": region.volume,
        "centre_xyz_angstrom": in_xyz(region.centre, grid),
        "difference": region.spread,
        "occupancy_of_all_particles": _of_all(region, maps),
        "occupancies": [
            {"name": item.name, "lower_quartile": lower, "median": median, "upper_quartile": upper}
            for item, (lower, median, upper) in zip(maps, region.occupancies)
        ],
    }


def _of_all(region: Region, maps: Sequence[MapInput]) -> Optional[float]:
    """The mean of the classes' occupancies, each by its share of the particles; None unless all classes are there."""
    shares = [item.class_info.share if item.class_info else None for item in maps]
    known = [share for share in shares if share is not None]
    if len(known) < len(maps) or not sum(known) > _ALL:
        return None
    return sum(share * median for share, (_, median, _) in zip(known, region.occupancies)) / sum(known)
