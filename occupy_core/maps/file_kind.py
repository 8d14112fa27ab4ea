# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the kind of a file that is no MRC map, from its first bytes. Standard library only."""

from __future__ import annotations

import math
import re
import struct
from typing import Optional, Tuple

# A file's kind, and what a user should do who gave it as a map.
Kind = Tuple[str, str]

_CONVERT = "convert it to MRC first"
_GIVE_MAP = "give a map instead"
_UNPACK = "unpack it first"
# First bytes of files by kind.
_SIGNATURES: Tuple[Tuple[bytes, Kind], ...] = (
    (b"\x89HDF\r\n\x1a\n", ("an HDF5 file", _CONVERT)),
    (b"\x93NUMPY", ("a numpy array (.npy)", f"{_CONVERT}, for instance with mrcfile.write")),
    (b"PK\x03\x04", ("a zip archive or a numpy .npz file", _UNPACK)),
    (b"II*\x00", ("a TIFF image", _CONVERT)),
    (b"MM\x00*", ("a TIFF image", _CONVERT)),
    (b"II+\x00", ("a TIFF image", _CONVERT)),
    (b"MM\x00+", ("a TIFF image", _CONVERT)),
    (b"\x89PNG\r\n\x1a\n", ("a PNG image", _GIVE_MAP)),
    (b"\xff\xd8\xff", ("a JPEG image", _GIVE_MAP)),
    (b"GIF8", ("a GIF image", _GIVE_MAP)),
    (b"%PDF", ("a PDF document", _GIVE_MAP)),
    (b"%!PS", ("a PostScript document", _GIVE_MAP)),
    (b"\xfd7zXZ\x00", ("a file compressed by xz", _UNPACK)),
    (b"\x28\xb5\x2f\xfd", ("a file compressed by zstd", _UNPACK)),
    (b"\x1f\x9d", ("a file compressed by compress (.Z)", _UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", ("a 7z archive", _UNPACK)),
    (b"\x1f\x8b", ("a file compressed by gzip twice", _UNPACK)),
    (b"BZh", ("a file compressed by bzip2 twice", _UNPACK)),
    (b"MTZ ", ("a file of reflections (MTZ)", "compute a map from it first")),
    (b"NRRD", ("an NRRD volume", _CONVERT)),
    (b"\x7fELF", ("a program", _GIVE_MAP)),
    (b"SQLite format 3\x00", ("an SQLite database", "give a map that it names")),
)
# Beginnings of text files, searched in the first bytes.
_TEXTS: Tuple[Tuple[str, Kind], ...] = (
    (r"\Aversion https://git-lfs", ("a pointer of Git LFS to a file elsewhere", "fetch the file with: git lfs pull")),
    (r"(?i)\A\s*<(!doctype html|html)", ("a web page, perhaps the error of a download", "download the map again")),
    (r"(?m)^_(atom_site|entry\.id|entity|struct)", ("an mmCIF file", "give an atomic model with the setting model")),
    (r"(?m)^data_\S*\s*$[^$]*^_(rln|occupy)", ("a STAR file", "give a map that it names, or the classes")),
    (r"(?m)\A\s*#.*STAR|^(loop_|data_\S*)\s*$", ("a STAR or CIF file", "give a map that it names")),
    (
        r"(?m)^(ATOM  |HETATM|CRYST1|HEADER |REMARK |MODEL  |TITLE  )",
        ("a PDB file", "give an atomic model with the setting model"),
    ),
    (r"\A\s*[{\[]", ("a JSON file", "give a report with the setting settings, a map as the map")),
)
# Bytes of a value by the data type of the EM format.
_EM_BYTES = {1: 1, 2: 2, 4: 4, 5: 4, 8: 8, 9: 8}


def file_kind(start: bytes, size: Optional[int] = None) -> Optional[Kind]:
    """Return the kind of a file that is no MRC map, in words, and the way out; None if it is not known.

    Parameters
    ----------
    start : bytes
        The first bytes of the file, up to about 1000.
    size : int, optional
        Size of the file in bytes.
    """
    for signature, kind in _SIGNATURES:
        if start.startswith(signature):
            return kind
    if start[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    if _is_spider(start):
        return "a SPIDER volume", _CONVERT
    if _is_em(start, size):
        return "an EM file (.em)", _CONVERT
    if start[:3] == b"\0\0\0" and start[3:4] in (b"\3", b"\4"):
        return f"a file of DigitalMicrograph (.dm{start[3]})", _CONVERT
    return _text_kind(start)


def _text_kind(start: bytes) -> Optional[Kind]:
    text = start.decode("utf-8", errors="ignore")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = start.decode("utf-16", errors="ignore")
    # A few bytes may be of another encoding, but none of a binary file's.
    if not text.strip() or re.search(r"[\x00-\x08\x0e-\x1a\x7f]", text) or len(text) < 0.7 * len(start.rstrip(b"\0")):
        return None
    for pattern, kind in _TEXTS:
        if re.search(pattern, text):
            return kind
    return "a text file", _GIVE_MAP


def _is_spider(start: bytes) -> bool:
    """Whether a file has the header of SPIDER: numbers as float32, with sizes in bytes that agree."""
    if len(start) < 100:
        return False
    for order in "<>":
        words = struct.unpack(f"{order}25f", start[:100])
        columns, records, label_bytes, record_bytes = words[11], words[12], words[21], words[22]
        if (
            1 <= columns < 1e5
            and record_bytes == 4 * columns
            and records >= 1
            and label_bytes == records * record_bytes
            and words[4] in (1, 3, -11, -12, -21, -22)
        ):
            return True
    return False


def _is_em(start: bytes, size: Optional[int]) -> bool:
    """Whether a file has the header of 512 bytes of the EM format and the size that it says."""
    if len(start) < 16 or size is None or start[0] not in (0, 1, 2, 3, 5, 6) or start[3] not in _EM_BYTES:
        return False
    for order in "<>":
        sides = struct.unpack(f"{order}3i", start[4:16])
        if min(sides) > 0 and size == 512 + math.prod(sides) * _EM_BYTES[start[3]]:
            return True
    return False
