# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays out of memory."""

from __future__ import annotations

import tempfile
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from occupy_core.errors import JobError


class DiskArray:
    """An array in a temporary file, so that of many only those in use take memory; the file goes with the object.

    Raises
    ------
    JobError
        If it cannot be written.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._shape, self._dtype = values.shape, values.dtype
        # Never mapped into memory: what is read of a mapped file counts as memory of the process.
        try:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115, it stays open as long as the object lives
            weakref.finalize(self, self._file.close)
            self._file.write(np.ascontiguousarray(values).data)
            self._file.flush()
        except OSError as error:
            raise JobError(
                f"{tempfile.gettempdir()}: no temporary file of {values.nbytes / 1e6:.0f} MB could be written there "
                f"({error}); make room, or name another folder in the environment variable TMPDIR"
            ) from error

    def load(self) -> NDArray[Any]:
        """A copy in memory."""
        values = np.empty(self._shape, dtype=self._dtype)
        self._file.seek(0)
        self._file.readinto(values.data)
        return values
