# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the maps of a comparison of classes, and make its part of the report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from occupy_core.comparing.compare_maps import ClassComparison
from occupy_core.comparing.comparison import Region
from occupy_core.comparing.region_masks import soft_mask
from occupy_core.estimate.coarse_grid import interpolate_on_map_grid
from occupy_core.maps.grid import MapGrid, in_xyz
from occupy_core.maps.writing import write_map
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.output_names import REGION_MASK, SPREAD_MAP

Report = Dict[str, Any]

# Sum of the classes' shares of the particles, from which on no class is missing: rounding leaves it short of 1.
_ALL_PARTICLES = 0.99


def write_comparison(comparison: ClassComparison, maps: Sequence[MapInput], folder: Path) -> Report:
    """Write the spread of the occupancy and the masks of the regions.

    Parameters
    ----------
    comparison : ClassComparison
    maps : sequence of MapInput
        The maps that were compared, in the order of the comparison.
    folder : Path
        Where to write.

    Returns
    -------
    dict
        The comparison's part of report.json; "outputs" names the files.
    """
    grid = comparison.grid
    spread = interpolate_on_map_grid(comparison.result.spread, grid.shape, spacing=comparison.spacing)
    write_map(folder / SPREAD_MAP, spread, grid, label="difference in occupancy between classes")
    del spread  # frees its memory before the next map of this size is made
    names = [SPREAD_MAP]
    for number, region in enumerate(comparison.result.regions, start=1):
        names.append(REGION_MASK.format(number))
        mask = soft_mask(region.mask, grid.shape, spacing=comparison.spacing, voxel_size=grid.voxel_size)
        write_map(folder / names[-1], mask, grid, label=f"mask of region {number}")
        del mask  # frees its memory before the next mask is made
    return {
        "lowpass_angstrom": comparison.lowpass,
        "reference": maps[comparison.result.reference].path,
        "maps": [_map_report(item, factor) for item, factor in zip(maps, comparison.result.grey_factors)],
        "regions": [
            _region_report(number, item, maps, grid) for number, item in enumerate(comparison.result.regions, start=1)
        ],
        "outputs": names,
        "warnings": list(comparison.warnings),
    }


def region_text(region: Report) -> str:
    """Describe a region in one line.

    Parameters
    ----------
    region : dict
        An item of "regions" in the comparison's part of report.json.
    """
    occupancies = ", ".join(f"{item['name']} {item['median']:.2f}" for item in region["occupancies"])
    of_all_particles = region["occupancy_of_all_particles"]
    x, y, z = region["centre_xyz_angstrom"]
    return (
        f"region {region['number']}: {region['volume_cubic_angstrom']:,.0f} Å^3 at ({x:.0f}, {y:.0f}, {z:.0f}) Å, "
        f"occupancy {occupancies}" + ("" if of_all_particles is None else f"; {of_all_particles:.2f} of all particles")
    )


def comparison_lines(report: Report) -> List[str]:
    """Describe a comparison: one line for each region, in the order of the report, or a line that there is none.

    Parameters
    ----------
    report : dict
        The comparison's part of report.json.
    """
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
        "occupancy_of_all_particles": occupancy_of_all_particles(region, maps),
        "occupancies": [
            {"name": item.name, "lower_quartile": lower, "median": median, "upper_quartile": upper}
            for item, (lower, median, upper) in zip(maps, region.occupancies)
        ],
    }


def occupancy_of_all_particles(region: Region, maps: Sequence[MapInput]) -> Optional[float]:
    """Return the mean occupancy of a region over all particles of a classification.

    Parameters
    ----------
    region : Region
    maps : sequence of MapInput
        The maps that were compared, in the order of the comparison.

    Returns
    -------
    float or None
        Mean of the classes' occupancies (0..1), weighted by their shares of the particles; None unless all classes of
        the classification were compared.
    """
    shares = [item.class_info.share if item.class_info else None for item in maps]
    known = [share for share in shares if share is not None]
    if len(known) < len(maps) or not sum(known) > _ALL_PARTICLES:
        return None
    return sum(share * median for share, (_, median, _) in zip(known, region.occupancies)) / sum(known)
