# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the maps of a comparison of classes, and make its part of the report.

Only sure regions have a mask.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from occupy_core.comparing.class_warnings import is_in_another_pose
from occupy_core.comparing.compare_maps import ClassComparison
from occupy_core.comparing.comparison import Region
from occupy_core.comparing.describe import one_means
from occupy_core.comparing.difference import SHOWN_SIGMAS, SMOOTHING, SignedDifference
from occupy_core.comparing.occupancies import Interval, weighted_mean
from occupy_core.comparing.poses import Pose
from occupy_core.comparing.region_masks import soft_mask
from occupy_core.comparing.same_molecule import Agreement
from occupy_core.estimate.coarse_grid import interpolate_on_map_grid
from occupy_core.maps.grid import MapGrid, in_xyz
from occupy_core.maps.writing import write_map
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.output_names import DIFFERENCE_MAP, REGION_MASK, SPREAD_MAP

Report = Dict[str, Any]

# Sum of the classes' shares of the particles, from which on no class is missing: rounding leaves it short of 1.
_ALL_PARTICLES = 0.99


def write_comparison(comparison: ClassComparison, maps: Sequence[MapInput], folder: Path) -> Report:
    """Write the spread of the occupancy and the masks of the sure regions.

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
    grid, numbers = comparison.grid, {item.name: item.class_info.number for item in maps if item.class_info}
    spread = interpolate_on_map_grid(comparison.result.spread, grid.shape, spacing=comparison.spacing)
    write_map(folder / SPREAD_MAP, spread, grid, label="difference in occupancy between classes")
    del spread  # frees its memory before the next map of this size is made
    names = [SPREAD_MAP]
    result = comparison.result
    for number, region in enumerate(result.sure_regions, start=1):
        names.append(REGION_MASK.format(number))
        mask = soft_mask(region.mask, grid.shape, spacing=comparison.spacing, voxel_size=grid.voxel_size)
        write_map(folder / names[-1], mask, grid, label=f"mask of region {number}")
        del mask  # frees its memory before the next mask is made
    difference = None
    if comparison.difference is not None:
        names.append(DIFFERENCE_MAP.format(*(numbers[name] for name in comparison.difference.names)))
        difference = _write_difference(comparison.difference, folder / names[-1], comparison)
    reference = maps[result.reference]
    agreements = result.agreements or (Agreement(math.nan, math.nan),) * len(maps)
    return {
        "lowpass_angstrom": comparison.lowpass,
        "focused": comparison.focused,
        "reference": reference.path,
        "one_means": one_means(reference.name, focused=comparison.focused),
        "maps": [_map_report(*values) for values in zip(maps, result.grey_factors, result.poses, agreements)],
        "other_molecules": [item.name for item, value in zip(maps, agreements) if not value.is_of_one_molecule],
        "regions": [_region_report(number, item, maps, grid) for number, item in enumerate(result.regions, start=1)],
        "difference": difference,
        "outputs": names,
        "warnings": list(comparison.warnings),
    }


def _write_difference(difference: SignedDifference, path: Path, comparison: ClassComparison) -> Report:
    """Write the signed difference of two classes on the input grid, and return its part of the report."""
    first, second = difference.names
    values = interpolate_on_map_grid(difference.values.load(), comparison.grid.shape, spacing=comparison.spacing)
    write_map(path, values, comparison.grid, label=f"{first} minus {second}, in sigma")
    return {
        "map": path.name,
        "classes": list(difference.names),
        "sigma": difference.sigma,
        "lowest": float(values.min()),
        "highest": float(values.max()),
        "shown_at_sigmas": SHOWN_SIGMAS,
        "smoothing_angstrom": SMOOTHING,
        "volumes_cubic_angstrom": list(difference.volumes),
    }


def occupancy_of_all_particles(region: Region, maps: Sequence[MapInput]) -> Optional[Interval]:
    """Return the mean occupancy of a region over all particles of a classification.

    Parameters
    ----------
    region : Region
    maps : sequence of MapInput
        The maps that were compared, in the order of the comparison.

    Returns
    -------
    Interval or None
        Mean of the classes' occupancies (0..1), weighted by their shares of the particles, with its 90 % interval; None
        unless all classes of the classification were compared.
    """
    return mean_over_particles(region.occupancies, maps)


def mean_over_particles(occupancies: Sequence[Interval], maps: Sequence[MapInput]) -> Optional[Interval]:
    """Return the mean of the occupancies (0..1) of one part in all classes, weighted by their shares of the particles.

    The result is None unless `maps` are all classes of a classification.
    """
    shares = [item.class_info.share if item.class_info else None for item in maps]
    known = [share for share in shares if share is not None]
    if len(known) < len(maps) or not sum(known) > _ALL_PARTICLES:
        return None
    return weighted_mean(occupancies, known)


def _map_report(item: MapInput, grey_factor: float, pose: Pose, agreement: Agreement) -> Report:
    """Return the report of a map; its signal-to-noise ratios stand in the record of the job."""
    info = asdict(item.class_info) if item.class_info else {"number": None, "share": None, "particles": None}
    info.pop("ssnr", None)
    return {
        "name": item.name,
        "input": item.path,
        **info,
        "grey_factor": grey_factor,
        "rotation_degrees": pose.rotation,
        "shift_angstrom": pose.shift,
        "in_another_pose": is_in_another_pose(pose),
        "correlation": agreement.inside,
    }


def _region_report(number: int, region: Region, maps: Sequence[MapInput], grid: MapGrid) -> Report:
    of_all = occupancy_of_all_particles(region, maps)
    return {
        "number": number,
        "sure": region.is_sure,
        "doubt": region.doubt or None,
        "mask": REGION_MASK.format(number) if region.is_sure else None,
        "volume_cubic_angstrom": region.volume,
        "centre_xyz_angstrom": in_xyz(region.centre, grid),
        **_interval_report("difference", region.difference),
        "sigmas": region.sigmas,
        "flexible": region.is_flexible,
        "moved_with": None if region.moved_with is None else region.moved_with + 1,
        **_interval_report("occupancy_of_all_particles", of_all),
        "occupancies": [
            # Scripts for the first reports read the occupancy as "median".
            {"name": item.name, "low": low, "occupancy": value, "high": high, "median": value}
            for item, (low, value, high) in zip(maps, region.occupancies)
        ],
    }


def _interval_report(name: str, interval: Optional[Interval]) -> Report:
    low, value, high = interval or (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}
