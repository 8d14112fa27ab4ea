# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays kept in one temporary file, so that many of them take little memory and a single open file."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
import weakref
from typing import Any, ClassVar, Dict, List, Optional

import numpy as np
from numpy.typing import NDArray

from occupy_core.errors import JobError


class DiskArray:
    """An array kept in a temporary file.

    All arrays of a process share one file. The space of an array that is no longer used is given to the next array of
    its size, and the file is removed together with the last array.

    Parameters
    ----------
    values : array
        Any shape and type. The file holds a copy.

    Raises
    ------
    JobError
        If the temporary file cannot be written.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._shape, self._dtype = values.shape, values.dtype
        # Not memory-mapped: pages read through a mapping count as memory of the process.
        try:
            self._file = _SharedFile.current()
            self._offset = self._file.write(np.ascontiguousarray(values))
        except OSError as error:
            raise JobError(_no_room_text(values.nbytes, error)) from error
        weakref.finalize(self, self._file.free, values.nbytes, self._offset).atexit = False

    def load(self) -> NDArray[Any]:
        """Return a copy of the array in memory."""
        values = np.empty(self._shape, dtype=self._dtype)
        self._file.read(values, self._offset)
        return values


class _SharedFile:
    """The temporary file of all arrays of a process; exists as long as one of them does."""

    _newest: ClassVar[Optional[weakref.ref[_SharedFile]]] = None
    _choosing: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._process = os.getpid()
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115, stays open as long as the object lives
        weakref.finalize(self, self._file.close)
        self._moving = threading.Lock()
        self._end = 0
        self._free: Dict[int, List[int]] = {}  # offsets of unused places, by size

    @classmethod
    def current(cls) -> _SharedFile:
        """Return the file of this process; a new one after a fork, or when the last one is gone."""
        with cls._choosing:
            newest = None if cls._newest is None else cls._newest()
            if newest is None or newest._process != os.getpid():
                newest = cls()
                cls._newest = weakref.ref(newest)
            return newest

    def write(self, values: NDArray[Any]) -> int:
        """Write a contiguous array to an unused place, and return the place's offset."""
        with self._moving:
            unused = self._free.get(values.nbytes)
            offset = unused.pop() if unused else self._end
            self._file.seek(offset)
            remaining = _bytes_of(values)
            while remaining:
                remaining = remaining[self._file.write(remaining) :]
            self._end = max(self._end, offset + values.nbytes)
        return offset

    def read(self, values: NDArray[Any], offset: int) -> None:
        """Fill a contiguous array with the bytes at an offset."""
        with self._moving:
            self._file.seek(offset)
            remaining = _bytes_of(values)
            while remaining:
                remaining = remaining[self._file.readinto(remaining) :]

    def free(self, size: int, offset: int) -> None:
        """Allow the next array of this size to take a place. Takes no lock: garbage is collected at any moment."""
        self._free.setdefault(size, []).append(offset)


def _bytes_of(values: NDArray[Any]) -> memoryview:
    return values.reshape(-1).view(np.uint8).data


def _no_room_text(size: int, error: OSError) -> str:
    """Return the message that an array of this size, in bytes, could not be written."""
    # `tempfile.gettempdir` raises the same error where no folder can be written.
    folder = tempfile.tempdir or os.environ.get("TMPDIR", "/tmp")
    way_out = "make room, or name another folder in the environment variable TMPDIR"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        way_out = "raise the limit of open files (ulimit -n)"
    return (
        f"{folder}: no temporary file of {size / 1e6:.2g} MB could be written there "
        f"({error.strerror or error}), expected room for the data of each map; {way_out}"
    )
