# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays kept in temporary files, so that many of them take little memory."""

from __future__ import annotations

import tempfile
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from occupy_core.errors import JobError


class DiskArray:
    """An array kept in a temporary file; the file is removed together with the object.

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
            self._file = tempfile.TemporaryFile()  # noqa: SIM115, stays open as long as the object lives
            weakref.finalize(self, self._file.close)
            self._file.write(np.ascontiguousarray(values).data)
            self._file.flush()
        except OSError as error:
            raise JobError(
                f"{tempfile.gettempdir()}: no temporary file of {values.nbytes / 1e6:.0f} MB could be written there "
                f"({error}); make room, or name another folder in the environment variable TMPDIR"
            ) from error

    def load(self) -> NDArray[Any]:
        """Return a copy of the array in memory."""
        values = np.empty(self._shape, dtype=self._dtype)
        self._file.seek(0)
        self._file.readinto(values.data)
        return values
