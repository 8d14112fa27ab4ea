# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of a map in Scipion, where models are fitted, and the frame of the map's header, which the core reads.

Scipion keeps the origin of a map as an attribute of the object; its viewers place map and model by it. The header of
the file may hold another origin, or none.
"""

from __future__ import annotations

import os
from typing import Any, Mapping, Optional

import mrcfile

from occupy_core.errors import MapError
from occupy_core.maps.grid import MapGrid
from occupy_core.maps.header import read_header
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from occupy_scipion.sources import SourceMap

# Voxels: Scipion puts the centre of the box at half its width, also where that is half a voxel beside the middle voxel.
_TOLERANCE = 0.6


def map_in_project_frame(path: str, source: SourceMap, folder: str) -> str:
    """Return the path of a map in whose header, or by convention, the core finds Scipion's origin.

    Parameters
    ----------
    path : str
        File of the map that the core can read.
    source : SourceMap
        The map.
    folder : str
        Folder for a copy with Scipion's origin in the header, written only if it is needed. The copy keeps the map's
        name, which messages show.
    """
    from occupy_core.modelling.fit.frame import possible_frames  # loads gemmi

    if source.origin is None:
        return path
    try:
        grid = _grid_of(path, source.voxel_size)
        known = [frame.first_voxel for frame in possible_frames(grid)]
        distances = [max(abs(a - b) for a, b in zip(source.origin, first)) for first in known]
        if min(distances) <= _TOLERANCE * grid.voxel_size:
            return path
        density = read_map(path, voxel_size=source.voxel_size)
    except (MapError, ValueError, OSError):  # the core reads the file too, and reports the error
        return path
    target = os.path.join(folder, f"{source.prefix}with_origin", os.path.basename(path).split(".")[0] + ".mrc")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    write_map(target, density.data, density.grid, label="map")
    with mrcfile.open(target, mode="r+", permissive=True) as mrc:
        mrc.header.origin = source.origin
        mrc.nstart = 0
    return target


def frame_note(report: Mapping[str, Any], source: SourceMap) -> str:
    """Return a note if the model does not lie where Scipion places the input map; empty if it does.

    Parameters
    ----------
    report : mapping
        As in report.json.
    source : SourceMap
        The first map of the job.
    """
    if lies_in_project_frame(report, source):
        return ""
    x, y, z = report["model"]["first_voxel_xyz_angstrom"]
    return (
        f"the input model lies in the map by the map's file (frame: {report['model']['frame']}), not where Scipion "
        "places the map. The occupancies are right, and the output model opens in its map. For other protocols that "
        f"take map and model, give the map the origin ({x:.2f}, {y:.2f}, {z:.2f}) Å with the protocol 'assign Orig & "
        "Sampling'"
    )


def lies_in_project_frame(report: Mapping[str, Any], source: SourceMap) -> bool:
    """Return whether the model lies where Scipion places the map; parameters as in `frame_note`."""
    first = report["maps"][0]
    voxel_size = first["voxel_size_angstrom"]
    centre = [-side / 2 * voxel_size for side in first["box_voxels"]]  # of a map without an origin
    places = zip(source.origin or centre, report["model"]["first_voxel_xyz_angstrom"])
    return max(abs(a - b) for a, b in places) <= _TOLERANCE * voxel_size


def _grid_of(path: str, voxel_size: Optional[float]) -> MapGrid:
    """Return the grid of a map from its header alone; the voxel size is Scipion's where it knows one."""
    file = read_header(path)
    return MapGrid(file.shape, voxel_size or float(file.header.cella.x) / max(1, int(file.header.mx)), file.header)
