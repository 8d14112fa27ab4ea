# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing of map files slab by slab, so that a map need not be in memory as one array."""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import TracebackType
from typing import Dict, Optional, Tuple, Type

import mrcfile
import numpy as np

from occupy_core.arrays.slabs import cache_slabs, for_each
from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.files import open_new
from occupy_core.maps.grid import Header, MapGrid, PathLike
from occupy_core.version import MAP_LABEL, __version__

_GEOMETRY = ("nxstart", "nystart", "nzstart", "mx", "my", "mz", "cella", "cellb", "mapc", "mapr", "maps", "origin")


def write_map(path: PathLike, data: Volume, grid: MapGrid, *, label: str, threads: int = 1) -> None:
    """Write a map as MRC mode 2 (float32), either completely or not at all.

    Parameters
    ----------
    path : path
        An existing file is replaced once the new one is complete.
    data : float32 array, 3D
        Values in the order of the grid's file (sections, rows, columns).
    grid : MapGrid
        Source of the header's box, voxel size, origin, start indices, axis order and earlier labels.
    label : str
        Content of the map, added to the header's labels. No date is written, so that equal jobs write equal bytes.
    threads : int
        Does not change the file.

    Raises
    ------
    MapError
        If `data` does not have the grid's shape.
    OSError
        If the file cannot be written.
    """
    if data.shape != grid.shape:
        raise MapError(
            f"{os.fspath(path)}: found data of shape {data.shape}, expected the grid's shape {grid.shape}; give the "
            "grid of the map that the data belong to"
        )
    with MapWriter(path, grid, label=label) as writer:
        for_each(cache_slabs(data.shape), lambda slab: writer.write_slab(slab, data[slab]), threads=threads)


class MapWriter:
    """Context manager that writes a map slab by slab, in any order, also from several threads.

    The map is written to PATH.partial. When the block ends without an error, this file replaces `path`; otherwise it is
    deleted.

    Parameters
    ----------
    path, grid, label
        As in `write_map`.

    Raises
    ------
    ValueError
        At the end of the block, if the slabs do not add up to the grid's box.
    OSError
        If the file cannot be written.
    """

    def __init__(self, path: PathLike, grid: MapGrid, *, label: str) -> None:
        self._target, self._grid, self._label = Path(path), grid, label
        self._partial = self._target.with_name(self._target.name + ".partial")
        # By first section of a slab: number of values, lowest, highest, sum, sum of squared deviations from their mean.
        self._slab_statistics: Dict[int, Tuple[float, ...]] = {}

    def __enter__(self) -> MapWriter:
        try:
            open_new(self._partial).close()  # mrcfile would write through a link of this name
            self._header = _new_header(self._partial, self._grid, self._label)
            self._file = os.open(self._partial, os.O_WRONLY | os.O_NOFOLLOW)
        except BaseException:
            self._partial.unlink(missing_ok=True)
            raise
        return self

    def write_slab(self, slab: slice, values: Volume) -> None:
        """Write one slab of the map; each slab must be written once.

        Parameters
        ----------
        slab : slice
            Sections of the first axis.
        values : float32 array, 3D

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        contiguous = np.ascontiguousarray(values, dtype=np.float32)
        offset = self._header.nbytes + slab.start * 4 * math.prod(self._grid.shape[1:])
        remaining = contiguous.data.cast("B")
        while remaining:
            written = os.pwrite(self._file, remaining, offset)
            remaining, offset = remaining[written:], offset + written
        deviation = contiguous.astype(np.float64).reshape(-1)
        total = deviation.sum()
        deviation -= total / len(deviation)
        squares = np.einsum("i,i->", deviation, deviation)  # unlike np.dot, einsum does not call BLAS
        self._slab_statistics[slab.start] = (len(deviation), contiguous.min(), contiguous.max(), total, squares)

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        try:
            try:
                if error is None:
                    self._set_header_statistics()
                    os.pwrite(self._file, self._header.tobytes(), 0)
            finally:
                os.close(self._file)
            if error is None:
                os.replace(self._partial, self._target)
        finally:
            self._partial.unlink(missing_ok=True)

    def _set_header_statistics(self) -> None:
        """Set minimum, maximum, mean and standard deviation of the header from the statistics of all slabs."""
        in_order = np.array([self._slab_statistics[start] for start in sorted(self._slab_statistics)])
        sizes, lowest, highest, totals, squares = in_order.T
        if sizes.sum() != math.prod(self._grid.shape):
            raise ValueError(
                f"{self._target}: found {sizes.sum():.0f} values in all slabs, expected {math.prod(self._grid.shape)} "
                f"(grid of shape {self._grid.shape}); write each slab once"
            )
        mean = totals.sum() / sizes.sum()
        between_slabs = (sizes * (totals / sizes - mean) ** 2).sum()
        header = self._header
        header.dmin, header.dmax, header.dmean = lowest.min(), highest.max(), mean
        header.rms = math.sqrt((squares.sum() + between_slabs) / sizes.sum())


def open_written(path: PathLike, shape: Tuple[int, ...]) -> Volume:
    """Return the values of a file written by `MapWriter` or `write_map`.

    The file is memory-mapped read-only, so that the values take no memory of their own, or read if the file system does
    not support memory maps.

    Parameters
    ----------
    path : path
    shape : tuple of int
        Shape of the map (sections, rows, columns).
    """
    offset = mrcfile.dtypes.HEADER_DTYPE.itemsize
    try:
        return np.memmap(path, np.float32, "r", offset, shape)
    except (OSError, ValueError):
        return np.fromfile(path, np.float32, offset=offset).reshape(shape)


def _new_header(path: Path, grid: MapGrid, label: str) -> Header:
    """Create a file with mrcfile and return its header, set to the grid and the labels but without statistics."""
    with mrcfile.new(path, np.zeros((2, 2, 2), dtype=np.float32), overwrite=True) as mrc:
        mrc.set_volume()
        header = mrc.header
        header.nz, header.ny, header.nx = grid.shape
        for field in _GEOMETRY:
            header[field] = grid.header[field]
        labels = [text for text in grid.header.label[: int(grid.header.nlabl)] if text.strip()][:9]
        labels.append(f"{MAP_LABEL}{__version__}: {label}".encode("ascii", "replace")[:80])
        header.label = [*labels, *([b""] * (10 - len(labels)))]
        header.nlabl = len(labels)
        return header.copy()
