# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the file of an atomic model before a library reads it into memory. Standard library only."""

from __future__ import annotations

import codecs
import gzip
import os
import re
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
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # what Python makes of bytes that are no UTF-8


def check_model_file(path: str) -> bool:
    """Refuse a file that is no regular file or too large, also when it is unpacked; it is read in small pieces.

    Returns
    -------
    bool
        Whether all of it is text in UTF-8.

    Raises
    ------
    ModelError
        With the size that was found and the size that was expected, or the reason why the file cannot be unpacked.
    """
    with opened_model(path) as file:
        refuse_larger(path, _MAX_BYTES, expected=EXPECTED, error=ModelError)
        packed = os.path.getsize(path)
        is_packed = isinstance(file, gzip.GzipFile)
        most = min(_MAX_BYTES, max(_SMALL, _MOST_BYTES_PER_BYTE * packed)) if is_packed else _MAX_BYTES
        decoder, size, is_text = codecs.getincrementaldecoder("utf-8")(), 0, True
        try:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                size += len(chunk)
                if size > most:
                    raise ModelError(
                        f"{path}: found {packed:,} bytes that unpack to more than {most:,}, expected {EXPECTED} of at "
                        "most as many; check the path, or give the unpacked model"
                    )
                is_text = is_text and _is_utf8(decoder, chunk)
        except (OSError, EOFError, zlib.error) as error:
            raise ModelError(
                f"{path}: cannot be read as an atomic model (it cannot be unpacked: {error}); expected PDB or mmCIF, "
                "whole; copy the file again"
            ) from error
    return is_text and _is_utf8(decoder, b"", final=True)


def is_map(path: str) -> bool:
    """Return whether a file is a map in MRC or CCP4 format, by the word in its header."""
    with opened_model(path) as file:
        return file.read(212)[208:] == b"MAP "


def text_with_question_marks(path: str) -> bytes:
    """Return a model's text with "?" in the place of each byte that is no UTF-8, so that columns stay where they are.

    Such bytes are letters of names in titles and remarks, in Latin-1.

    Raises
    ------
    ModelError
        If an atom has such a byte: its names would be changed.
    """
    lines = []
    with opened_model(path) as file:
        for number, line in enumerate(file, start=1):
            text = line.decode("utf-8", "surrogateescape")
            repaired = _NO_UTF8.sub("?", text)
            if repaired != text and line.startswith((b"ATOM", b"HETATM", b"TER", b"ANISOU")):
                raise ModelError(
                    f"{path}: line {number} has an atom with a letter that is no UTF-8, expected names in UTF-8; "
                    "rename it, and save the file as plain text in UTF-8"
                )
            lines.append(repaired.encode())
    return b"".join(lines)


def _is_utf8(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


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
