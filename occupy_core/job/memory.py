# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of a process that runs a job. Standard library only."""

from __future__ import annotations

import ctypes

# Numbers of parameters in glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 32 << 20  # bytes, the largest value that glibc takes


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory for the next array instead of returning it to the system.

    A job makes thousands of arrays of a few sections, one after the other. The system clears the memory of each array
    that it hands out, which takes a sixth of a job's time. Arrays of more than 32 MiB are still returned. Does nothing
    where the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_MMAP_THRESHOLD, _KEPT)
    mallopt(_TRIM_THRESHOLD, _KEPT)
