# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading of map files. In occupy_core, only this module and `writing` open map files.

Arrays keep the order of the file (sections, rows, columns; (z, y, x) for the usual axis order). Outputs are written in
this order with the input's header geometry, so that they overlay the input whatever the axis order.
"""

from __future__ import annotations

import math
import os
import warnings
from typing import Any, List, Optional, Tuple

import mrcfile
import numpy as np
from mrcfile.mrcfile import MrcFile
from numpy.typing import NDArray

from occupy_core.errors import MapError
from occupy_core.maps.density_map import DensityMap, checked_limits, map_from_array
from occupy_core.maps.grid import VOXEL_SIZE_TOLERANCE, Header, MapGrid, PathLike

# Largest relative difference between a given voxel size and the header's that is only rounding to float32.
_VOXEL_SIZE_ROUNDING = 1e-4
_EXPECTED_FORMAT = "expected a map in MRC or CCP4 format"


def read_map(
    path: PathLike, *, voxel_size: Optional[float] = None, mapped: bool = False, threads: int = 1
) -> DensityMap:
    """Read a map (MRC or CCP4, plain or compressed by gzip or bzip2).

    Parameters
    ----------
    path : path
        A 3D map of any real mode. If the header violates the format but the data can be read, the map has a warning.
    voxel_size : float, optional
        Edge of a voxel in Å; overrides the header.
    mapped : bool
        Memory-map the file if possible, instead of copying it. The file must not be truncated while the map is in use.
        Values written to the array do not reach the file.
    threads : int
        Threads that check the values.

    Raises
    ------
    MapError
        If the file does not exist, is not a 3D map, is truncated, holds NaN, infinite values, only one value or values
        that single precision cannot handle, has no voxel size (and none is given), or if its voxels are not cubes.
    """
    name = os.fspath(path)
    header, data, notes = _read_file(name, mapped)
    _check_volume(name, header, data)
    values = np.ascontiguousarray(data, dtype=np.float32)
    limits = checked_limits(name, values, threads)
    size = header_size = _header_voxel_size(name, header)
    if voxel_size is not None and abs(voxel_size - header_size) > _VOXEL_SIZE_ROUNDING * voxel_size:
        if header_size > 0:
            notes.append(
                f"{os.path.basename(name)}: the given voxel size of {voxel_size:.4g} Å is used; "
                f"the file's header says {header_size:.4g} Å"
            )
        _set_header_voxel_size(header, voxel_size)
        size = float(voxel_size)
    if size <= 0:
        raise MapError(
            f"{name}: found no voxel size in the header, expected one in Å; set it there or give it (--angpix, "
            "the project's sampling rate, or voxel_size in Python)"
        )
    sections, rows, columns = values.shape
    grid = MapGrid((sections, rows, columns), size, header, header_size)
    result = DensityMap(values, grid, name, tuple(notes))
    vars(result)["limits"] = limits  # fills the cached property
    return result


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
        return _on_grid(mask, source, role)
    grid = source.grid
    # A voxel size that overrides the map's header holds for the mask too, if both headers have the same wrong value.
    result = read_map(path, voxel_size=None if grid.header_voxel_size == grid.voxel_size else grid.voxel_size)
    if result.grid.header_voxel_size not in (result.grid.voxel_size, grid.header_voxel_size):
        result = read_map(path)
    return _on_grid(result, source, role)


def _on_grid(mask: DensityMap, source: DensityMap, role: str) -> DensityMap:
    """Return a mask that lies on the grid of a map, or raise MapError."""
    difference = source.grid.difference(mask.grid)
    if difference:
        raise MapError(
            f"{mask.path}: the {role} has {difference}, expected the grid of {source.path}; resample it on that grid"
        )
    return mask


def _read_file(name: str, mapped: bool) -> Tuple[Header, NDArray[Any], List[str]]:
    """Return header, values and warnings of a map file, or raise MapError."""
    if not os.path.exists(name):
        raise MapError(f"{name}: no such file, {_EXPECTED_FORMAT}; check the path")
    if os.path.isdir(name):
        raise MapError(f"{name}: is a folder, {_EXPECTED_FORMAT}; give a file in the folder")
    try:
        header, data, problems = _open_with_mrcfile(name, mapped)
        if mapped and data is None:
            header, data, problems = _open_with_mrcfile(name, mapped=False)
    except MemoryError:
        raise
    except Exception as error:  # mrcfile passes on all errors of gzip, bz2, zlib and numpy
        raise _unreadable(name, str(error)) from error
    if data is None:
        raise _unreadable(name, "; ".join(problems) or "no data")
    return header, data, [f"{os.path.basename(name)}: {problem}" for problem in problems]


def _unreadable(name: str, reason: str) -> MapError:
    return MapError(
        f"{name}: cannot be read as an MRC or CCP4 map ({reason}); copy the file again or write it again with the "
        "program that made it"
    )


def _open_with_mrcfile(name: str, mapped: bool) -> Tuple[Header, Optional[NDArray[Any]], List[str]]:
    """Return header, values and problems of a map file.

    Values are None if the file has no usable data or, with `mapped`, if it cannot be memory-mapped.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")  # deprecations in mrcfile and numpy do not concern the user
        warnings.simplefilter("always", RuntimeWarning)  # mrcfile's warnings about the file
        with mrcfile.open(name, permissive=True, header_only=mapped) as mrc:
            header = mrc.header.copy()
            data = _memory_map(mrc, name) if mapped else mrc.data
    return header, data, [str(item.message) for item in caught]


def _memory_map(mrc: Any, name: str) -> Optional[NDArray[Any]]:
    """Memory-map the values of an open file, copied on write; return None if that is not possible.

    Possible for one uncompressed volume of float32 in the machine's byte order, in a file of the right size.
    """
    header = mrc.header
    if type(mrc) is not MrcFile or int(header.mode) != 2 or not header.mode.dtype.isnative:
        return None
    shape = (int(header.nz), int(header.ny), int(header.nx))
    offset = header.nbytes + int(header.nsymbt)
    if min(shape) < 2 or int(header.nsymbt) < 0 or int(header.ispg) > 1:  # stacks of volumes: 401 and above
        return None
    if os.path.getsize(name) != offset + 4 * math.prod(shape):
        return None
    try:
        return np.memmap(name, np.float32, "c", offset, shape)
    except (OSError, ValueError):  # some file systems do not support memory maps
        return None


def _check_volume(name: str, header: Header, data: NDArray[Any]) -> None:
    """Raise MapError unless the data are one real-valued 3D map."""
    if data.ndim != 3 or min(data.shape) < 2:
        raise MapError(
            f"{name}: found an array of shape {data.shape}, expected one 3D map; give a file that holds one volume"
        )
    if name.lower().endswith(".mrcs"):
        raise MapError(
            f"{name}: the name is that of a stack of images, expected one 3D map; give a .mrc or .map file, or rename "
            "the file if it holds one volume"
        )
    if np.iscomplexobj(data):
        raise MapError(
            f"{name}: found complex values (MRC mode {int(header.mode)}), expected a real-space map; give the map "
            "before its Fourier transform"
        )


def _header_voxel_size(name: str, header: Header) -> float:
    """Return the edge of a voxel in Å from the header; 0 if it has none. Raise MapError if voxels are not cubes."""
    cell = np.array([header.cella.x, header.cella.y, header.cella.z], dtype=np.float64)
    samples = np.array([header.mx, header.my, header.mz], dtype=np.float64)
    if not np.all(np.isfinite(cell)) or np.any(cell <= 0) or np.any(samples <= 0):
        return 0.0
    angles = np.array([header.cellb.alpha, header.cellb.beta, header.cellb.gamma], dtype=np.float64)
    if np.any((np.abs(angles - 90) > 0.01) & (angles != 0)):
        angles_text = ", ".join(f"{angle:g}" for angle in angles)
        raise MapError(
            f"{name}: found cell angles {angles_text} degrees, expected 90; resample the map on a cubic grid"
        )
    sizes = cell / samples
    if sizes.max() > (1 + VOXEL_SIZE_TOLERANCE) * sizes.min():
        sizes_text = " x ".join(f"{size:.4g}" for size in sizes)
        raise MapError(
            f"{name}: found voxels of {sizes_text} Å, expected cubes (within 1 %); resample the map on a cubic grid"
        )
    # Headers hold float32: the shortest decimal number that rounds to it is the intended one, as in the project.
    return float(str(np.float32(sizes.mean())))


def _set_header_voxel_size(header: Header, voxel_size: float) -> None:
    """Set the cell of a header from a voxel size in Å. If the header has no numbers of samples, take the box."""
    if min(header.mx, header.my, header.mz) <= 0:
        header.mx, header.my, header.mz = header.nx, header.ny, header.nz
    header.cella.x, header.cella.y, header.cella.z = (
        np.float32(voxel_size) * samples for samples in (header.mx, header.my, header.mz)
    )
