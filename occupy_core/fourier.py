# SPDX-License-Identifier: GPL-3.0-or-later
"""Low-pass filter, change of box, and how much detail a map has."""

from __future__ import annotations

import math
from typing import Any, Callable, List, Optional, Sequence, Tuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from occupy_core.maps import Volume
from occupy_core.radial import for_lengths, mirrored, power_in_shells
from occupy_core.slabs import Give
from occupy_core.transforms import ROUNDING as ROUNDING
from occupy_core.transforms import Room, give_inverse, inverse, sections_of, spectrum_of, waves_within

_SHORTEST = 64
# Of `detail_share`: real refined maps have 0.002 and more, class maps cut at a coarser resolution 0.00002.
_LEAST_DETAIL = 0.0015
_CUTOFF_STEP = 1.05
_SHELLS_A_WAVE = 8
_Kind = TypeVar("_Kind", bound=np.generic)
_Power = Tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def low_pass(
    volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1, out: Optional[Volume] = None
) -> Volume:
    """Remove all detail finer than a cutoff.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size : float
        Å.
    cutoff_angstrom : float
        At least the shells of two waves across the shortest side must remain.
    threads : int
        For the transforms; the result does not depend on it.
    out : float32 array of the same shape, optional
        Where the result goes; may be `volume` itself.

    Returns
    -------
    float32 array of the same shape.

    Notes
    -----
    A sharp radial filter, centred on the Fourier origin: of n shells across the longest side
    `floor(n a / cutoff) + 1` are kept. The published program centres its window half a voxel off.
    """
    longest = max(volume.shape)
    radius = math.floor(longest * voxel_size / cutoff_angstrom * (1 + ROUNDING)) + 1
    waves = waves_within(volume.shape, radius)
    spectrum = spectrum_of(volume, waves, threads=threads)
    rows = mirrored(spectrum.shape[1])

    def cut(sections: List[int], squares: Volume) -> None:
        beyond = (squares >= radius**2)[rows]
        for place in sections:
            spectrum[place][beyond] = 0

    for_lengths(volume.shape, waves, cut, threads=threads)
    return inverse(spectrum, waves, np.empty_like(volume) if out is None else out, threads=threads)


def detail_share(volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1) -> float:
    """How much detail there is just below a cutoff: the power a wave of 0.8 to 1 of the cutoff's frequency has on
    average, relative to those up to half of it; 0 for a constant map.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size, cutoff_angstrom : float
        Å.
    threads : int
    """
    return _share_below(cutoff_angstrom, _power(volume, voxel_size, cutoff_angstrom, threads))


def has_detail(volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1) -> bool:
    """Whether the map's detail goes down to a cutoff; parameters as of `detail_share`."""
    share = detail_share(volume, voxel_size=voxel_size, cutoff_angstrom=cutoff_angstrom, threads=threads)
    return share >= _LEAST_DETAIL


def finest_detail(volume: Volume, *, voxel_size: float, finest: float, coarsest: float, threads: int = 1) -> float:
    """The finest cutoff that the map's detail goes down to, in Å.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size : float
        Å.
    finest, coarsest : float
        Å; where to look.
    threads : int
    """
    power = _power(volume, voxel_size, finest, threads)
    cutoff = finest
    while cutoff < coarsest and _share_below(cutoff, power) < _LEAST_DETAIL:
        cutoff = min(coarsest, cutoff * _CUTOFF_STEP)
    return cutoff


def resize(volume: Volume, shape: Sequence[int], *, threads: int = 1) -> Volume:
    """Crop or pad a map in Fourier space to another box of the same size in Å.

    Parameters
    ----------
    volume : float32 array, 3D
    shape : three int
        The new box in voxels; voxel 0 stays where it is and values keep their grey scale.
    threads : int
        For the transforms; the result does not depend on it.

    Returns
    -------
    float32 array of the new shape.

    Notes
    -----
    Waves at or beyond the Nyquist frequency of the smaller box are dropped, so that the spectrum stays
    that of a real map and cropping what was padded gives it back.
    """
    result = np.empty(tuple(shape), dtype=np.float32)
    give_resized(volume, shape, result.__setitem__, threads=threads)
    return result


def give_resized(
    volume: Volume,
    shape: Sequence[int],
    give: Give,
    *,
    rows_of: Optional[Callable[[slice], Volume]] = None,
    room: Optional[Room] = None,
    threads: int = 1,
) -> None:
    """`resize`, of which each slab is given away as it is made.

    Parameters
    ----------
    volume, shape, threads
        As of `resize`.
    give : callable
        Takes, from several threads, a slab of the first axis and the map in it, which it may change.
    rows_of : callable, optional
        Gives what is resized where that is not the map itself, which then tells the shape alone: for a slice of rows
        (y), all that is in them.
    room : Room, optional
        To work in.
    """
    old, new = volume.shape, (int(shape[0]), int(shape[1]), int(shape[2]))
    counts = [(min(sides) + 1) // 2 for sides in zip(old, new)]
    waves = ((counts[0], counts[0] - 1), (counts[1], counts[1] - 1), (counts[2], 0))
    # The spectrum lies where its sections go: never are both in memory.
    wanted = [(new[0], 2 * counts[1] - 1, counts[2]), (2 * counts[0] - 1, old[1], counts[2])]
    sections, along_z = (room or Room()).arrays(wanted)
    spectrum = spectrum_of(
        volume, waves, threads=threads, rows_of=rows_of, out=sections[: 2 * counts[0] - 1], room=along_z
    )
    sections_of(spectrum, waves, sections, factor=math.prod(new) / math.prod(old), threads=threads)
    give_inverse(sections, waves, new, give, threads=threads)


def cropped_shape(shape: Sequence[int], max_box: int) -> Tuple[int, int, int]:
    """The box to compute in: the longest side at most `max_box` voxels (0: no limit), the others in proportion.

    A thin box is cropped less, so that no side falls below `_SHORTEST` voxels (or `max_box`) and voxels stay cubes.
    """
    shortest, longest = min(shape), max(shape)
    factor = max(max_box / longest, min(1.0, min(_SHORTEST, max_box) / shortest)) if max_box else 1.0
    if factor >= 1:
        return (shape[0], shape[1], shape[2])
    z, y, x = (round(side * factor) for side in shape)
    return (z, y, x)


def sampled(values: NDArray[_Kind], shape: Sequence[int]) -> NDArray[_Kind]:
    """The nearest values on the grid of another box of the same size in Å, for what has no meaning in between."""
    if values.shape == tuple(shape):
        return values
    for axis, (old, new) in enumerate(zip(values.shape, shape)):
        nearest = np.minimum((np.arange(new) * old + new // 2) // new, old - 1)
        values = values.take(nearest, axis)
    return values


def _power(volume: Volume, voxel_size: float, finest: float, threads: int) -> _Power:
    """For shells of the spectrum up to a cutoff in Å: frequency in 1/Å, power in all, and how many waves."""
    length = max(volume.shape) * voxel_size
    total, counts = power_in_shells(
        volume, math.floor(length / finest) + 2, shells_a_wave=_SHELLS_A_WAVE, threads=threads
    )
    return np.arange(len(counts)) / (_SHELLS_A_WAVE * length), total, counts


def _share_below(cutoff: float, power: _Power) -> float:
    frequencies, total, counts = power
    relative = frequencies * cutoff
    means = []
    for low, high in ((0.8, 1.0), (0.0, 0.5)):
        chosen = (relative > low) & (relative <= high)
        means.append(total[chosen].sum() / counts[chosen].sum() if counts[chosen].any() else 0.0)
    fine, coarse = means
    return float(fine / coarse) if coarse else 0.0
