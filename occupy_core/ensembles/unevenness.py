# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether the pieces of a part have one occupancy in each volume, or a part is several that look like one."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Mask
from occupy_core.comparing.limits import FALSE_ALARM, TINY
from occupy_core.ensembles.limits import MIN_VOLUME
from occupy_core.ensembles.stored_volumes import StoredVolumes
from occupy_core.ensembles.variation import VolumeNoise


def spreads_within(
    volumes: StoredVolumes, masks: Sequence[Mask], occupancies: Sequence[Sequence[float]], noise: VolumeNoise
) -> List[NDArray[np.float64]]:
    """Return by how much the occupancy differs between the pieces of each part, in each volume.

    Parameters
    ----------
    volumes : StoredVolumes
    masks : sequence of bool arrays, 3D
        The voxels of each part that are mixed least with its surroundings; no voxel is in two of them.
    occupancies : sequence (part) of sequence (volume) of float
        Occupancies of the parts, 0..1.
    noise : VolumeNoise

    Returns
    -------
    list (part) of float64 array (volume)
        Standard deviation over the pieces, without that of noise; 0 in all volumes if noise explains the differences.

    Notes
    -----
    Each part is cut into pieces of equal size, not smaller than the smallest part that is reported. In a part that is
    one, the density of each piece is a straight line of the part's occupancy; its slope and its start differ between
    pieces, which have different densities and are mixed with their surroundings by different shares. What deviates
    from the lines is compared with noise over all pieces and volumes (chi-square). Noise is measured in the common part
    of all volumes, so no margin is added to it.
    """
    pieces: NDArray[np.int32] = np.zeros(volumes.molecule.shape, dtype=np.int32)
    counts: List[int] = []
    for mask in masks:
        found = _pieces(mask, MIN_VOLUME / volumes.spacing**3)
        before = sum(counts)
        for number, voxels in enumerate(found, start=before + 1):
            pieces[tuple(voxels.T)] = number
        counts.append(len(found))
    if not counts:
        return []
    sizes = np.bincount(pieces.ravel())[1:]
    means = _means(volumes, pieces) / sizes
    deviations = np.array([noise.at_volume(float(size) * volumes.spacing**3) for size in sizes]).T
    ends = np.cumsum(counts)
    return [
        _spread(means[:, end - count : end], np.array(values), deviations[:, end - count : end])
        for values, count, end in zip(occupancies, counts, ends.tolist())
    ]


def _pieces(mask: Mask, least: float) -> List[NDArray[np.intp]]:
    """Return the indices (voxel, axis) of each piece: a mask is halved across its long axis, and the halves again."""
    waiting, done = [np.argwhere(mask)], []
    while waiting:
        voxels = waiting.pop()
        if len(voxels) < 2 * least:
            done.append(voxels)
            continue
        centred = voxels - voxels.mean(axis=0)
        along = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
        order = np.argsort(along, kind="stable")
        waiting += [voxels[order[: len(order) // 2]], voxels[order[len(order) // 2 :]]]
    return done


def _means(volumes: StoredVolumes, pieces: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the summed density of each piece in each volume (volume, piece)."""
    box = box_around(pieces > 0)
    flat = pieces[box].ravel()
    return np.array([np.bincount(flat, volumes.load(number)[box].ravel())[1:] for number in range(len(volumes))])


def _spread(
    densities: NDArray[np.float64], occupancies: NDArray[np.float64], noises: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the spread within one part; densities and noises are (volume, piece), occupancies are (volume)."""
    count, pieces = densities.shape
    if pieces < 2:
        return np.zeros(count)
    line = np.stack([np.ones(count), occupancies], axis=1)
    starts_and_slopes = np.linalg.lstsq(line, densities, rcond=None)[0]
    slopes = np.maximum(starts_and_slopes[1], TINY)
    squares = ((densities - line @ starts_and_slopes) / slopes) ** 2
    by_noise = (noises / slopes) ** 2
    free = (count - 2) * pieces
    if float((squares / by_noise).sum()) < float(special.chdtri(free, FALSE_ALARM)):
        return np.zeros(count)
    result: NDArray[np.float64] = np.sqrt(np.maximum((squares - by_noise).mean(axis=1), 0.0))
    return result
