# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory this process may use. Standard library only."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

# Limits of this process alone, with the letter of ulimit, what counts in /proc/self/status, and the bytes of it that
# are no memory of the job: buffers of BLAS for two threads; in the address space also the stacks of threads, and the
# code of matplotlib.
_OF_PROCESS = (
    (resource.RLIMIT_AS, "v", "VmSize", 120_000_000),
    (resource.RLIMIT_DATA, "d", "VmData", 64_000_000),
)
_TIGHT = 1 << 30  # bytes: a process with less may fail to load the libraries
_UNLIMITED = 1 << 60  # control groups of version 1 write a number near this for no limit
_PAGE_CACHE = ("inactive_file", "active_file", "total_inactive_file", "total_active_file")


class MemoryLimit(NamedTuple):
    """A limit of memory, in bytes.

    Attributes
    ----------
    most : int
        What the process can never exceed.
    free : int
        What of it is free now; other processes may free more.
    name : str
        Name of the limit for users.
    way_out : str
        How a user gets more.
    """

    most: int
    free: int
    name: str
    way_out: str


def memory_limit(*, in_use: int, proc: str = "/proc", cgroups: str = "/sys/fs/cgroup") -> Optional[MemoryLimit]:
    """Return the tightest limit of this process: of the machine, of its control groups, or of `ulimit -v`.

    Parameters
    ----------
    in_use : int
        Bytes of the process's present memory that count in both `most` and `free`.
    proc, cgroups : str
        Folders of the system's files.

    Returns
    -------
    MemoryLimit or None
        None where the system tells no limit.
    """
    machine = _numbers(Path(proc, "meminfo"), factor=1024)
    limits: List[MemoryLimit] = []
    if "MemTotal" in machine:
        swap_free = machine.get("SwapFree", 0)
        limits.append(
            MemoryLimit(
                machine["MemTotal"] + machine.get("SwapTotal", 0),
                machine.get("MemAvailable", machine["MemTotal"]) + swap_free + in_use,
                "the memory of this machine",
                "use a machine with more memory",
            )
        )
    for folder in _control_groups(proc, cgroups):
        limits += _limits_of_group(folder, machine.get("SwapTotal", 0), in_use)
    sizes = _numbers(Path(proc, "self/status"), factor=1024)
    for number, letter, counted, reserve in _OF_PROCESS:
        most = resource.getrlimit(number)[0]
        if most != resource.RLIM_INFINITY and counted in sizes:
            remaining = max(0, most - sizes[counted] + in_use - reserve)
            limits.append(
                MemoryLimit(remaining, remaining, f"the limit of ulimit -{letter}", f"raise it with ulimit -{letter}")
            )
    return min(limits, key=lambda limit: (limit.most, limit.free), default=None)


def limited_by(most: float = float("inf")) -> str:
    """Return the first limit of this process's own memory that is set below `most` bytes, as "ulimit -v"; else ""."""
    for number, letter, *_ in _OF_PROCESS:
        limit = resource.getrlimit(number)[0]
        if limit != resource.RLIM_INFINITY and limit < most:
            return f"ulimit -{letter}"
    return ""


def too_little_text() -> str:
    """Return the message for a process that may not use enough memory to load its libraries; empty if it may."""
    limit = limited_by(_TIGHT)
    return f"out of memory: the limit of {limit} is too low for the program's libraries; raise it" if limit else ""


def _control_groups(proc: str, cgroups: str) -> Iterator[Path]:
    """Yield the folders of the control groups that limit this process's memory, of either version, from its own up."""
    try:
        lines = Path(proc, "self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        number, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if number == "0" and not controllers:
            roots = [Path(cgroups), Path(cgroups, "unified")]
        elif "memory" in controllers.split(","):
            roots = [Path(cgroups, "memory")]
        else:
            continue
        for root in roots:
            # In a container, the path may be that of the machine; the limit is then at the root.
            own = root / path.lstrip("/")
            for folder in (own, *own.parents):
                if root in (folder, *folder.parents):
                    yield folder


def _limits_of_group(folder: Path, swap: int, in_use: int) -> List[MemoryLimit]:
    """Return the limit of a control group; none where it has none."""
    most = _number(folder / "memory.max", folder / "memory.limit_in_bytes")
    if most is None or most >= _UNLIMITED:
        return []
    used = _number(folder / "memory.current", folder / "memory.usage_in_bytes") or 0
    counts = _numbers(folder / "memory.stat", factor=1)
    # Pages of files are freed when memory is needed. Version 1 lists them twice, with those of groups below as total_.
    cache = max(sum(counts.get(name, 0) for name in names) for names in (_PAGE_CACHE[:2], _PAGE_CACHE[2:]))
    swap_limit = _number(folder / "memory.swap.max")
    most += swap if swap_limit is None else min(swap, swap_limit)
    name = "the limit of the queue or container (its control group)"
    return [MemoryLimit(most, min(most, most - used + cache + in_use), name, "ask it for more memory")]


def _number(*paths: Path) -> Optional[int]:
    """Return the number in the first of some files that has one."""
    for path in paths:
        try:
            return int(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return None


def _numbers(path: Path, *, factor: int) -> Dict[str, int]:
    """Return the numbers in a file of lines "name: number" by name, times a factor; empty if it cannot be read."""
    try:
        lines = [line.replace(":", " ").split() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return {}
    return {words[0]: int(words[1]) * factor for words in lines if len(words) > 1 and words[1].isdecimal()}
