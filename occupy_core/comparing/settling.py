# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pattern each voxel follows, told by the voxels around it too.

Ours, not in the published program.
"""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.coarse_grid import box_around
from occupy_core.comparing.patterns import Floats, Mask, Numbers, Pattern, spread_out

# Å: a square of border costs as much as it does to take a prism of this depth on it for another pattern, where that is
# one unit of log-likelihood a voxel less likely.
_BORDER_COST = 4.0
_LEAST_NOISE = 0.1  # of the density: maps of one molecule differ by more than their noise
_FARTHEST = 8.0  # Å, that a border moves
_ROUNDS = 15


def settled(
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
    maps hold is likeliest, of whatever density, less a cost for each of its six neighbours that has another.
    """
    box = box_around(ndimage.binary_dilation(spread_out(owners > 0, molecule), iterations=round(_FARTHEST / spacing)))
    inner = molecule[box]
    chosen = np.zeros_like(molecule)
    chosen[box] = inner
    chosen = chosen[molecule]
    costs = _costs(patterns, densities[:, chosen], noises)
    costs *= np.float32(spacing / _BORDER_COST)
    numbers = np.full(tuple(side + 2 for side in inner.shape), len(patterns), dtype=np.uint8)
    middle = numbers[1:-1, 1:-1, 1:-1]
    middle[inner] = owners[chosen]
    for _ in range(_ROUNDS):
        best = np.zeros(costs.shape[1], dtype=np.uint8)
        least = np.full(costs.shape[1], math.inf, dtype=np.float32)
        for number, cost in enumerate(costs):
            total = cost - _neighbours(numbers == number)[inner]
            better = total < least
            best[better] = number
            least[better] = total[better]
        if np.array_equal(best, middle[inner]):
            break
        middle[inner] = best
    result = owners.copy()
    result[chosen] = middle[inner]
    return result


def _costs(patterns: Sequence[Pattern], densities: Floats, noises: Sequence[float]) -> Floats:
    """How much less likely a voxel's densities are under each pattern than under the best density of any pattern over
    the maps (pattern, voxel): half the squared distance to it, in standard deviations of the noise."""
    least = _LEAST_NOISE * float(np.median(densities.max(axis=0)))
    sigmas = np.maximum(noises, least)
    scaled = densities / sigmas[:, None].astype(np.float32)
    squares = np.einsum("mv,mv->v", scaled, scaled)
    costs = np.empty((len(patterns), densities.shape[1]), dtype=np.float32)
    for cost, pattern in zip(costs, patterns):
        direction = pattern / sigmas
        direction /= np.linalg.norm(direction)
        along = np.maximum(direction.astype(np.float32) @ scaled, 0)
        np.subtract(squares, along**2, out=cost)
    costs /= 2
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
