# SPDX-License-Identifier: GPL-3.0-or-later
"""A map in memory: its values, its grid, and the checks of its values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Mapping, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.slabs import extremes
from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.maps.grid import MapGrid, require_voxel_size

# Sums over the largest boxes must fit single precision, with some digits left for contrast.
_LARGEST, _SMALLEST, _LEAST_CONTRAST = 1e28, 1e-28, 1e-4


@dataclass(frozen=True)
class DensityMap:
    """A map with its grid, its file and the warnings of reading it.

    Attributes
    ----------
    data : float32 array, 3D
        Values in the order of the file; finite and not constant.
    grid : MapGrid
    path : str
        File from which the map was read; for an array its name in messages.
    warnings : tuple of str
        Problems of the file that did not prevent reading it, and how they were handled.
    masks : mapping of str to array, 3D
        Masks in memory for this map, by the names that the settings have for them instead of paths.
    reload : callable, optional
        Reads the values again after `release`; None for values that `release` must keep.
    is_inverted : bool
        Whether the values are those of the file times -1 (the setting `invert`).
    """

    data: Volume
    grid: MapGrid
    path: str
    warnings: Tuple[str, ...] = ()
    masks: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    reload: Optional[Callable[[], Volume]] = None
    is_inverted: bool = False

    @cached_property
    def limits(self) -> Tuple[np.float32, np.float32]:
        """Lowest and highest value."""
        low, high = extremes(self.data)
        return np.float32(low), np.float32(high)

    def release(self) -> None:
        """Free the memory of the values; values that are used again are read from the file again.

        Changed values are lost. Does nothing without `reload`.
        """
        if self.reload is not None:
            vars(self).pop("data", None)

    if not TYPE_CHECKING:  # type checkers see the attributes above

        def __getattr__(self, name: str) -> Any:
            """Read released values again: Python calls this for an attribute that is missing."""
            reload = vars(self).get("reload")
            if name != "data" or reload is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            vars(self)["data"] = reload()
            return vars(self)["data"]


def inverted_map(source: DensityMap) -> DensityMap:
    """Return a map times -1, with the values in memory of their own."""
    return replace(source, data=-source.data, reload=None, is_inverted=not source.is_inverted)


def map_from_array(
    values: NDArray[Any],
    *,
    voxel_size: float,
    name: str = "array",
    masks: Optional[Mapping[str, NDArray[Any]]] = None,
) -> DensityMap:
    """Make a map of an array.

    Parameters
    ----------
    values : array of real numbers, 3D (z, y, x)
        Copied only if it is not contiguous float32.
    voxel_size : float
        Edge of a voxel, Å.
    name : str
        Name of the map in messages.
    masks : mapping of str to array, optional
        Masks in memory for this map, by the names that the settings have for them instead of paths.

    Raises
    ------
    MapError
        If the array is not 3D, not real, or has values that cannot be used, or the voxel size is not positive.
    """
    if isinstance(values, np.ma.MaskedArray) and bool(np.any(values.mask)):
        raise MapError(f"{name}: found a masked array, expected all values; fill the masked values first")
    array = np.asarray(values)
    if array.ndim != 3 or min(array.shape) < 2:
        raise MapError(f"{name}: found an array of shape {array.shape}, expected one 3D map (z, y, x)")
    if array.dtype.kind not in "biuf":
        raise MapError(f"{name}: found an array of {array.dtype}, expected real numbers; convert the array first")
    require_voxel_size(name, voxel_size)
    with np.errstate(over="ignore"):  # values beyond float32 become infinite, and are refused as such
        volume = np.ascontiguousarray(array, dtype=np.float32)
    limits = checked_limits(name, volume, 1)
    sections, rows, columns = volume.shape
    grid = MapGrid((sections, rows, columns), float(voxel_size), None, float(voxel_size))
    result = DensityMap(volume, grid, name, masks=masks or {})
    vars(result)["limits"] = limits  # fills the cached property
    return result


def checked_limits(name: str, values: Volume, threads: int) -> Tuple[np.float32, np.float32]:
    """Return the lowest and the highest value of a map.

    Parameters
    ----------
    name : str
        Name of the map in messages.
    values : float32 array, 3D
    threads : int

    Raises
    ------
    MapError
        If a value is NaN or infinite, or the values are too large, too small or too alike for single precision.
    """
    low, high = extremes(values, threads=threads)
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = int(values.size - np.count_nonzero(np.isfinite(values)))
        raise MapError(
            f"{name}: found {bad} of {values.size} values NaN or infinite, expected numbers only; replace them or "
            "reconstruct the map again"
        )
    if low == high:
        raise MapError(
            f"{name}: every voxel is {low + 0.0:g}, expected a map with density; check that this is the right file"
        )
    largest = max(abs(low), abs(high))
    if not _SMALLEST < largest < _LARGEST or high - low < _LEAST_CONTRAST * largest:
        raise MapError(
            f"{name}: found values from {low:g} to {high:g}, too large, too small or too alike for single precision, "
            "expected a usual grey scale; rescale the map, for example to mean 0 and standard deviation 1"
        )
    return np.float32(low), np.float32(high)
