# SPDX-License-Identifier: GPL-3.0-or-later
"""The voxel size of a map: from its header, from the caller or, for a mask, from its map."""

from __future__ import annotations

import os
from typing import List, Optional, Sequence, Tuple

import numpy as np

from occupy_core.errors import MapError
from occupy_core.maps.grid import (
    LARGEST_VOXEL,
    SMALLEST_VOXEL,
    VOXEL_SIZE_TOLERANCE,
    Header,
    MapGrid,
    require_voxel_size,
)
from occupy_core.maps.header import MapFile

# Largest relative difference between a given voxel size and the header's that is only rounding to float32.
_ROUNDING = 1e-4
# Largest voxel size in Å where MX, MY and MZ are 1, as programs leave them that write the cell of the whole box. Ours:
# tomograms are hardly binned to larger voxels.
_LARGEST_OF_ONE = 15.0
_UNSET = 1.0  # Å: what programs write that do not know the voxel size
_GIVE = "give it (--angpix, the project's sampling rate, or voxel_size in Python)"


def grid_of(file: MapFile, voxel_size: Optional[float]) -> Tuple[MapGrid, List[str]]:
    """Return the grid of a map, and how its voxel size was chosen where that is not certain.

    Parameters
    ----------
    file : MapFile
        Its header is changed where another voxel size is used.
    voxel_size : float, optional
        Edge of a voxel in Å; overrides the header.

    Raises
    ------
    MapError
        If no voxel size is given and the header has none, or one that no map of a molecule has; if the given one
        cannot be computed with; if voxels are no cubes.
    """
    if voxel_size is not None:
        require_voxel_size(file.name, voxel_size)
    header = file.header
    header_size, notes = _header_size(file)
    size = header_size
    if voxel_size is None:
        if not _is_likely(size):
            raise MapError(f"{file.name}: {_bad_size_text(size, header)}")
        if size == _UNSET:
            notes.append(
                "the header says a voxel size of exactly 1 Å, as programs write it that do not know it: if it is "
                f"wrong, so are the low-pass and the kernel; {_GIVE}"
            )
    elif abs(voxel_size - header_size) > _ROUNDING * voxel_size:
        notes = []
        if header_size > 0:
            notes.append(
                f"the given voxel size of {voxel_size:.4g} Å is used; the file's header says {header_size:.4g} Å"
            )
        _set_size(header, voxel_size)
        size = float(voxel_size)
    return MapGrid(file.shape, size, header, header_size), _named(file, notes)


def grid_of_mask(file: MapFile, wanted: MapGrid) -> Tuple[MapGrid, List[str]]:
    """Return the grid of a mask, and a warning if the voxel size of its map is used since its header has none.

    Parameters
    ----------
    file : MapFile
        The mask.
    wanted : MapGrid
        Grid of the map.

    Raises
    ------
    MapError
        As `grid_of`.
    """
    size = _header_size(file)[0]
    if file.shape != wanted.shape:
        return grid_of(file, size or wanted.voxel_size)  # the box will be refused
    # A voxel size that overrides the map's header holds for the mask too, if both headers have the same one.
    if size in (wanted.voxel_size, wanted.header_voxel_size):
        return grid_of(file, wanted.voxel_size)[0], []
    if size != _UNSET and _is_likely(size):
        return grid_of(file, None)
    found = f"a voxel size of {size:.4g} Å" if size > 0 else "no voxel size"
    note = f"found {found} in the header; that of the map, {wanted.voxel_size:.4g} Å, is used"
    return grid_of(file, wanted.voxel_size)[0], _named(file, [note])


def _is_likely(size: float, largest: float = LARGEST_VOXEL) -> bool:
    return SMALLEST_VOXEL <= size <= largest


def _named(file: MapFile, notes: Sequence[str]) -> List[str]:
    return [f"{os.path.basename(file.name)}: {note}" for note in notes]


def _header_size(file: MapFile) -> Tuple[float, List[str]]:
    """Return the edge of a voxel in Å from the header, 0 if it has none; and notes. Voxels must be cubes.

    It is the cell divided by MX, MY and MZ, as the format says, which may differ from the box in a part of a larger
    map; by the box only where that alone gives cubes of a likely size.
    """
    header = file.header
    cell = [float(header.cella[axis]) for axis in "xyz"]
    samples = [int(header[name]) for name in ("mx", "my", "mz")]
    if not all(0 < side < float("inf") for side in cell) or min(samples) <= 0:
        return 0.0, []
    _require_right_angles(file)
    sizes, by_box = _divided(cell, samples), _divided(cell, [int(header[name]) for name in ("nx", "ny", "nz")])
    largest = _LARGEST_OF_ONE if max(samples) == 1 else LARGEST_VOXEL
    if not (_are_cubes(sizes) and _is_likely(max(sizes), largest)) and _are_cubes(by_box) and _is_likely(max(by_box)):
        header.mx, header.my, header.mz = header.nx, header.ny, header.nz
        size = _rounded(by_box)
        return size, [
            f"the header says MX, MY, MZ {', '.join(map(str, samples))}, which gives voxels of {_size_text(sizes)} Å; "
            f"the cell divided by the box, {size:.4g} Å, is used; if that is wrong, {_GIVE}"
        ]
    if not _are_cubes(sizes):
        raise MapError(
            f"{file.name}: found voxels of {_size_text(sizes)} Å, expected cubes (within 1 %); resample the map on a "
            "cubic grid"
        )
    size = _rounded(sizes)
    if max(samples) == 1 and _are_cubes(by_box) and _is_likely(max(by_box)) and by_box != sizes:
        other = _rounded(by_box)
        return size, [
            f"the header says MX, MY, MZ 1, 1, 1, which gives voxels of {size:.4g} Å; the cell divided by the box "
            f"gives {other:.4g} Å; if that is right, {_GIVE}"
        ]
    return size, []


def _divided(cell: Sequence[float], samples: Sequence[int]) -> List[float]:
    return [side / count for side, count in zip(cell, samples)]


def _are_cubes(sizes: Sequence[float]) -> bool:
    return max(sizes) <= (1 + VOXEL_SIZE_TOLERANCE) * min(sizes)


def _size_text(sizes: Sequence[float]) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes)


def _rounded(sizes: Sequence[float]) -> float:
    """Return the mean of sizes. Headers hold float32: the shortest decimal number that rounds to it is meant."""
    return float(str(np.float32(sum(sizes) / 3)))


def _require_right_angles(file: MapFile) -> None:
    angles = [float(file.header.cellb[angle]) for angle in ("alpha", "beta", "gamma")]
    if any(abs(angle - 90) > 0.01 and angle != 0 for angle in angles):
        angles_text = ", ".join(f"{angle:g}" for angle in angles)
        raise MapError(
            f"{file.name}: found cell angles {angles_text} degrees, expected 90; resample the map on a cubic grid"
        )


def _bad_size_text(size: float, header: Header) -> str:
    """Return what is wrong with the voxel size of a header, without the name of the file."""
    if size <= 0:
        return f"found no voxel size in the header, expected one in Å; set it there or {_GIVE}"
    return (
        f"found a voxel size of {size:.4g} Å in the header (a cell of {float(header.cella.x):.4g} Å divided by MX "
        f"{int(header.mx)}), expected {SMALLEST_VOXEL:g} to {LARGEST_VOXEL:g} Å; {_GIVE}"
    )


def _set_size(header: Header, voxel_size: float) -> None:
    """Set the cell of a header from a voxel size in Å. If the header has no numbers of samples, take the box."""
    if min(header.mx, header.my, header.mz) <= 0:
        header.mx, header.my, header.mz = header.nx, header.ny, header.nz
    header.cella.x, header.cella.y, header.cella.z = (
        np.float32(voxel_size) * samples for samples in (header.mx, header.my, header.mz)
    )
