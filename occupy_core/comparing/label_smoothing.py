# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth the labels of voxels with a Potts model, solved by iterated conditional modes.

Ours, not in the published program. The limits below are our own choice. Arrays hold values for the voxels of the
molecule only: (voxel), (map, voxel) or (pattern, voxel). A label is the number of the pattern that a voxel follows;
pattern 0 is "no difference".
"""

from __future__ import annotations

import math
from typing import Any, List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around, scatter
from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.limits import MIN_VOXELS, MIXING_REACH
from occupy_core.comparing.patterns import Labels, Pattern

# Å. Weight of the borders between patterns relative to the fit; larger values give shorter and smoother borders. An
# area of border costs as much as one unit of log-likelihood per voxel in a layer of this thickness over the area.
_BORDER_COST = 4.0

# Smallest noise, relative to the median density: maps of one molecule differ by more than their noise.
_MIN_NOISE = 0.1

# Largest number of passes over all voxels between two refits, and number of refits of the patterns.
_MAX_PASSES, _REFITS = 15, 3

# Share of a pattern's voxels, those farthest from other labels: the pattern is refitted to their densities.
_INNER_SHARE = 0.3

# A voxel's density under any pattern is this share of the density of its strongest map, and the rest of its density
# under the likeliest pattern; `_label_costs` says why.
_STRONGEST_SHARE = 2 / 3


def smooth_labels(
    labels: Labels,
    patterns: Sequence[Pattern],
    densities: Floats,
    noises: Sequence[float],
    molecule: Mask,
    spacing: float,
) -> Labels:
    """Smooth the voxel labels, with borders that are short and lie where the maps have them.

    Parameters
    ----------
    labels : uint8 array (voxel)
        First label of each voxel.
    patterns : sequence of float64 arrays (map)
        Relative densities of each pattern; the first pattern is "no difference".
    densities : float32 array (map, voxel)
        Densities on one grey scale, under a narrow smoothing.
    noises : sequence of float
        Standard deviation of each map's noise.
    molecule : bool array, 3D
        The molecule's mask.
    spacing : float
        Spacing of the grid, Å.

    Returns
    -------
    uint8 array (voxel)
        The smoothed labels.

    Notes
    -----
    A hidden Markov random field (Zhang, Brady & Smith, IEEE Trans. Med. Imaging 20 (2001), 45) with a Potts model,
    solved by iterated conditional modes (Besag, J. R. Statist. Soc. B 48 (1986), 259): each voxel takes the label under
    which its densities are likeliest, with a cost for each of its six neighbours that has another label. Patterns that
    were found under a wide smoothing are mixed with their neighbours, and so would their borders be: the patterns are
    refitted to the inner voxels of their parts, and the labels smoothed again.
    """
    for refits_left in range(_REFITS, -1, -1):
        if not labels.any():  # the last pass took the few labels for noise
            break
        box = box_around(scatter(labels > 0, molecule), round(MIXING_REACH / spacing))
        in_box = np.zeros_like(molecule)
        in_box[box] = molecule[box]
        in_box = in_box[molecule]
        costs = _label_costs(patterns, densities[:, in_box], noises)
        costs *= np.float32(spacing / _BORDER_COST)
        before, labels = labels, labels.copy()
        labels[in_box] = _iterate_conditional_modes(labels[in_box], costs, molecule[box])
        if refits_left and not np.array_equal(labels, before):
            patterns = _refit_patterns(labels, patterns, densities, molecule)
    return labels


def _refit_patterns(labels: Labels, patterns: Sequence[Pattern], densities: Floats, molecule: Mask) -> List[Pattern]:
    """Refit each pattern to the mean densities of its inner voxels; "no difference" stays."""
    result = list(patterns)
    for number in range(1, len(patterns)):
        own = labels == number
        if own.sum() < MIN_VOXELS:
            continue
        box = box_around(scatter(own, molecule), 3)
        depth = ndimage.distance_transform_edt(~scatter(~own, molecule)[box])[scatter(own, molecule)[box]]
        inner = own.copy()
        inner[own] = depth >= np.quantile(depth, 1 - _INNER_SHARE)
        means = densities[:, inner].mean(axis=1, dtype=np.float64)
        if means.max() > 0:
            result[number] = np.clip(means / means.max(), 0, 1)
    return result


def _iterate_conditional_modes(labels: Labels, costs: Floats, molecule: Mask) -> Labels:
    """Return the labels at a local minimum of their costs (pattern, voxel) plus the cost of their borders.

    `molecule` is the mask (3D) whose voxels have the labels; voxels outside count as neighbours of no pattern.
    """
    padded = np.full(tuple(side + 2 for side in molecule.shape), len(costs), dtype=np.uint8)
    middle = padded[1:-1, 1:-1, 1:-1]
    middle[molecule] = labels
    for _ in range(_MAX_PASSES):
        best = np.zeros(costs.shape[1], dtype=np.uint8)
        least = np.full(costs.shape[1], math.inf, dtype=np.float32)
        for number, cost in enumerate(costs):
            total = cost - _count_neighbours(padded == number)[molecule]
            better = total < least
            best[better] = number
            least[better] = total[better]
        if np.array_equal(best, middle[molecule]):
            break
        middle[molecule] = best
    result: Labels = middle[molecule]
    return result


def _label_costs(patterns: Sequence[Pattern], densities: Floats, noises: Sequence[float]) -> Floats:
    """Return the negative log-likelihood of each voxel's densities under each pattern (pattern, voxel).

    It is |d - density x pattern|^2 / 2, with the voxel's densities d in standard deviations of the noise, and one
    density for all patterns. With a density of its own for each pattern, the pattern with weaker maps would fit the
    blur between two parts less well, and its part would come out too small. With the density of the strongest map
    alone, noise looks like a difference.
    """
    strongest = densities.max(axis=0)
    sigmas = np.maximum(noises, _MIN_NOISE * float(np.median(strongest)))
    scaled = densities / sigmas[:, None].astype(np.float32)
    squares = np.einsum("mv,mv->v", scaled, scaled)
    costs = np.empty((len(patterns), densities.shape[1]), dtype=np.float32)
    likeliest, lengths = _project_on_patterns(patterns, sigmas, scaled, squares, costs)
    density = np.maximum(strongest, 0)
    density *= np.float32(_STRONGEST_SHARE)
    density += np.float32(1 - _STRONGEST_SHARE) * likeliest
    for along, length in zip(costs, lengths):
        # |d - density x pattern|^2 / 2, where `along` is d . pattern and `length` is |pattern|^2
        along *= -density
        along += (squares + density**2 * np.float32(length)) / 2
    return costs


def _project_on_patterns(
    patterns: Sequence[Pattern], sigmas: NDArray[np.float64], scaled: Floats, squares: Floats, projections: Floats
) -> Tuple[Floats, List[float]]:
    """Write the product of each voxel's densities with each pattern into `projections` (pattern, voxel).

    Return each voxel's density under the likeliest pattern, and the squared length of each pattern. Patterns and
    `scaled` densities are in standard deviations of the noise; `squares` are the squared lengths of the densities.
    """
    likeliest = np.zeros(scaled.shape[1], dtype=np.float32)
    least = np.full(scaled.shape[1], math.inf, dtype=np.float32)
    lengths = []
    for along, pattern in zip(projections, patterns):
        direction = (pattern / sigmas).astype(np.float32)
        length = float(direction @ direction)
        np.matmul(direction, scaled, out=along)
        density = np.maximum(along / np.float32(length), 0)
        distance = squares - density**2 * np.float32(length)
        better = distance < least
        likeliest[better], least[better] = density[better], distance[better]
        lengths.append(length)
    return likeliest, lengths


def _count_neighbours(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """Count the face neighbours (0..6) that are in a mask, for each voxel except those on the faces of the array."""
    inner, before, after = slice(1, -1), slice(None, -2), slice(2, None)
    count = mask[before, inner, inner].astype(np.uint8)
    for neighbour in (
        (after, inner, inner),
        (inner, before, inner),
        (inner, after, inner),
        (inner, inner, before),
        (inner, inner, after),
    ):
        count += mask[neighbour]
    return count
