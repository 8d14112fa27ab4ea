# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays or paths as inputs of the Python interface."""

from __future__ import annotations

import numbers
import os
from dataclasses import replace
from typing import Any, Dict, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from occupy_core.errors import MapError, SettingsError
from occupy_core.maps.density_map import DensityMap, map_from_array
from occupy_core.maps.reading import read_map

MapLike = Union[str, "os.PathLike[str]", NDArray[Any]]
# Masks in memory by their names in the settings (`DensityMap.masks`).
Masks = Dict[str, NDArray[Any]]


def read_map_like(
    volume: MapLike,
    name: str,
    voxel_size: Optional[float],
    masks: Masks,
    *,
    overwritten: bool = False,
) -> DensityMap:
    """Read a file, or make a map of an array; a copy of the array where the computation will overwrite it."""
    if voxel_size is not None and not isinstance(voxel_size, numbers.Real):
        raise MapError(f"{name}: got a voxel size of {voxel_size!r}, expected a number in Å")
    if isinstance(volume, (str, os.PathLike)):
        return replace(read_map(volume, voxel_size=voxel_size), masks=masks)
    if voxel_size is None:
        raise MapError(f"{name}: an array has no voxel size, expected one in Å; give voxel_size")
    values = np.array(volume) if overwritten else np.asarray(volume)
    return map_from_array(values, voxel_size=voxel_size, name=name, masks=masks)


def check_threads(threads: int) -> None:
    """Raise SettingsError unless `threads` is a positive whole number."""
    if not isinstance(threads, int) or threads < 1:
        raise SettingsError("threads", f"got {threads!r}, expected a whole number from 1")


def map_name(volume: MapLike, number: int) -> str:
    return os.fspath(volume) if isinstance(volume, (str, os.PathLike)) else f"array {number}"


def mask_name(name: str, mask: Optional[MapLike], arrays: Masks) -> Optional[str]:
    """Return the path of a mask; for an array its name, under which it is added to `arrays`."""
    if mask is None or isinstance(mask, (str, os.PathLike)):
        return None if mask is None else os.fspath(mask)
    arrays[name] = np.asarray(mask)
    return name


def target_names(masks: Sequence[MapLike], arrays: Masks) -> Tuple[str, ...]:
    if isinstance(masks, (str, os.PathLike)) or getattr(masks, "ndim", 1) == 3:
        raise SettingsError("target_mask", "got one mask, expected a sequence of masks; write [mask]")
    names = (mask_name(f"target_mask {number}", mask, arrays) for number, mask in enumerate(masks, start=1))
    return tuple(name for name in names if name is not None)
