# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading of map files. In occupy_core, only this module, with `header` and `values`, and `writing` open map files.

Arrays keep the order of the file (sections, rows, columns; (z, y, x) for the usual axis order). Outputs are written in
this order with the input's header geometry, so that they overlay the input whatever the axis order.
"""

from __future__ import annotations

import os
from functools import partial
from typing import List, Optional

import numpy as np

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.input_files import unchanged_inputs
from occupy_core.maps.density_map import DensityMap, checked_limits, map_from_array
from occupy_core.maps.grid import MapGrid, PathLike
from occupy_core.maps.header import MapFile, read_header
from occupy_core.maps.values import read_values
from occupy_core.maps.voxel_size import grid_of, grid_of_mask


def read_map(
    path: PathLike,
    *,
    voxel_size: Optional[float] = None,
    invert: bool = False,
    releasable: bool = False,
    threads: int = 1,
) -> DensityMap:
    """Read a map (MRC or CCP4, plain or compressed by gzip or bzip2).

    Parameters
    ----------
    path : path
        A 3D map of any real mode. If the header violates the format but the data can be read, the map has a warning.
    voxel_size : float, optional
        Edge of a voxel in Å; overrides the header.
    invert : bool
        Whether to multiply the values by -1.
    releasable : bool
        Whether `DensityMap.release` frees the values, which are then read again when they are used again.
    threads : int
        Threads that check the values.

    Raises
    ------
    MapError
        If the file does not exist or is no regular file, is not a 3D map, is shorter than its header says, holds NaN,
        infinite values, only one value or values that single precision cannot handle, has no voxel size or one that
        no map of a molecule has (and none is given), or if its voxels are not cubes.
    ChangedInputError
        If the file changes while it is read.
    """
    with unchanged_inputs():
        file = read_header(os.fspath(path))
        grid, notes = grid_of(file, voxel_size)
        return _with_values(file, grid, notes, invert=invert, threads=threads, releasable=releasable)


def read_grid(path: PathLike, *, voxel_size: Optional[float] = None) -> MapGrid:
    """Read the grid of a map from its header alone.

    Parameters and errors as in `read_map`, but for those of the values.
    """
    return grid_of(read_header(os.fspath(path)), voxel_size)[0]


def read_on_grid(path: str, source: DensityMap, role: str) -> DensityMap:
    """Read a mask or another map that must lie on the grid of a map.

    Parameters
    ----------
    path : str
        File to read, or the name of one of `source.masks`.
    source : DensityMap
        Map whose grid is required.
    role : str
        Name of the file's role for the error message: "target mask", "solvent definition".

    Raises
    ------
    MapError
        If the file cannot be read, or has another box, voxel size or axis order.
    """
    if path in source.masks:
        mask = map_from_array(source.masks[path], voxel_size=source.grid.voxel_size, name=path)
        _require_grid(mask.grid, path, source.grid, source.path, role)
        return mask
    with unchanged_inputs():
        file = read_header(path)
        grid, notes = grid_of_mask(file, source.grid)
        _require_grid(grid, path, source.grid, source.path, role)
        return _with_values(file, grid, notes)


def check_on_grid(path: str, grid: MapGrid, map_name: str, role: str) -> None:
    """Refuse a mask whose header shows that `read_on_grid` will refuse it.

    Parameters
    ----------
    path : str
    grid : MapGrid
        Grid of the map.
    map_name : str
        Name of the map in messages.
    role : str
        As in `read_on_grid`.

    Raises
    ------
    MapError
        As in `read_on_grid`, but for the errors of the values.
    """
    _require_grid(grid_of_mask(read_header(path), grid)[0], path, grid, map_name, role)


def check_values(path: str, *, threads: int = 1) -> None:
    """Refuse a map or mask whose values `read_map` will refuse.

    Parameters
    ----------
    path : str
        A file whose header was checked, by `read_grid` or `check_on_grid`.
    threads : int
        Threads that check the values.

    Raises
    ------
    MapError
        If the file is shorter than its header says, or holds NaN, infinite values, only one value, or values that
        single precision cannot handle.
    ChangedInputError
        If the file changes while it is read.
    """
    with unchanged_inputs():
        file = read_header(path)
        checked_limits(file.name, read_values(file)[0], threads)


def _require_grid(grid: MapGrid, path: str, wanted: MapGrid, map_name: str, role: str) -> None:
    """Raise MapError unless a mask lies on the grid of a map."""
    difference = wanted.difference(grid)
    if difference:
        raise MapError(
            f"{path}: the {role} has {difference}, expected the grid of {map_name}; resample it on that grid"
        )


def _with_values(
    file: MapFile,
    grid: MapGrid,
    notes: List[str],
    *,
    invert: bool = False,
    threads: int = 1,
    releasable: bool = False,
) -> DensityMap:
    """Read the values of a map whose header was read, and check them."""
    values, value_notes = read_values(file)
    if invert:
        np.negative(values, out=values)
    limits = checked_limits(file.name, values, threads)
    short = os.path.basename(file.name)
    warnings = (*file.warnings, *notes, *(f"{short}: {note}" for note in value_notes))
    reload = partial(_read_again, file, invert) if releasable else None
    result = DensityMap(values, grid, file.name, warnings, reload=reload, is_inverted=invert)
    vars(result)["limits"] = limits  # fills the cached property
    return result


def _read_again(file: MapFile, invert: bool) -> Volume:
    """Read the values of a map again; raise ChangedInputError if the file has changed."""
    with unchanged_inputs():
        values = read_values(file)[0]
        return np.negative(values, out=values) if invert else values
