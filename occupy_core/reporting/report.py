# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine-readable record of a job."""

from __future__ import annotations

import json
import math
import os
import platform
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

import mrcfile
import numpy
import scipy

from occupy_core import __version__
from occupy_core.estimate.targets import Target
from occupy_core.maps.grid import position_of
from occupy_core.process import Result
from occupy_core.reporting.map_summary import scale_histogram, solvent_curves, surface_level
from occupy_core.settings.output_names import PROGRAM
from occupy_core.settings.settings import Settings

CITATION = (
    "Forsberg BO, Shah PNM, Burt A. A robust normalized local filter to estimate compositional heterogeneity "
    "directly from cryo-EM maps. Nature Communications 14 (2023). doi:10.1038/s41467-023-41478-1"
)


def map_report(result: Result, files: Mapping[str, str], prefix: str, name: str, *, threads: int = 1) -> Dict[str, Any]:
    """What is known about one map, as JSON types; `files` are the names of its outputs, which begin with `prefix`."""
    grid, solvent = result.source.grid, result.solvent
    centre, edge = _tile(result)
    return {
        "name": name,
        "input": result.source.path,
        "prefix": prefix,
        "outputs": dict(files),
        "box_voxels": list(reversed(grid.shape)),
        "voxel_size_angstrom": grid.voxel_size,
        "header_voxel_size_angstrom": grid.header_voxel_size,
        "first_voxel_xyz_angstrom": position_of((0, 0, 0), grid),
        "derived": _derived(result),
        "reference": {
            "normalisation": result.settings.normalisation,
            "value": result.reference.value,
            "zero": result.reference.zero,
            "spread": result.reference.spread,
            "tile_size_voxels": result.reference.tile_size,
            "highest_tile_first_voxel_xyz": list(reversed(result.reference.highest_tile)),
            "highest_tile_centre_xyz_angstrom": position_of(centre, grid),
            "tile_edge_angstrom": edge * grid.voxel_size,
            "lowest_tile_first_voxel_xyz": list(reversed(result.reference.lowest_tile)),
        },
        "solvent": {
            "mean": solvent.mean,
            "sigma": solvent.sigma,
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
    """What is known about one target mask, as JSON types."""
    return {
        "mask": target.path,
        "volume_cubic_angstrom": target.volume,
        "occupancy_published": target.published,
        "scale_lower_quartile": target.lower_quartile,
        "scale_median": target.median,
        "scale_upper_quartile": target.upper_quartile,
        "occupancy_interval_90": list(target.interval) if target.interval else None,
    }


def target_text(target: Mapping[str, Any]) -> str:
    """A target's part of the report in one line."""
    name = os.path.basename(target["mask"])
    quartiles = f"quartiles {target['scale_lower_quartile']:.2f} to {target['scale_upper_quartile']:.2f}"
    if target["occupancy_interval_90"] is None:
        published = target["occupancy_published"]
        text = f"median scale {target['scale_median']:.2f} ({quartiles})"
        return f"{name}: {text}" + ("" if published is None else f", target occupancy as published {published:.2f}")
    low, high = target["occupancy_interval_90"]
    return f"{name}: occupancy {target['scale_median']:.2f} (90 % interval {low:.2f} to {high:.2f}; {quartiles})"


def job_report(settings: Settings, maps: List[Dict[str, Any]], failed: Mapping[str, str]) -> Dict[str, Any]:
    """The record of a job: settings, versions, and a report for each map; `failed` gives a reason for each input."""
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


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, a list of numbers in one line; what is not a number must be null (`finite`)."""
    path.write_text(_compact(json.dumps(content, indent=2, allow_nan=False)) + "\n", encoding="utf-8")


def _derived(result: Result) -> Dict[str, Any]:
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


def _tile(result: Result) -> Tuple[List[float], float]:
    """Centre and edge of the reference tile, in voxels of the input, along the array's axes."""
    boxes = zip(result.source.grid.shape, result.parameters.box)
    factors = [full / computed for full, computed in boxes]
    size = result.reference.tile_size
    centre = [(place + (size - 1) / 2) * factor for place, factor in zip(result.reference.highest_tile, factors)]
    return centre, size * max(factors)


def _compact(text: str) -> str:
    # A line break stands in no JSON string.
    return re.sub(r"\[\n[-+.,\deE\s]+\]", lambda found: "[" + " ".join(found[0][1:-1].split()) + "]", text)


def finite(value: Any) -> Any:
    """The same JSON types with null for what is not a number, so that any reader takes it."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
