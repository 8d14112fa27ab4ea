# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the file of an atomic model before a library reads it into memory. Standard library only."""

from __future__ import annotations

import gzip
import os
import zlib
from contextlib import contextmanager
from typing import IO, Iterator

from occupy_core.errors import ModelError
from occupy_core.input_files import open_regular_file, refuse_larger

EXPECTED = "an atomic model (PDB or mmCIF)"
_MAX_BYTES = 1024**3  # about ten million atoms, at some 100 bytes each in mmCIF
# A packed model is text, which gzip packs to a quarter or a tenth. What unpacks to more than this many bytes for each
# of its own is no model, unless it is small. Ours.
_MOST_BYTES_PER_BYTE, _SMALL = 50, 16 * 1024**2
_CHUNK = 1 << 20  # bytes unpacked at once
_GZIP = b"\x1f\x8b"


def check_model_file(path: str) -> None:
    """Refuse a file that is no regular file or too large, also when it is unpacked; it is unpacked in small pieces.

    Raises
    ------
    ModelError
        With the size that was found and the size that was expected, or the reason why the file cannot be unpacked.
    """
    with opened_model(path) as file:
        refuse_larger(path, _MAX_BYTES, expected=EXPECTED, error=ModelError)
        if not isinstance(file, gzip.GzipFile):
            return
        packed = os.path.getsize(path)
        most = min(_MAX_BYTES, max(_SMALL, _MOST_BYTES_PER_BYTE * packed))
        size = 0
        try:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                size += len(chunk)
                if size > most:
                    raise ModelError(
                        f"{path}: found {packed:,} bytes that unpack to more than {most:,}, expected {EXPECTED} of at "
                        "most as many; check the path, or give the unpacked model"
                    )
        except (OSError, EOFError, zlib.error) as error:
            raise ModelError(
                f"{path}: cannot be read as an atomic model (it cannot be unpacked: {error}); expected PDB or mmCIF, "
                "whole; copy the file again"
            ) from error


@contextmanager
def opened_model(path: str) -> Iterator[IO[bytes]]:
    """Open the file of a model, unpacked by gzip where its content says so."""
    with open_regular_file(path, expected=EXPECTED, error=ModelError) as file:
        is_gzip = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        if not is_gzip:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield unpacked  # type: ignore[misc]
