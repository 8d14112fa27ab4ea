# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged map files for tests: random changes of the header, the order of bytes, the length and the packing of a map.

`damaged_maps(seed, numbers)` yields their bytes; `cases(seed, numbers)` writes them, for jobs.
"""

from __future__ import annotations

import bz2
import gzip
import itertools
import struct
import warnings
from pathlib import Path
from typing import Any, Iterable, Iterator, Tuple

import numpy as np

from demo.simulate import phantom
from tests.fuzzing.case import Case, words_of

SIDE = 32
_MODES = {0: "i1", 1: "i2", 2: "f4", 4: "c8", 6: "u2", 12: "f2"}
# Offsets of the words of a header, in bytes.
_INTEGERS = tuple(itertools.chain(range(0, 40, 4), range(64, 76, 4), (88, 92, 108, 152, 156, 220)))
_NUMBERS = tuple(itertools.chain(range(40, 64, 4), range(76, 88, 4), range(196, 208, 4), (216,)))
_ODD_INTEGERS = (0, 1, -1, 2, 3, 5, 7, 16, 31, 33, 64, 101, 127, 128, 401, 1024, 65536, 2**31 - 1, -(2**31), 1146047817)
_ODD_NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.001, 96.0, 160.0, 3e28, 1e-40, np.inf, -np.inf, np.nan)


def map_bytes(values: Any, *, mode: int = 2, order: str = "<", extended: bytes = b"", voxel_size: float = 3.0) -> bytes:
    """Return the bytes of an MRC file; `order` is "<" or ">"."""
    array = np.asarray(values).astype(np.dtype(_MODES[mode]).newbyteorder(order))
    header = bytearray(1024)
    nz, ny, nx = array.shape
    cell = [side * voxel_size for side in (nx, ny, nz)]
    struct.pack_into(f"{order}10i", header, 0, nx, ny, nz, mode, 0, 0, 0, nx, ny, nz)
    struct.pack_into(f"{order}6f3i", header, 40, *cell, 90.0, 90.0, 90.0, 1, 2, 3)
    struct.pack_into(f"{order}2i", header, 88, 1, len(extended))
    header[208:216] = b"MAP " + (b"DD\0\0" if order == "<" else b"\x11\x11\0\0")
    return bytes(header) + extended + array.tobytes()


def cases(seed: int, numbers: Iterable[int]) -> Iterator[Case]:
    """Write one damaged map after another into the current folder; yield the job on it."""
    for name, content in damaged_maps(seed, numbers):
        Path(name).write_bytes(content)
        yield Case(name, words_of("--in_3dref", name))
        Path(name).unlink()


def damaged_maps(seed: int, numbers: Iterable[int]) -> Iterator[Tuple[str, bytes]]:
    """Yield names and bytes of damaged map files; the same for the same seed and number."""
    volume = _volume()
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        mode, order = int(rng.choice([0, 1, 2, 2, 2, 4, 6, 12])), str(rng.choice(["<", "<", "<", ">"]))
        values = volume if mode in (2, 4, 12) else np.round(60 * volume)
        if mode == 6:
            values = values - values.min()
        if rng.random() < 0.1:
            values = _odd_values(rng, values)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # casts of odd values
            content = bytearray(map_bytes(values, mode=mode, order=order, extended=bytes(80 * int(rng.integers(0, 3)))))
        for _ in range(int(rng.integers(0, 4))):
            _damage_header(rng, content, order)
        yield _packed(rng, number, _other_length(rng, bytes(content)))


def _volume() -> Any:
    step = 64 // SIDE
    return phantom().volume[::step, ::step, ::step]


def _odd_values(rng: np.random.Generator, values: Any) -> Any:
    """Return values that no reconstruction has."""
    z, y, x = np.indices(values.shape)
    kinds = (
        np.zeros_like(values),
        np.where((z + y + x) % 2, 1.0, -1.0),
        np.where(z % 2, 1.0, 0.0),
        (values == values.max()) * 1.0,
        -np.abs(values),
        np.where(values == values.max(), np.nan, values),
        values * 1e30,
        values * 1e-30,
        values + 1e7,
        np.round(values),
    )
    return kinds[int(rng.integers(len(kinds)))]


def _damage_header(rng: np.random.Generator, content: bytearray, order: str) -> None:
    kind = rng.random()
    if kind < 0.4:
        struct.pack_into(f"{order}i", content, int(rng.choice(_INTEGERS)), int(rng.choice(_ODD_INTEGERS)))
    elif kind < 0.8:
        struct.pack_into(f"{order}f", content, int(rng.choice(_NUMBERS)), float(rng.choice(_ODD_NUMBERS)))
    elif kind < 0.9:
        content[int(rng.integers(0, 224))] ^= 1 << int(rng.integers(0, 8))
    elif kind < 0.95:
        content[212:216] = bytes(rng.integers(0, 256, 4, dtype=np.uint8))
    else:
        content[208:212] = b"\0\0\0\0"


def _other_length(rng: np.random.Generator, content: bytes) -> bytes:
    kind = rng.random()
    if kind < 0.06:
        return content[: int(rng.integers(0, len(content)))]
    if kind < 0.1:
        return content + bytes(int(rng.integers(1, 5000)))
    return content


def _packed(rng: np.random.Generator, number: int, content: bytes) -> Tuple[str, bytes]:
    kind = rng.random()
    if kind < 0.06:
        packed = bytearray(gzip.compress(content, 1))
        if kind < 0.02:
            packed[int(rng.integers(len(packed)))] ^= 255
        return f"map{number}.mrc.gz", bytes(packed)
    if kind < 0.08:
        return f"map{number}.mrc", bz2.compress(content, 1)
    return f"map{number}.mrc", content
