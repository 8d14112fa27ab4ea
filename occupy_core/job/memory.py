# SPDX-License-Identifier: GPL-3.0-or-later
"""How a process of its own, such as a job is, deals with memory. Standard library only."""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 32 << 20  # bytes, the most that glibc takes


def keep_freed_memory() -> None:
    """Let this process use freed memory again instead of giving every array back to the system at once.

    A job has thousands of arrays as large as a few sections of a map, one after the other; the system clears the
    memory of each anew, which takes a sixth of the time. Whole maps still come and go. Nothing where the C library is
    not glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_MMAP_THRESHOLD, _KEPT)
    mallopt(_TRIM_THRESHOLD, _KEPT)
