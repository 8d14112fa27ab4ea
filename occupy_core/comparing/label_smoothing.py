# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pattern each voxel follows, told by the voxels around it too.

Ours, not in the published program.
"""

from __future__ import annotations

import math
from typing import Any, List, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around, scatter
from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.patterns import Numbers, Pattern

# Å: a square of border costs as much as it does to take a prism of this depth on it for another pattern, where that is
# one unit of log-likelihood a voxel less likely.
_BORDER_COST = 4.0
_LEAST_NOISE = 0.1  # of the density: maps of one molecule differ by more than their noise
_FARTHEST = 8.0  # Å, that a border moves in one go
_ROUNDS, _REFITS = 15, 3
_INSIDE = 0.3  # of the voxels of a pattern, those deepest in it: what they hold is the pattern
_LEAST_INSIDE = 30  # voxels of a pattern, for it to be told again
_STRONGEST = 2 / 3  # of the strongest map, in a voxel's density under any pattern; the rest is the likeliest density


def smooth_labels(
    owners: Numbers,
    patterns: Sequence[Pattern],
    densities: Floats,
    noises: Sequence[float],
    molecule: Mask,
    spacing: float,
) -> Numbers:
    """The owners of voxels with borders where the maps have them, and no longer than they need be.

    Parameters
    ----------
    owners : uint8 array (voxel)
        Number of the pattern that each voxel seems to follow; the first one is no difference.
    patterns : sequence of float64 arrays (map)
    densities : float32 array (map, voxel)
        As sharp as the maps are.
    noises : sequence of float
        Standard deviation of each map's noise.
    molecule : bool array, 3D
        Where the voxels are.
    spacing : float
        Å.

    Returns
    -------
    uint8 array (voxel)

    Notes
    -----
    A hidden Markov random field (Zhang, Brady & Smith, IEEE Trans. Med. Imaging 20 (2001), 45) solved by iterated
    conditional modes (Besag, J. R. Statist. Soc. B 48 (1986), 259): each voxel takes the pattern under which what its
    maps hold is likeliest, less a cost for each of its six neighbours that has another. Patterns that were told under
    a wide smoothing hold some of what is beside them, and so would their borders: they are told again from the inside
    of what is theirs, and the borders again by them.
    """
    for refits_left in range(_REFITS, -1, -1):
        box = box_around(scatter(owners > 0, molecule), round(_FARTHEST / spacing))
        chosen = np.zeros_like(molecule)
        chosen[box] = molecule[box]
        chosen = chosen[molecule]
        costs = _costs(patterns, densities[:, chosen], noises)
        costs *= np.float32(spacing / _BORDER_COST)
        before, owners = owners, owners.copy()
        owners[chosen] = _with_short_borders(owners[chosen], costs, molecule[box])
        if refits_left and not np.array_equal(owners, before):
            patterns = _told_inside(owners, patterns, densities, molecule)
    return owners


def _told_inside(owners: Numbers, patterns: Sequence[Pattern], densities: Floats, molecule: Mask) -> List[Pattern]:
    """The patterns that maps have far from what is of another; the first one, no difference, stays."""
    result = list(patterns)
    for number in range(1, len(patterns)):
        own = owners == number
        if own.sum() < _LEAST_INSIDE:
            continue
        box = box_around(scatter(own, molecule), 3)
        depth = ndimage.distance_transform_edt(~scatter(~own, molecule)[box])[scatter(own, molecule)[box]]
        inside = own.copy()
        inside[own] = depth >= np.quantile(depth, 1 - _INSIDE)
        heights = densities[:, inside].mean(axis=1, dtype=np.float64)
        if heights.max() > 0:
            result[number] = np.clip(heights / heights.max(), 0, 1)
    return result


def _with_short_borders(owners: Numbers, costs: Floats, molecule: Mask) -> Numbers:
    """The owners of the voxels of a mask at the least of the costs (pattern, voxel) and of their borders."""
    numbers = np.full(tuple(side + 2 for side in molecule.shape), len(costs), dtype=np.uint8)
    middle = numbers[1:-1, 1:-1, 1:-1]
    middle[molecule] = owners
    for _ in range(_ROUNDS):
        best = np.zeros(costs.shape[1], dtype=np.uint8)
        least = np.full(costs.shape[1], math.inf, dtype=np.float32)
        for number, cost in enumerate(costs):
            total = cost - _neighbours(numbers == number)[molecule]
            better = total < least
            best[better] = number
            least[better] = total[better]
        if np.array_equal(best, middle[molecule]):
            break
        middle[molecule] = best
    found: Numbers = middle[molecule]
    return found


def _costs(patterns: Sequence[Pattern], densities: Floats, noises: Sequence[float]) -> Floats:
    """How unlikely what the maps hold at a voxel is under each pattern (pattern, voxel): half the squared distance to
    the pattern, in standard deviations of the noise, at one density for all patterns.

    At a density of its own each pattern would come nearest to half-way blurs as if they were its own, the weaker its
    other maps are the less; at that of the strongest map alone, noise looks like a difference.
    """
    strongest = densities.max(axis=0)
    sigmas = np.maximum(noises, _LEAST_NOISE * float(np.median(strongest)))
    scaled = densities / sigmas[:, None].astype(np.float32)
    squares = np.einsum("mv,mv->v", scaled, scaled)
    costs = np.empty((len(patterns), densities.shape[1]), dtype=np.float32)
    likeliest, least = np.zeros_like(strongest), np.full_like(strongest, math.inf)
    lengths = []
    for along, pattern in zip(costs, patterns):
        direction = (pattern / sigmas).astype(np.float32)
        length = float(direction @ direction)
        np.matmul(direction, scaled, out=along)
        density = np.maximum(along / np.float32(length), 0)
        distance = squares - density**2 * np.float32(length)
        better = distance < least
        likeliest[better], least[better] = density[better], distance[better]
        lengths.append(length)
    density = np.maximum(strongest, 0)
    density *= np.float32(_STRONGEST)
    density += np.float32(1 - _STRONGEST) * likeliest
    for along, length in zip(costs, lengths):
        # |d - density pattern|^2 / 2
        along *= -density
        along += (squares + density**2 * np.float32(length)) / 2
    return costs


def _neighbours(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """How many of its six neighbours each voxel but those of the faces has in a mask."""
    inner, before, after = slice(1, -1), slice(None, -2), slice(2, None)
    count = mask[before, inner, inner].astype(np.uint8)
    for place in (
        (after, inner, inner),
        (inner, before, inner),
        (inner, after, inner),
        (inner, inner, before),
        (inner, inner, after),
    ):
        count += mask[place]
    return count
