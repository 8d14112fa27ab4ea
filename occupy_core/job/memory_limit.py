# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory this process may use. Standard library only."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

ADDRESS_SPACE = "the limit of ulimit -v"  # name of this limit
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
    address_space = resource.getrlimit(resource.RLIMIT_AS)[0]
    size = _numbers(Path(proc, "self/status"), factor=1024).get("VmSize")
    if address_space != resource.RLIM_INFINITY and size is not None:
        remaining = max(0, address_space - size) + in_use
        limits.append(MemoryLimit(remaining, remaining, ADDRESS_SPACE, "raise it with ulimit -v"))
    return min(limits, key=lambda limit: (limit.most, limit.free), default=None)


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
