# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing maps, a slab at a time: what is made slab by slab need never be in memory as a whole."""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import TracebackType
from typing import Dict, Optional, Tuple, Type

import mrcfile
import numpy as np

from occupy_core import __version__
from occupy_core.arrays.slabs import cache_slabs, for_each
from occupy_core.arrays.types import Volume
from occupy_core.maps.grid import Header, MapGrid, PathLike

_GEOMETRY = ("nxstart", "nystart", "nzstart", "mx", "my", "mz", "cella", "cellb", "mapc", "mapr", "maps", "origin")


def write_map(path: PathLike, data: Volume, grid: MapGrid, *, label: str, threads: int = 1) -> None:
    """Write a map on a grid, whole or not at all, as MRC mode 2.

    Parameters
    ----------
    path : path
        A file that is there is replaced, once the new one is complete.
    data : float32 array
        Values in the order of the grid's file.
    grid : MapGrid
        Gives the header's box, voxel size, origin, start and axis order, and the input's labels.
    label : str
        What the map is; added to the header's labels. No date: the same job gives the same bytes.
    threads : int
        The file does not depend on them.

    Raises
    ------
    ValueError
        If `data` does not have the grid's shape.
    OSError
        If the folder cannot be written to.
    """
    if data.shape != grid.shape:
        raise ValueError(f"data of shape {data.shape} for a grid of shape {grid.shape}")
    with MapWriter(path, grid, label=label) as writer:
        for_each(cache_slabs(data.shape), lambda slab: writer.write_slab(slab, data[slab]), threads=threads)


class MapWriter:
    """A map that is written slab by slab, in any order and from several threads; it appears whole or not at all.

    Parameters as of `write_map`. Used as a context manager; where all slabs were put the file is in place at the end.
    """

    def __init__(self, path: PathLike, grid: MapGrid, *, label: str) -> None:
        self._target, self._grid, self._label = Path(path), grid, label
        self._partial = self._target.with_name(self._target.name + ".partial")
        # Of each slab by its first section: how many values, the lowest and the highest, their sum, and the sum of
        # squares about their mean.
        self._found: Dict[int, Tuple[float, ...]] = {}

    def __enter__(self) -> MapWriter:
        try:
            self._header = _header(self._partial, self._grid, self._label)
            self._file = os.open(self._partial, os.O_WRONLY)
        except BaseException:
            self._partial.unlink(missing_ok=True)
            raise
        return self

    def write_slab(self, slab: slice, values: Volume) -> None:
        """Write what belongs into a slab of the first axis.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        given = np.ascontiguousarray(values, dtype=np.float32)
        place = self._header.nbytes + slab.start * 4 * math.prod(self._grid.shape[1:])
        rest = given.data.cast("B")
        while rest:
            done = os.pwrite(self._file, rest, place)
            rest, place = rest[done:], place + done
        deviation = given.astype(np.float64).reshape(-1)
        total = deviation.sum()
        deviation -= total / len(deviation)
        squares = np.einsum("i,i->", deviation, deviation)  # by no BLAS
        self._found[slab.start] = (len(deviation), given.min(), given.max(), total, squares)

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        try:
            try:
                if error is None:
                    self._put_statistics()
                    os.pwrite(self._file, self._header.tobytes(), 0)
            finally:
                os.close(self._file)
            if error is None:
                os.replace(self._partial, self._target)
        finally:
            self._partial.unlink(missing_ok=True)

    def _put_statistics(self) -> None:
        sizes, lowest, highest, totals, squares = np.array([self._found[place] for place in sorted(self._found)]).T
        if sizes.sum() != math.prod(self._grid.shape):
            raise ValueError(f"{self._target}: {sizes.sum():.0f} values for a grid of shape {self._grid.shape}")
        mean = totals.sum() / sizes.sum()
        between = (sizes * (totals / sizes - mean) ** 2).sum()
        header = self._header
        header.dmin, header.dmax, header.dmean = lowest.min(), highest.max(), mean
        header.rms = math.sqrt((squares.sum() + between) / sizes.sum())


def open_written(path: PathLike, shape: Tuple[int, ...]) -> Volume:
    """The values of a file of `MapWriter`, mapped where the file system can: they take no memory of their own."""
    offset = mrcfile.dtypes.HEADER_DTYPE.itemsize
    try:
        return np.memmap(path, np.float32, "r", offset, shape)
    except (OSError, ValueError):
        return np.fromfile(path, np.float32, offset=offset).reshape(shape)


def _header(path: Path, grid: MapGrid, label: str) -> Header:
    """The header of a map without its statistics, made by mrcfile in a file to write the map to."""
    with mrcfile.new(path, np.zeros((2, 2, 2), dtype=np.float32), overwrite=True) as mrc:
        mrc.set_volume()
        header = mrc.header
        header.nz, header.ny, header.nx = grid.shape
        for item in _GEOMETRY:
            header[item] = grid.header[item]
        labels = [text for text in grid.header.label[: int(grid.header.nlabl)] if text.strip()][:9]
        labels.append(f"OccuPy {__version__}: {label}".encode("ascii", "replace")[:80])
        header.label = [*labels, *([b""] * (10 - len(labels)))]
        header.nlabl = len(labels)
        return header.copy()
