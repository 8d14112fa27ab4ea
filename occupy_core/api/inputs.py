# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs of the Python interface: arrays, paths or maps that were read before, and settings."""

from __future__ import annotations

import numbers
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from occupy_core.errors import MapError, SettingsError
from occupy_core.input_files import unchanged_inputs
from occupy_core.maps.density_map import DensityMap, map_from_array
from occupy_core.maps.reading import read_map
from occupy_core.process import Result, process_map
from occupy_core.settings.settings import MODIFICATIONS, Settings

if TYPE_CHECKING:
    MapLike = Union[str, os.PathLike[str], NDArray[Any], DensityMap]
else:  # os.PathLike takes no type before Python 3.9
    MapLike = Union[str, os.PathLike, np.ndarray, DensityMap]
# Masks in memory by their names in the settings (`DensityMap.masks`).
Masks = Dict[str, NDArray[Any]]

# Names of masks in memory begin with this; a path never does (`mask_name`).
_IN_MEMORY = "<array "


def read_map_like(
    volume: MapLike,
    name: str,
    voxel_size: Optional[float],
    masks: Masks,
    *,
    overwritten: bool = False,
) -> DensityMap:
    """Read a file, or make a map of an array.

    Parameters
    ----------
    volume : path, array or DensityMap
    name : str
        Name of an array in messages.
    voxel_size : float, optional
        Edge of a voxel, Å; needed for an array.
    masks : dict of str to array
        `DensityMap.masks` of the result.
    overwritten : bool
        Whether the computation overwrites the values: the result then holds a copy of an array.

    Raises
    ------
    MapError
        If the map cannot be read or used, or the voxel size is missing or no positive number.
    """
    if voxel_size is not None and not (isinstance(voxel_size, numbers.Real) and 0 < voxel_size < np.inf):
        raise MapError(f"{name}: got voxel_size {voxel_size!r}, expected one positive number in Å")
    if isinstance(volume, (str, os.PathLike)):
        size = None if voxel_size is None else float(voxel_size)
        return replace(read_map(volume, voxel_size=size), masks=masks)
    if isinstance(volume, DensityMap):
        if voxel_size is not None:
            raise MapError(f"{volume.path}: has a voxel size already, expected none; leave out voxel_size")
        return replace(volume, data=np.array(volume.data) if overwritten else volume.data, masks=masks)
    if voxel_size is None:
        raise MapError(f"{name}: an array has no voxel size, expected one in Å; give voxel_size")
    values = np.array(volume, subok=True) if overwritten else np.asanyarray(volume)
    return map_from_array(values, voxel_size=float(voxel_size), name=name, masks=masks)


def process_map_like(
    volume: MapLike, voxel_size: Optional[float], settings: Settings, masks: Masks, threads: int
) -> Result:
    """Process one map (`process_map`); parameters and errors as in `read_map_like`."""
    check_threads(threads)
    with unchanged_inputs():
        return process_map(read_map_like(volume, "array", voxel_size, masks), settings, threads=threads)


def make_settings(**values: Any) -> Settings:
    """Make settings of keywords, whose values may be numpy's numbers.

    Raises
    ------
    SettingsError
        If a value is not allowed, or the power of a modification is None.
    """
    for name in MODIFICATIONS:
        if name in values and values[name] is None:
            raise SettingsError(name, "got None, expected a number: > 1")
    return Settings(**{name: item.item() if isinstance(item, np.generic) else item for name, item in values.items()})


def check_threads(threads: int) -> None:
    """Raise SettingsError unless `threads` is a positive whole number."""
    if not isinstance(threads, numbers.Integral) or threads < 1:
        raise SettingsError("threads", f"got {threads!r}, expected a whole number from 1")


def map_name(volume: MapLike, number: int) -> str:
    """Return the path of a map; for an array a name with its number in the sequence of maps."""
    if isinstance(volume, DensityMap):
        return volume.path
    return os.fspath(volume) if isinstance(volume, (str, os.PathLike)) else f"array {number}"


def mask_name(name: str, mask: Optional[MapLike], arrays: Masks) -> Optional[str]:
    """Return the path of a mask; for an array its name, under which it is added to `arrays`; None for no mask."""
    if mask is None:
        return None
    if isinstance(mask, (str, os.PathLike)):
        path = os.fspath(mask)
        return os.path.join(os.curdir, path) if path.startswith(_IN_MEMORY) else path
    in_memory = f"{_IN_MEMORY}{name}>"
    arrays[in_memory] = mask.data if isinstance(mask, DensityMap) else np.asanyarray(mask)
    return in_memory


def target_names(masks: Optional[Sequence[MapLike]], arrays: Masks) -> Tuple[str, ...]:
    """Return the names of target masks, as `mask_name` does.

    Raises
    ------
    SettingsError
        If `masks` is one mask instead of a sequence, or holds None.
    """
    if masks is None:
        return ()
    if isinstance(masks, (str, os.PathLike, DensityMap)) or getattr(masks, "ndim", 1) == 3:
        raise SettingsError("target_mask", "got one mask, expected a sequence of masks; write [mask]")
    names = [mask_name(f"target_mask {number}", mask, arrays) for number, mask in enumerate(masks, start=1)]
    if None in names:
        raise SettingsError("target_mask", "got None as a mask, expected arrays or paths")
    return tuple(name for name in names if name is not None)
