# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays worked on a few sections at a time: what a slab needs stays in the processor's cache, and takes no memory."""

from __future__ import annotations

from typing import Callable, List

SECTIONS = 8


def for_slabs(length: int, work: Callable[[slice], None], *, threads: int = 1, sections: int = SECTIONS) -> None:
    """Call `work` with every slab of an axis, in threads; each call must write to its own slab alone.

    Parameters
    ----------
    length : int
        Of the axis.
    work : callable
        Takes the slab as a slice.
    threads : int
    sections : int
        In a slab.
    """
    slabs: List[slice] = [slice(start, min(start + sections, length)) for start in range(0, length, sections)]
    if threads < 2 or len(slabs) < 2:
        for slab in slabs:
            work(slab)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(threads, len(slabs))) as pool:
        # A list, so that what fails in a thread is raised here.
        list(pool.map(work, slabs))
