# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading maps. Only this module and `map_writing` touch map files.

Arrays keep the order of the file (sections, rows, columns; (z, y, x) for the usual axis order) and
are written back in it under the same header geometry, so that every output overlays its input
whatever the header's axis order.
"""

from __future__ import annotations

import math
import mmap
import os
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, List, Optional, Tuple

import mrcfile
import numpy as np
from mrcfile.mrcfile import MrcFile
from numpy.typing import NDArray

from occupy_core.arrays.slabs import extremes
from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.maps.grid import VOXEL_SIZE_TOLERANCE, Header, MapGrid, PathLike

# A voxel size from the project that is this close to the header's is the same number, rounded to float32.
SAME_VOXEL_SIZE = 1e-4
# Sums over the largest boxes must fit single precision, with some digits left for contrast.
_LARGEST, _SMALLEST, _LEAST_CONTRAST = 1e28, 1e-28, 1e-4


@dataclass(frozen=True)
class DensityMap:
    """A map as read.

    Attributes
    ----------
    data : float32 array
        Values on the grid, in the order of the file; finite and not constant.
    grid : MapGrid
    path : str
        The file it came from.
    warnings : tuple of str
        What was odd about the file and how it was taken.
    """

    data: Volume
    grid: MapGrid
    path: str
    warnings: Tuple[str, ...] = ()

    @cached_property
    def limits(self) -> Tuple[np.float32, np.float32]:
        """Lowest and highest value."""
        low, high = extremes(self.data)
        return np.float32(low), np.float32(high)

    def release(self) -> None:
        """Give back the memory of a map that is mapped (`read_map`), until its values are looked at again."""
        found = self.data.base
        while isinstance(found, np.ndarray):
            found = found.base
        if isinstance(found, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            found.madvise(mmap.MADV_DONTNEED)


def read_map(
    path: PathLike, *, voxel_size: Optional[float] = None, mapped: bool = False, threads: int = 1
) -> DensityMap:
    """Read a map (MRC or CCP4, plain or compressed by gzip or bzip2).

    Parameters
    ----------
    path : path
        A 3D map of any real mode. A header that the format's strict reading refuses is taken with
        a warning as long as the data can be read.
    voxel_size : float, optional
        Edge of a voxel in Å, where the project knows it; it overrides the header.
    mapped : bool
        Whether the file is to be mapped, where it can be, instead of copied: it must not be cut while the map is used.
        What is written to the array does not go to the file.
    threads : int
        To look through the values with.

    Raises
    ------
    MapError
        If there is no such file, it is no 3D map, it is truncated, it holds NaN or infinite values
        or one value only, or its voxels are no cubes.
    """
    name = os.fspath(path)
    header, data, notes = _open(name, mapped)
    if data.ndim != 3 or min(data.shape) < 2:
        raise MapError(f"{name}: found an array of shape {data.shape}, expected one 3D map")
    if name.lower().endswith(".mrcs"):
        raise MapError(f"{name}: is a stack of images by its name, expected one 3D map (.mrc or .map)")
    if np.iscomplexobj(data):
        raise MapError(f"{name}: holds complex values (MRC mode {int(header.mode)}), expected a real-space map")
    values = np.ascontiguousarray(data, dtype=np.float32)
    limits = _usable_limits(name, values, threads)
    said = size = _voxel_size(name, header)
    if voxel_size is not None and abs(voxel_size - size) > SAME_VOXEL_SIZE * voxel_size:
        if size > 0:
            notes.append(f"voxel size {voxel_size:.4g} Å taken as given; the file's header says {size:.4g} Å")
        if min(header.mx, header.my, header.mz) <= 0:
            header.mx, header.my, header.mz = header.nx, header.ny, header.nz
        header.cella.x, header.cella.y, header.cella.z = (
            np.float32(voxel_size) * samples for samples in (header.mx, header.my, header.mz)
        )
        size = float(voxel_size)
    if size <= 0:
        raise MapError(
            f"{name}: the header has no voxel size, expected one in Å; set it there or give it (--angpix, or the "
            "project's sampling rate)"
        )
    sections, rows, columns = values.shape
    grid = MapGrid((sections, rows, columns), size, header, said)
    found = DensityMap(values, grid, name, tuple(notes))
    vars(found)["limits"] = limits  # as the property would find them again
    return found


def read_on_grid(path: str, source: DensityMap, what: str) -> DensityMap:
    """Read a mask or another map that must lie on a map's grid.

    Parameters
    ----------
    path : str
    source : DensityMap
    what : str
        For the message: "target mask", "solvent definition".

    Raises
    ------
    MapError
        If it cannot be read, or has another box, voxel size or axis order.
    """
    grid = source.grid
    # Where the map's header was wrong the mask's may be too.
    found = read_map(path, voxel_size=None if grid.header_voxel_size == grid.voxel_size else grid.voxel_size)
    if found.grid.header_voxel_size not in (found.grid.voxel_size, grid.header_voxel_size):
        found = read_map(path)
    difference = grid.difference(found.grid)
    if difference:
        raise MapError(f"{path}: the {what} has {difference}, expected the grid of {source.path}")
    return found


def _open(name: str, mapped: bool) -> Tuple[Header, NDArray[Any], List[str]]:
    if not os.path.exists(name):
        raise MapError(f"{name}: no such file; expected a map in MRC or CCP4 format")
    if os.path.isdir(name):
        raise MapError(f"{name}: is a folder; expected a map in MRC or CCP4 format")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")  # mrcfile and numpy deprecating each other is no news for a user
            warnings.simplefilter("always", RuntimeWarning)  # what mrcfile finds odd in a header
            with mrcfile.open(name, permissive=True, header_only=mapped) as mrc:
                header, data = mrc.header.copy(), _mapped(mrc, name) if mapped else mrc.data
            if mapped and data is None:
                caught.clear()
                with mrcfile.open(name, permissive=True) as mrc:
                    header, data = mrc.header.copy(), mrc.data
    except MemoryError:
        raise
    except Exception as error:  # mrcfile passes on whatever gzip, bz2, zlib and numpy raise
        raise MapError(f"{name}: cannot be read as an MRC or CCP4 map ({error})") from error
    notes = [f"{os.path.basename(name)}: {item.message}" for item in caught]
    if data is None:
        found = "; ".join(str(item.message) for item in caught) or "no data"
        raise MapError(f"{name}: cannot be read as an MRC or CCP4 map ({found})")
    return header, data, notes


def _mapped(mrc: Any, name: str) -> Optional[NDArray[Any]]:
    """The values of an open file of float32 in this machine's order; None where it is another or not plain."""
    header = mrc.header
    if type(mrc) is not MrcFile or int(header.mode) != 2 or not header.mode.dtype.isnative:
        return None
    shape = (int(header.nz), int(header.ny), int(header.nx))
    offset = header.nbytes + int(header.nsymbt)
    if min(shape) < 2 or int(header.nsymbt) < 0 or int(header.ispg) > 1:  # volume stacks have space groups from 401
        return None
    if os.path.getsize(name) != offset + 4 * math.prod(shape):
        return None
    try:
        return np.memmap(name, np.float32, "c", offset, shape)
    except (OSError, ValueError):  # file systems may refuse
        return None


def _usable_limits(name: str, values: Volume, threads: int) -> Tuple[np.float32, np.float32]:
    """The lowest and the highest value, of which neither must be useless."""
    low, high = extremes(values, threads=threads)
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = int(values.size - np.count_nonzero(np.isfinite(values)))
        raise MapError(f"{name}: found {bad} of {values.size} values NaN or infinite, expected numbers only")
    if low == high:
        raise MapError(f"{name}: every voxel is {low:g}, expected a map with density in it")
    largest = max(abs(low), abs(high))
    if not _SMALLEST < largest < _LARGEST or high - low < _LEAST_CONTRAST * largest:
        raise MapError(
            f"{name}: found values from {low:g} to {high:g}, too large, too small or too alike for single precision; "
            "bring the map to a usual grey scale (mean 0, standard deviation 1)"
        )
    return np.float32(low), np.float32(high)


def _voxel_size(name: str, header: Header) -> float:
    """Edge of a voxel in Å from the header; 0 when it has none."""
    cell = np.array([header.cella.x, header.cella.y, header.cella.z], dtype=np.float64)
    samples = np.array([header.mx, header.my, header.mz], dtype=np.float64)
    if not np.all(np.isfinite(cell)) or np.any(cell <= 0) or np.any(samples <= 0):
        return 0.0
    angles = np.array([header.cellb.alpha, header.cellb.beta, header.cellb.gamma], dtype=np.float64)
    if np.any((np.abs(angles - 90) > 0.01) & (angles != 0)):
        shown = ", ".join(f"{angle:g}" for angle in angles)
        raise MapError(f"{name}: cell angles {shown} degrees, expected 90; resample the map on a cubic grid")
    sizes = cell / samples
    if sizes.max() > (1 + VOXEL_SIZE_TOLERANCE) * sizes.min():
        shown = " x ".join(f"{size:.4g}" for size in sizes)
        raise MapError(f"{name}: voxels of {shown} Å, expected cubes (within 1 %); resample the map")
    # The header holds float32: its shortest decimal is the number that was meant, and what the project says.
    return float(str(np.float32(sizes.mean())))
