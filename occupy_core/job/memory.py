# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of a process that runs a job. Standard library only."""

from __future__ import annotations

import ctypes
import threading

# Numbers of parameters in glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MOST_ARENAS = -1, -3, -8
_KEPT = 32 << 20  # bytes, the largest value that glibc takes
_PATIENCE = 10.0  # seconds; a small product takes no time


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory for the next array instead of returning it to the system.

    A job makes thousands of arrays of a few sections, one after the other. The system clears the memory of each array
    that it hands out, which takes a sixth of a job's time. Arrays of more than 32 MiB are still returned. All threads
    share one arena, so that what one has freed serves the others. Does nothing where the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_MMAP_THRESHOLD, _KEPT)
    mallopt(_TRIM_THRESHOLD, _KEPT)
    mallopt(_MOST_ARENAS, 1)


def return_freed_memory() -> None:
    """Tell glibc to return all freed memory to the system: after work that took much more than what follows.

    Does nothing where the C library is not glibc.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return


def claim_blas_buffer() -> None:
    """Let the library for products of matrices take now the memory that it works in.

    OpenBLAS takes a buffer of 32 MB when it is first called, and keeps it. Where the system gives none, it tries again
    without end: a job under a limit of memory would hang in the middle.

    Raises
    ------
    MemoryError
        If the buffer cannot be had.
    RuntimeError
        If no thread can be started.
    """
    import numpy as np

    matrix = np.ones((3, 3))
    # A thread that never ends does not keep the process from ending.
    thread = threading.Thread(target=np.dot, args=(matrix, matrix), daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if thread.is_alive():
        raise MemoryError
