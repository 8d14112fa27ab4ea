# SPDX-License-Identifier: GPL-3.0-or-later
"""Content of report.json, the machine-readable record of a job."""

from __future__ import annotations

import json
import math
import platform
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

import mrcfile
import numpy
import scipy

from occupy_core.estimate.targets import Target
from occupy_core.files import write_text
from occupy_core.maps.grid import position_of
from occupy_core.process import Result
from occupy_core.reporting.map_summary import scale_histogram, solvent_curves, surface_level
from occupy_core.settings.output_names import PROGRAM
from occupy_core.settings.settings import Settings
from occupy_core.version import CITATION, __version__


def map_report(result: Result, files: Mapping[str, str], prefix: str, name: str, *, threads: int = 1) -> Dict[str, Any]:
    """Return the report of one map as JSON types; numbers that are not finite are not yet replaced (`finite`).

    Parameters
    ----------
    result : Result
        Result of `process_map`.
    files : mapping of str to str
        File name of each output by its kind (keys of `MAP_OUTPUTS`).
    prefix : str
        Prefix of these file names, such as "class001_"; empty for a single map.
    name : str
        Name of the map for users.
    threads : int
        Number of threads; the result does not depend on it.
    """
    grid, solvent = result.source.grid, result.solvent
    return {
        "name": name,
        "input": result.source.path,
        "prefix": prefix,
        "outputs": dict(files),
        "box_voxels": list(reversed(grid.shape)),
        "voxel_size_angstrom": grid.voxel_size,
        "header_voxel_size_angstrom": grid.header_voxel_size,
        "first_voxel_xyz_angstrom": position_of((0, 0, 0), grid),
        "derived": _derived_report(result),
        "reference": _reference_report(result),
        "solvent": {
            "mean": solvent.mean,
            "sigma": solvent.sigma,
            "sigma_near_molecule": solvent.near_sigma,
            "height": solvent.height,
            "confidence_limit": solvent.limit,
            "histogram": solvent_curves(solvent),
        },
        "scale_histogram": scale_histogram(result.scale, result.confidence, threads=threads),
        "surface_level": surface_level(result.source, result.confidence, solvent.limit, threads=threads),
        "variability_limit": result.variability_limit,
        "median_scale": result.median_scale,
        "targets": [target_report(target) for target in result.targets],
        "warnings": list(result.warnings),
    }


def target_report(target: Target) -> Dict[str, Any]:
    """Return the report of one target mask as JSON types."""
    return {
        "mask": target.path,
        "volume_cubic_angstrom": target.volume,
        "occupancy_published": target.published,
        "scale_lower_quartile": target.lower_quartile,
        "scale_median": target.median,
        "scale_upper_quartile": target.upper_quartile,
        "occupancy_interval_90": list(target.interval) if target.interval else None,
    }


def job_report(settings: Settings, maps: List[Dict[str, Any]], failed: Mapping[str, str]) -> Dict[str, Any]:
    """Return the report of a job: program, versions, settings, and the reports of its maps.

    Parameters
    ----------
    settings : Settings
    maps : list of dict
        Report (`map_report`) of each map that did not fail.
    failed : mapping of str to str
        Reason of the failure by path of the map.
    """
    return {
        "program": PROGRAM,
        "version": __version__,
        "citation": CITATION,
        "versions": {
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "scipy": scipy.__version__,
            "mrcfile": mrcfile.__version__,
        },
        "settings": settings.to_dict(),
        "maps": maps,
        "failed": [{"input": path, "reason": reason} for path, reason in failed.items()],
    }


def finite(value: Any) -> Any:
    """Return a copy of JSON types in which NaN and infinity are None, since strict JSON has no such numbers."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON types to a file, indented, with each list of numbers on one line.

    Raises
    ------
    ValueError
        If a number is NaN or infinite; replace such numbers by None first (`finite`).
    """
    write_text(path, _join_number_lists(json.dumps(content, indent=2, allow_nan=False)) + "\n")


def _derived_report(result: Result) -> Dict[str, Any]:
    """Return the parameters that follow from the settings and the map's grid."""
    values = asdict(result.parameters)
    return {
        "mode": values["mode"],
        "box_voxels": list(reversed(values["box"])),
        "voxel_size_angstrom": values["voxel_size"],
        "lowpass_angstrom": values["lowpass"],
        "kernel_size_voxels": values["kernel_size"],
        "kernel_radius_voxels": values["kernel_radius"],
        "kernel_voxels": values["kernel_voxels"],
        "tau": values["tau"],
    }


def _reference_report(result: Result) -> Dict[str, Any]:
    """Return the reference value and the tiles where it and the lowest percentile were found.

    Tiles are in voxels of the working box; the centre and the edge in Å place the highest tile on the input grid.
    """
    grid, reference = result.source.grid, result.reference
    centre, edge = _highest_tile(result)
    return {
        "normalisation": result.settings.normalisation,
        "value": reference.value,
        "zero": reference.zero,
        "spread": reference.spread,
        "tile_size_voxels": reference.tile_size,
        "highest_tile_first_voxel_xyz": list(reversed(reference.highest_tile)),
        "highest_tile_centre_xyz_angstrom": position_of(centre, grid),
        "tile_edge_angstrom": edge * grid.voxel_size,
        "lowest_tile_first_voxel_xyz": list(reversed(reference.lowest_tile)),
    }


def _highest_tile(result: Result) -> Tuple[List[float], float]:
    """Return the centre (z, y, x) and the edge of the reference tile, in voxels of the input grid."""
    boxes = zip(result.source.grid.shape, result.parameters.box)
    factors = [full / computed for full, computed in boxes]
    size = result.reference.tile_size
    centre = [(index + (size - 1) / 2) * factor for index, factor in zip(result.reference.highest_tile, factors)]
    return centre, size * max(factors)


def _join_number_lists(text: str) -> str:
    """Put each list of numbers in indented JSON on one line."""
    # Strings are safe: JSON escapes line breaks in them, so that the pattern cannot match there.
    return re.sub(r"\[\n[-+.,\deE\s]+\]", lambda match: "[" + " ".join(match[0][1:-1].split()) + "]", text)
