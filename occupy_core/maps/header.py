# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the header of a map file and check that the file is what its header says, before memory is taken for it."""

from __future__ import annotations

import bz2
import gzip
import io
import math
import os
import warnings
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO, List, NoReturn, Optional, Tuple

import numpy as np
from mrcfile.constants import MAP_ID, MAP_ID_OFFSET_BYTES
from mrcfile.dtypes import HEADER_DTYPE
from mrcfile.mrcinterpreter import MrcInterpreter
from mrcfile.utils import data_dtype_from_header, spacegroup_is_volume_stack

from occupy_core.errors import MapError
from occupy_core.input_files import open_regular_file
from occupy_core.maps.file_kind import file_kind
from occupy_core.maps.grid import Header

EXPECTED_FORMAT = "a map in MRC or CCP4 format"
_COPY_AGAIN = "copy the file again or write it again with the program that made it"
_HEADER_BYTES = HEADER_DTYPE.itemsize
_EXTENDED_HEADER_SIZE = slice(92, 96)  # the bytes of nsymbt
# Most bytes that one byte of a compressed file can stand for.
_MOST_BYTES_PER_BYTE = {"gzip": 1032, "bzip2": 1 << 21}
_OTHER_MODES = {
    3: "complex 16-bit integers (mode 3), expected real values; give the map before its Fourier transform",
    4: "complex values (mode 4), expected real values; give the map before its Fourier transform",
    16: "colours (mode 16), expected a map; give the map itself",
    101: "4-bit values (mode 101), expected mode 0, 1, 2, 6 or 12; convert the map to mode 2 first",
}


@dataclass(frozen=True)
class MapFile:
    """A map file whose header agrees with its size.

    Attributes
    ----------
    name : str
    header : numpy record
        Header in the byte order of the file; geometry that no program could use is replaced by its default.
    shape : three int
        Sections, rows, columns.
    compression : str
        "gzip", "bzip2" or empty.
    warnings : tuple of str
        What is odd about the header, and how it was handled.
    """

    name: str
    header: Header
    shape: Tuple[int, int, int]
    compression: str
    warnings: Tuple[str, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values in the file."""
        return data_dtype_from_header(self.header)

    @property
    def offset(self) -> int:
        """Bytes before the values, in the unpacked file."""
        return _HEADER_BYTES + int(self.header.nsymbt)

    @property
    def size(self) -> int:
        """Bytes up to the last value, in the unpacked file."""
        return self.offset + self.dtype.itemsize * math.prod(self.shape)


def read_header(name: str) -> MapFile:
    """Read the header of a map file.

    Parameters
    ----------
    name : str
        MRC or CCP4, plain or compressed by gzip or bzip2, which its content tells, whatever its name.

    Raises
    ------
    MapError
        If the file does not exist or is no regular file, is of another kind, holds no real 3D map, or is shorter than
        its header says.
    ChangedInputError
        If the file has changed since it was opened first (`occupy_core.input_files`).
    """
    with open_regular_file(name, expected=EXPECTED_FORMAT, error=MapError) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(_HEADER_BYTES)
        compression = compression_of(start)
        unpacked_size: Optional[int] = size
        if compression:
            unpacked_size = None
            file.seek(0)
            start = read_unpacked(name, unpacked(file, compression), _HEADER_BYTES)
    if len(start) < _HEADER_BYTES:
        _refuse(name, start, unpacked_size, f"found {len(start)} bytes, fewer than a header has")
    header, notes = _parse(start)
    problem = _problem(header, unpacked_size, size * _MOST_BYTES_PER_BYTE.get(compression, 1))
    if problem:
        swapped = header.view(header.dtype.newbyteorder())
        if unpacked_size is None or _problem(swapped, unpacked_size, size):
            _refuse(name, start, unpacked_size, problem)
        header = swapped
        notes.append("the header does not name the byte order of the file, which is told from the size of the box")
    end = _HEADER_BYTES + int(header.nsymbt) + _data_bytes(header)
    if unpacked_size is not None and unpacked_size > end:
        notes.append(f"the file is {unpacked_size - end} bytes longer than its header says; the end is not used")
    notes += _mend_geometry(header)
    shape = (int(header.nz), int(header.ny), int(header.nx))
    _check_is_one_volume(name, header, shape)
    short = os.path.basename(name)
    return MapFile(name, header, shape, compression, tuple(f"{short}: {note}" for note in notes))


def compression_of(start: bytes) -> str:
    """Return the compression of a file, "gzip" or "bzip2", from its first bytes; empty if there is none."""
    if start[MAP_ID_OFFSET_BYTES:][: len(MAP_ID)] == MAP_ID:
        return ""  # a map whose box happens to look like the first bytes of a compressed file
    return "gzip" if start.startswith(b"\x1f\x8b") else "bzip2" if start.startswith(b"BZh") else ""


def unpacked(file: BinaryIO, compression: str) -> BinaryIO:
    """Return the unpacked content of an open file as a file."""
    if not compression:
        return file
    return gzip.GzipFile(fileobj=file) if compression == "gzip" else bz2.BZ2File(file)  # type: ignore[return-value]


def read_unpacked(name: str, file: BinaryIO, count: int) -> bytes:
    """Read up to `count` bytes of a file that may be compressed; raise MapError if it cannot be unpacked."""
    try:
        return file.read(count)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        is_other = isinstance(error, gzip.BadGzipFile) and str(error).startswith("Not a gzipped file")
        reason = "something else follows the data that gzip packed" if is_other else str(error)
        raise unreadable(name, reason) from error


def unreadable(name: str, reason: str, way_out: str = _COPY_AGAIN) -> MapError:
    """Return the error that a file cannot be read as a map."""
    return MapError(f"{name}: cannot be read as an MRC or CCP4 map ({reason}); {way_out}")


def _refuse(name: str, start: bytes, size: Optional[int], problem: str) -> NoReturn:
    """Raise the error for a file that is no map: by the kind of the file, or else by the problem of its header."""
    kind = None if start[MAP_ID_OFFSET_BYTES:][:3] == MAP_ID[:3] else file_kind(start, size)
    if kind is None:
        raise unreadable(name, problem)
    raise unreadable(name, f"it is {kind[0]}, expected {EXPECTED_FORMAT}", kind[1])


def _parse(start: bytes) -> Tuple[Header, List[str]]:
    """Return the header and its problems. The extended header is not read, and its size not believed, by mrcfile."""
    raw = bytearray(start)
    raw[_EXTENDED_HEADER_SIZE] = bytes(4)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")  # deprecations in mrcfile and numpy do not concern the user
        warnings.simplefilter("always", RuntimeWarning)  # mrcfile's warnings about the file
        header = MrcInterpreter(io.BytesIO(bytes(raw)), permissive=True, header_only=True).header.copy()
    order = "little" if header.nsymbt.dtype.newbyteorder("<") == header.nsymbt.dtype else "big"
    header.nsymbt = int.from_bytes(start[_EXTENDED_HEADER_SIZE], order, signed=True)  # type: ignore[arg-type]
    return header, [str(item.message) for item in caught]


def _data_bytes(header: Header) -> int:
    return data_dtype_from_header(header).itemsize * int(header.nx) * int(header.ny) * int(header.nz)


def _problem(header: Header, size: Optional[int], most: int) -> str:
    """Return why a file cannot hold what its header says; empty if it can.

    `size` is the size of the unpacked file in bytes, None if it is not known, and `most` an upper limit.
    """
    mode = int(header.mode)
    sides = [int(header[name]) for name in ("nx", "ny", "nz")]
    if min(sides) <= 0:
        return f"its header says a box of {' x '.join(map(str, sides))} voxels, expected positive sides"
    if mode in _OTHER_MODES and mode != 4:
        return f"it holds {_OTHER_MODES[mode]}"
    try:
        data = _data_bytes(header)
    except ValueError:
        return f"its header says mode {mode}, expected 0, 1, 2, 6 or 12"
    extended = int(header.nsymbt)
    if extended < 0 or _HEADER_BYTES + extended > most:
        return f"its header says {extended} bytes of extended header, more than the file holds"
    expected = _HEADER_BYTES + extended + data
    if expected > most:
        found = f"{size} bytes" if size is not None else f"at most {most} bytes when unpacked"
        return (
            f"found {found}, expected {expected} for the box of {' x '.join(map(str, sides))} voxels that its header "
            "says: the file is cut short, or is no map"
        )
    return ""


def _check_is_one_volume(name: str, header: Header, shape: Tuple[int, int, int]) -> None:
    """Raise MapError unless a file holds one real-valued 3D map."""
    if spacegroup_is_volume_stack(int(header.ispg)):
        raise MapError(
            f"{name}: found a stack of volumes (ISPG {int(header.ispg)}), expected one 3D map; give a file that holds "
            "one volume"
        )
    if min(shape) < 2:
        shape_text = f"({shape[1]}, {shape[2]})" if shape[0] == 1 else str(shape)
        raise MapError(
            f"{name}: found an array of shape {shape_text}, expected one 3D map; give a file that holds one volume"
        )
    if name.lower().endswith(".mrcs"):
        raise MapError(
            f"{name}: the name is that of a stack of images, expected one 3D map; give a .mrc or .map file, or rename "
            "the file if it holds one volume"
        )
    if int(header.mode) == 4:
        raise MapError(f"{name}: found {_OTHER_MODES[4]}")


def _mend_geometry(header: Header) -> List[str]:
    """Replace what no program could use in a header by its default; return what was replaced, in words."""
    notes = []
    axes = [int(header[name]) for name in ("mapc", "mapr", "maps")]
    if sorted(axes) != [1, 2, 3]:
        header.mapc, header.mapr, header.maps = 1, 2, 3
        if any(axes):  # programs that do not know the axis order leave zeros
            notes.append(f"the header says the axis order {axes}, expected 1, 2 and 3 once each; 1, 2, 3 is used")
    origin = [float(header.origin[axis]) for axis in "xyz"]
    if not all(math.isfinite(value) for value in origin):
        header.origin.x = header.origin.y = header.origin.z = 0
        notes.append(f"the header says the origin {_numbers(origin)}, expected numbers in Å; 0, 0, 0 is used")
    angles = [float(header.cellb[angle]) for angle in ("alpha", "beta", "gamma")]
    if not all(math.isfinite(value) for value in angles):
        header.cellb.alpha = header.cellb.beta = header.cellb.gamma = 90
        notes.append(f"the header says cell angles of {_numbers(angles)} degrees; 90 is used")
    header.nlabl = min(max(int(header.nlabl), 0), 10)
    return notes


def _numbers(values: List[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
