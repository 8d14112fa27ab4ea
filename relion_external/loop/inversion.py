# SPDX-License-Identifier: GPL-3.0-or-later
"""Let RELION's own program invert the Fourier sums, and check the map that it writes.

By itself that program does two things otherwise than relion_refine: it regularises the shells of the lowest frequencies
too, and it always does the gridding that RELION 4 and 5 leave out. Both are undone here, so that the map is that of
relion_refine.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import struct
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Optional, Type

from occupy_core.errors import JobError
from relion_external.failure import cause_of_signal
from relion_external.loop.request import GENERAL, RESULT, Request
from relion_files.iteration import Reconstruction
from relion_files.star import Table, read_star, to_number
from relion_files.star_writer import Rows, write_star

INVERSION = "relion_external_reconstruct"
# Fields of an MRC header: columns, rows and sections; the mode behind them.
_SIDES, _MODE = struct.Struct("<3i"), struct.Struct("<i")
_HEADER_BYTES, _EXTENDED = 1024, slice(92, 96)
_CELL, _CELL_OFFSET = struct.Struct("<3f"), 40  # sides of the box, Å
_FLOAT32 = 2  # mode of an MRC file
# So much signal in a shell is as good as no regularisation.
_TAU2, _MUCH_SIGNAL = "external_reconstruct_tau2", "1e+20"
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_NO_PROGRAM = (
    f"{INVERSION} was not found on the PATH, expected RELION's program that inverts the Fourier sums; add RELION's "
    "folder of programs to the PATH of this machine"
)


def raw_map(root: str) -> str:
    """Return the path of the map of a class as it was reconstructed, before it was weighted."""
    return f"{root}_occupy_raw.mrc"


class Inversion:
    """RELION's program for one class: it runs while the caller does other work in the `with` block.

    Parameters
    ----------
    request : Request

    Notes
    -----
    A signal that asks to end (SIGTERM, SIGINT, SIGHUP) ends RELION's program at once; then `finish`, or the end of the
    block, raises KeyboardInterrupt. The handler itself raises nothing: an exception that comes while a process starts,
    or in the middle of an import, may be lost. Signals that are ignored stay so.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._star, self._partial = f"{request.root}_occupy_inversion.star", f"{request.root}_occupy_partial.mrc"
        self._process: Optional[subprocess.Popen[str]] = None
        self._handlers: Dict[int, Any] = {}
        self._is_ended = False
        self._started = 0.0
        self.seconds = 0.0  # how long it ran, once it is finished

    def __enter__(self) -> Inversion:
        for number in _ENDING_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._end)
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], *_: object) -> None:
        self._kill()
        for left in (self._star, self._partial):
            with suppress(OSError):
                Path(left).unlink(missing_ok=True)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._is_ended and kind is None:
            raise KeyboardInterrupt

    def _end(self, *_: object) -> None:
        self._is_ended = True
        self._kill()

    def _kill(self) -> None:
        """End RELION's program and all that it has started, if it runs."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def start(self, usual: Reconstruction) -> None:
        """Start RELION's program.

        Parameters
        ----------
        usual : Reconstruction
            How relion_refine itself would make the map.

        Raises
        ------
        JobError
            If the program or an array is not found.
        StarError
            If the STAR file of the request cannot be read.
        OSError
            If the folder cannot be written to.
        """
        request = self._request
        # Without this line RELION would take what an earlier run left, if this program were killed.
        for stale in (request.result, request.result_star, raw_map(request.root), self._partial):
            if stale:
                Path(stale).unlink(missing_ok=True)
        for path in request.arrays:
            _require_complete(path)
        if shutil.which(INVERSION) is None:
            raise JobError(_NO_PROGRAM)
        _write_inversion_star(request.star, self._star, self._partial, usual.free_shells)
        self._started = time.monotonic()
        # A session of its own: RELION's program may be a script that starts it, and all of it is to be ended.
        self._process = subprocess.Popen(
            [INVERSION, self._star, *(["--skip_gridding"] if usual.skips_gridding else [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        if self._is_ended:  # while it was started
            self._kill()

    def finish(self, voxel_size: Optional[float] = None) -> str:
        """Wait for the program, check the map, put it in place, and return its path (`raw_map`).

        Parameters
        ----------
        voxel_size : float, optional
            Å; written into the map's header, which has none after RELION 3.1.

        Raises
        ------
        JobError
            If the program fails, or writes no map of the box of the request.
        OSError
            If the map cannot be put in place.
        KeyboardInterrupt
            If a signal has asked to end.
        """
        request, process = self._request, self._process
        assert process is not None
        printed, _ = process.communicate()
        if self._is_ended:
            raise KeyboardInterrupt
        self.seconds = time.monotonic() - self._started
        status = process.returncode
        if status:
            raise JobError(f"{request.name}: {INVERSION} {_ending_text(status, printed)}")
        problem = map_problem(self._partial, request.box, request.dimensions)
        if problem:
            raise JobError(f"{request.name}: {INVERSION} wrote {problem}; RELION would go on with a wrong map")
        if voxel_size is not None:
            with open(self._partial, "r+b") as file:
                file.seek(_CELL_OFFSET)
                file.write(_CELL.pack(*(side * voxel_size for side in (request.box,) * 3)))
        os.replace(self._partial, raw_map(request.root))
        return raw_map(request.root)


def _write_inversion_star(request: str, path: str, result: str, free_shells: int) -> None:
    """Write the STAR file for RELION's program: that of the request, but for the map's name and the lowest shells."""
    tables = read_star(request)
    values = {label: column[0] for label, column in tables[GENERAL].columns.items() if column}
    shells: Dict[str, Rows] = {_TAU2: _with_free_shells(tables[_TAU2], free_shells)} if _TAU2 in tables else {}
    write_star(Path(path), {GENERAL: {**values, RESULT: result}, **shells})


def _with_free_shells(table: Table, free_shells: int) -> Rows:
    """Return the power of the signal by shells, with so much in the lowest ones that these are not regularised."""
    index = [to_number(text) for text in table.columns.get("rlnSpectralIndex", ())]
    columns = dict(table.columns)
    if len(index) == len(columns.get("rlnReferenceTau2", ())):
        columns["rlnReferenceTau2"] = [
            text if shell is None or shell >= free_shells else _MUCH_SIGNAL
            for shell, text in zip(index, columns["rlnReferenceTau2"])
        ]
    return list(columns), list(zip(*columns.values()))


def map_problem(path: str, box: int, dimensions: int = 3) -> str:
    """Return what is wrong with a map: no file, another box, a file cut short, NaN; empty if nothing is.

    Parameters
    ----------
    path : str
    box : int
        Expected side, voxels.
    dimensions : int
        3 for a map, 2 for an image.
    """
    try:
        header = _complete_header(path)
    except JobError as error:
        return str(error)
    found, expected = _SIDES.unpack_from(header), (box, box, box if dimensions == 3 else 1)
    if found != expected:
        return f"a box of {' x '.join(map(str, found))} voxels, expected {' x '.join(map(str, expected))}"
    with open(path, "rb") as file:
        file.seek(_HEADER_BYTES + int.from_bytes(header[_EXTENDED], "little"))
        highest = file.read()[3::4]  # of each value, the byte with its sign and the most of its exponent
    return "a map of values that are no numbers (NaN, infinite)" if b"\x7f" in highest or b"\xff" in highest else ""


def _require_complete(path: str) -> None:
    """Refuse an array of the request that is missing or cut short: RELION's program reads it all the same."""
    try:
        _complete_header(path)
    except JobError as error:
        raise JobError(f"{path}: found {error}, expected an array of relion_refine; continue the run") from error


def _complete_header(path: str) -> bytes:
    """Return the header of an MRC file of float32 values; raise JobError, with what it is, unless it is complete."""
    try:
        with open(path, "rb") as file:
            header, size = file.read(_HEADER_BYTES), os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise JobError("no map") from None
    if len(header) < _HEADER_BYTES:
        raise JobError(f"a file of {size} bytes, too short for a map")
    (mode,) = _MODE.unpack_from(header, _SIDES.size)
    needed = _HEADER_BYTES + int.from_bytes(header[_EXTENDED], "little") + 4 * math.prod(_SIDES.unpack_from(header))
    if mode != _FLOAT32 or size < needed:
        raise JobError(f"{size} bytes of mode {mode}, expected {needed} of mode {_FLOAT32}: cut short (a full disk?)")
    return header


def _ending_text(status: int, printed: str) -> str:
    """Say how the program ended, with the last line that it printed about it."""
    if status < 0:
        return f"was killed by signal {-status}{cause_of_signal(-status)}"
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    reasons = [line for line in lines if not line.startswith(("==", "/", INVERSION)) and line != "ERROR:"]
    return f"ended with exit code {status} ({reasons[-1] if reasons else 'without a word'})"
