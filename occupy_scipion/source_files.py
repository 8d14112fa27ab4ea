# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a project's maps: their boxes and values, and copies in a format that the core can read."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import suppress
from typing import Optional, Tuple

import mrcfile
import numpy as np
from pwem.emlib.image import ImageHandler

from occupy_core.errors import MapError
from occupy_core.input_files import open_regular_file
from occupy_core.maps.grid import VOXEL_SIZE_TOLERANCE
from occupy_core.maps.header import EXPECTED_FORMAT, read_header
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from occupy_scipion.sources import SourceMap, removed_text

logger = logging.getLogger(__name__)

_MRC_SUFFIXES = (".mrc", ".map", ".ccp4", ".rec")
_COMPRESSED = (".gz", ".bz2")


def box_of(source: SourceMap) -> Tuple[int, int, int]:
    """Return the map's box (z, y, x), voxels, from the header alone.

    Raises
    ------
    MapError
        If the file does not exist or its header cannot be read.
    """
    if not os.path.exists(source.path):
        raise MapError(removed_text(source.path))
    try:
        if core_can_read(source):
            return read_header(source.path).shape
        x, y, z, _ = ImageHandler().getDimensions(source.location)
        return int(z), int(y), int(x)
    except MapError:
        raise
    except Exception as error:  # Scipion's library raises errors of many kinds
        raise MapError(f"{source.path}: cannot be read as a map ({error})") from error


def readable_map(source: SourceMap, folder: str) -> str:
    """Return the path of a file that the core can read: the map's own, or an MRC copy of the map in `folder`."""
    if core_can_read(source) or not os.path.exists(source.path):
        return source.path
    stem = os.path.splitext(os.path.basename(source.path))[0]
    target = os.path.join(folder, f"{source.prefix}{stem}{source.index or ''}.mrc")
    try:
        with suppress(FileNotFoundError):
            os.unlink(target)  # Scipion's converter would write through a link of this name
        ImageHandler().convert(source.location, target)
        with mrcfile.open(target, mode="r+", permissive=True) as mrc:
            # Scipion's converter always writes a voxel size of 1 Å.
            mrc.voxel_size = source.voxel_size or 0
    except Exception as error:  # the core then reports the original file and its problem
        logger.warning("%s: not converted to MRC (%s)", source.path, error)
        return source.path
    return target


def readable_mask(source: SourceMap, folder: str) -> str:
    """Return the path of a mask's file that the core can read and whose header has the project's voxel size.

    The core compares the grids of map and mask, which it reads from the headers.

    Parameters
    ----------
    source : SourceMap
        The mask.
    folder : str
        Folder for a copy, used for this mask alone: the copy keeps the mask's name, which messages show. Created if
        needed.
    """
    os.makedirs(folder, exist_ok=True)
    path = readable_map(source, folder)
    try:
        header = read_header(path).header
        header_size = float(header.cella.x) / max(1, int(header.mx))
        if not source.voxel_size or abs(header_size - source.voxel_size) <= VOXEL_SIZE_TOLERANCE * source.voxel_size:
            return path
        mask = read_map(path, voxel_size=source.voxel_size)
    except (MapError, ValueError, OSError):  # the core reads the file too, and reports the error
        return path
    target = os.path.join(folder, os.path.splitext(os.path.basename(path))[0] + ".mrc")
    write_map(target, mask.data, mask.grid, label="mask")
    return target


def voxels_of(source: SourceMap, output: Optional[str] = None) -> np.ndarray:
    """Return the values of a map, or of one of its outputs, for display, as an array (z, y, x).

    An uncompressed MRC file is memory-mapped.

    Parameters
    ----------
    source : SourceMap
        The map.
    output : str, optional
        Path of an output on the map's grid, to be read instead.

    Raises
    ------
    MapError
        If the file cannot be read, or if the output has another box than the map.
    """
    path = output or source.path
    if not os.path.exists(path):
        raise MapError(f"{path}: was removed since the run; run the protocol again" if output else removed_text(path))
    try:
        if output or core_can_read(source):
            if path.lower().endswith(_COMPRESSED):
                return read_map(path, voxel_size=source.voxel_size or 1.0).data
            read_header(path)  # raises MapError for a file that is not what its header says
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                voxels = mrcfile.mmap(path, mode="r", permissive=True).data
        else:
            voxels = ImageHandler().read(source.location).getData()
    except (OSError, ValueError, RuntimeError) as error:
        raise MapError(f"{path}: cannot be read as a map ({error})") from error
    if output and voxels.shape != box_of(source):
        raise MapError(f"{source.path}: its box has changed since the run; run the protocol again")
    return voxels


def core_can_read(source: SourceMap) -> bool:
    """Return whether the core can open the map's file without conversion."""
    if source.index:
        return False
    name = source.path.lower()
    if name.endswith(_MRC_SUFFIXES) or name.endswith(_COMPRESSED):
        return True
    try:
        with open_regular_file(source.path, expected=EXPECTED_FORMAT, error=MapError) as file:
            file.seek(208)
            return file.read(4) == b"MAP "
    except (OSError, MapError):
        return True  # the core reports what is wrong
