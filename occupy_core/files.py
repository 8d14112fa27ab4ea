# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are what their names say: new files that follow no link, and texts of regular files only."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import IO, Union

MAX_TEXT_BYTES = 256 * 1024**2  # of a report or record; a report of one map has about 10 kB

PathLike = Union[str, "os.PathLike[str]"]


def open_new(path: PathLike) -> IO[bytes]:
    """Open a new, empty file for writing. A file or a link of this name is removed first; a link's target stays.

    Raises
    ------
    OSError
        If the file cannot be made, for instance because a folder has this name.
    """
    with suppress(FileNotFoundError):
        os.unlink(path)
    return open(path, "xb")  # noqa: SIM115


def write_text(path: PathLike, text: str) -> None:
    """Write a text, in UTF-8, to a new file (`open_new`)."""
    with open_new(path) as file:
        file.write(text.encode("utf-8"))


def read_text(path: PathLike) -> str:
    """Read a text that this program wrote, in UTF-8; inputs are read with `input_files.read_input_text`.

    A pipe or a device, whose reading may never end, is an error.

    Raises
    ------
    OSError
        If the file cannot be read, is not a regular file, or is larger than `MAX_TEXT_BYTES`.
    ValueError
        If it is no UTF-8.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", os.fspath(path))
        if os.fstat(file.fileno()).st_size > MAX_TEXT_BYTES:
            raise OSError(errno.EINVAL, f"has more than {MAX_TEXT_BYTES:,} bytes", os.fspath(path))
        return file.read().decode("utf-8")
