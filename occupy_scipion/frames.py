# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of a map in Scipion, where models are fitted, and the frame of the map's header, which the core reads.

Scipion keeps the origin of a map as an attribute of the object; its viewers place map and model by it. The header of
the file may hold another origin, or none.
"""

from __future__ import annotations

import os
import re
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import mrcfile

from occupy_core.errors import MapError
from occupy_core.maps.grid import MapGrid
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from occupy_core.reporting.chimerax import session_commands
from occupy_scipion.sources import SourceMap, read_header

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
    from occupy_core.modelling.frame import possible_frames  # loads gemmi

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


def model_commands(report: Mapping[str, Any], output_dir: str, *, shown: int) -> str:
    """Return commands for ChimeraX that open the maps and the model, with the model moved into the frame of the maps.

    Parameters
    ----------
    report : mapping
        As in report.json.
    output_dir : str
        Output folder, in which the commands will be.
    shown : int
        Index of the map that is shown.
    """
    text = session_commands(report, output_dir, shown=shown)
    found = re.search(r"^# #(\d+): the fitted model.*\n(open .*\n)", text, re.MULTILINE)
    shift = _shift_into_header_frame(report)
    if found is None or shift is None:
        return text
    moves = [
        f"move {axis} {distance:.3f} coordinateSystem #1 models #{found.group(1)}\n"
        for axis, distance in zip("xyz", shift)
    ]
    return text[: found.end()] + "".join(moves) + text[found.end() :]


def frame_warning(report: Mapping[str, Any], source: SourceMap) -> str:
    """Return a warning if Scipion's viewers will show the model beside the map; empty if they show it in the map.

    Parameters
    ----------
    report : mapping
        As in report.json.
    source : SourceMap
        The first map of the job.
    """
    frames = _frames(report)
    if not frames:
        return ""
    grid, frame = frames[0], _frame_of_model(report, frames[1])
    centre = [-side / 2 * grid.voxel_size for side in reversed(grid.shape)]  # of a map without an origin
    apart = max(abs(a - b) for a, b in zip(source.origin or centre, frame.first_voxel))
    if apart <= _TOLERANCE * grid.voxel_size:
        return ""
    x, y, z = frame.first_voxel
    return (
        f"the model does not lie where Scipion places the map (its frame: {frame.name}), so Scipion's viewers show it "
        f"beside the map; to see it in the map, give the map the origin ({x:.2f}, {y:.2f}, {z:.2f}) Å with the "
        "protocol 'assign Orig & Sampling'"
    )


def _shift_into_header_frame(report: Mapping[str, Any]) -> Optional[List[float]]:
    """Return the shift (x, y, z) in Å from the model's frame to that of the headers; None if they are the same."""
    frames = _frames(report)
    if not frames:
        return None
    of_headers, of_model = frames[1][0], _frame_of_model(report, frames[1])
    if of_model == of_headers:
        return None
    return [shown - own for shown, own in zip(of_headers.first_voxel, of_model.first_voxel)]


def _frames(report: Mapping[str, Any]) -> Any:
    """Return the grid of a job's first map, and the frames that a model of it may lie in; empty if it is gone."""
    from occupy_core.modelling.frame import possible_frames

    first = report["maps"][0]
    try:
        grid = _grid_of(first["input"], first["voxel_size_angstrom"])
    except (ValueError, OSError):
        return ()
    return grid, possible_frames(grid)


def _frame_of_model(report: Mapping[str, Any], frames: Sequence[Any]) -> Any:
    """Return the frame in which the model was found."""
    return next((frame for frame in frames if frame.name == report["model"]["frame"]), frames[0])


def _grid_of(path: str, voxel_size: Optional[float]) -> MapGrid:
    """Return the grid of a map from its header alone; the voxel size is Scipion's where it knows one."""
    header = read_header(path)
    shape: Tuple[int, int, int] = (int(header.nz), int(header.ny), int(header.nx))
    return MapGrid(shape, voxel_size or float(header.cella.x) / max(1, int(header.mx)), header)
