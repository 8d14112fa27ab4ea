# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the values of a map file whose header was checked."""

from __future__ import annotations

import contextlib
from typing import Any, BinaryIO, List, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.input_files import open_regular_file
from occupy_core.maps.header import EXPECTED_FORMAT, MapFile, read_unpacked, unpacked, unreadable

_CHUNK = 1 << 24  # bytes read or unpacked at once
# A compressed file may go on this much after the map; more is no padding.
_MOST_TAIL = 1 << 20
# IMOD marks its files with this number, and bytes with signs by the first bit of the flags that follow.
_IMOD_STAMP, _IMOD_STAMP_OFFSET = 1146047817, 152
_SIGNED_BYTES = 1
# A step between neighbouring voxels that only occurs where bytes are read in the wrong way: unsigned values run from
# 127 to what reads -128 with sign, signed ones from -1 to what reads 255 without.
_JUMP = 128


def read_values(file: MapFile) -> Tuple[Volume, List[str]]:
    """Read the values of a map.

    The file is read, not memory-mapped: a memory-mapped file that another program cuts short ends the process, and one
    that it writes again gives values of both versions.

    Parameters
    ----------
    file : MapFile
        From `header.read_header`.

    Returns
    -------
    values : float32 array, 3D
        Contiguous, in the machine's byte order; of no other owner.
    notes : list of str
        How the values were read where the header leaves that open.

    Raises
    ------
    MapError
        If the file ends before the last value, or cannot be unpacked, or goes on long after it.
    """
    notes = []
    with open_regular_file(file.name, expected=EXPECTED_FORMAT, error=MapError) as raw, _closed(raw, file) as content:
        values = _space(file, content)
        _skip(file, content, file.offset)
        _fill(file, content, values.reshape(-1).view(np.uint8))
        if file.compression:
            notes += _check_end(file, content)
    if values.dtype.kind == "i" and values.dtype.itemsize == 1:
        values, note = _with_or_without_sign(file, values)
        notes += note
    if values.dtype == np.dtype(">f4") and not values.dtype.isnative:
        values = values.byteswap(inplace=True).view(np.float32)
    return np.ascontiguousarray(values, dtype=np.float32), notes


@contextlib.contextmanager
def _closed(raw: BinaryIO, file: MapFile) -> Any:
    content = unpacked(raw, file.compression)
    try:
        yield content
    finally:
        content.close()


def _space(file: MapFile, content: BinaryIO) -> NDArray[Any]:
    """Return an array for the values. Where there is no memory for it, the file may not hold so many: look first."""
    try:
        return np.empty(file.shape, dtype=file.dtype)
    except MemoryError:
        _skip(file, content, file.size)
        raise


def _skip(file: MapFile, content: BinaryIO, offset: int) -> None:
    """Go to a byte of the unpacked file."""
    if not file.compression:
        content.seek(offset)
        return
    remaining = offset
    while remaining:
        chunk = read_unpacked(file.name, content, min(_CHUNK, remaining))
        if not chunk:
            raise _cut_short(file, offset - remaining)
        remaining -= len(chunk)


def _fill(file: MapFile, content: BinaryIO, target: NDArray[np.uint8]) -> None:
    """Read the values into an array of bytes."""
    done = 0
    while done < len(target):
        part = target[done : done + _CHUNK]
        if file.compression:
            chunk = read_unpacked(file.name, content, len(part))
            count = len(chunk)
            part[:count] = np.frombuffer(chunk, np.uint8)
        else:
            try:
                count = content.readinto(part.data) or 0  # type: ignore[attr-defined]
            except OSError as error:
                raise unreadable(file.name, error.strerror or str(error)) from error
        if not count:
            raise _cut_short(file, file.offset + done)
        done += count


def _cut_short(file: MapFile, found: int) -> MapError:
    unpacked_text = " when unpacked" if file.compression else ""
    return unreadable(
        file.name, f"found {found} bytes{unpacked_text}, expected {file.size} as its header says: it is cut short"
    )


def _check_end(file: MapFile, content: BinaryIO) -> List[str]:
    """Read to the end of a compressed file, so that its checksum is compared; refuse one that goes on and on."""
    tail = len(read_unpacked(file.name, content, _MOST_TAIL + 1))
    if tail > _MOST_TAIL:
        raise unreadable(
            file.name, f"it goes on for more than {_MOST_TAIL} bytes after the map, expected {file.size} when unpacked"
        )
    return [f"the file is {tail} bytes longer than its header says; the end is not used"] if tail else []


def _with_or_without_sign(file: MapFile, values: NDArray[Any]) -> Tuple[NDArray[Any], List[str]]:
    """Return the values of a map of bytes (mode 0) as signed or unsigned integers, and how they were read.

    The format says signed, but many programs wrote unsigned bytes: IMOD's files say which; in others, bytes are read
    in the way that gives fewer jumps between neighbouring voxels.
    """
    unsigned = values.view(np.uint8)
    stamp, flags = file.header.tobytes()[_IMOD_STAMP_OFFSET:][:4], file.header.tobytes()[_IMOD_STAMP_OFFSET + 4 :][:4]
    order = "little" if file.header.mode.dtype.newbyteorder("<") == file.header.mode.dtype else "big"
    if int.from_bytes(stamp, order) == _IMOD_STAMP:  # type: ignore[arg-type]
        signed = int.from_bytes(flags, order) & _SIGNED_BYTES  # type: ignore[arg-type]
        return (values, []) if signed else (unsigned, [])
    if values.min() >= 0:
        return values, []  # the same in both ways
    if values.max() <= 0:  # as in masks of 0 and 255
        reason = "no voxel would be above 0"
    elif 2 * _jumps(unsigned) < _jumps(values):
        reason = "neighbouring voxels would jump from 127 to -128"
    else:
        return values, []
    return unsigned, [
        f"bytes (mode 0) are read without sign, 0 to 255, since with sign {reason}; if that is wrong, convert the "
        "map to mode 2"
    ]


def _jumps(values: NDArray[Any]) -> int:
    """Count the neighbours along x that differ by more than `_JUMP`."""
    return sum(int(np.count_nonzero(np.abs(np.diff(section.astype(np.int16), axis=1)) > _JUMP)) for section in values)
