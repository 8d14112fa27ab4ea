# SPDX-License-Identifier: GPL-3.0-or-later
"""Find patterns (relative densities over the classes), and the pattern that each voxel of the molecule follows.

Ours, not in the published program. The limits below are our own choice. Arrays hold values for the voxels of the
molecule only, in the order of the molecule's mask: (voxel), or (map, voxel) for several maps. A label is the number of
the pattern that a voxel follows; pattern 0 is "no difference": 1 in every map.
"""

from __future__ import annotations

import itertools
from typing import List, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around, scatter
from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.limits import MIXING_REACH

Labels = NDArray[np.uint8]
Pattern = NDArray[np.float64]

# Standard deviation of the relative densities in a cube of 3 voxels: at this change, a voxel counts half as much where
# a new pattern is looked for.
_HALF_MERIT_CHANGE = 0.1

# Largest difference over the maps (relative density): a pattern this near to a mixture of others may be their blur.
_MAX_MIXTURE_DIFFERENCE = 0.2

# Weight of the equation that the weights of a mixture add up to 1, relative to the equations of the maps.
_SUM_WEIGHT = 100.0

# Å: a mixture is blur where it is nearer than this to the rest of the molecule.
_BLUR_DEPTH = 6.0

# Share of a mixture's voxels that are deeper than the blur: with less, the mixture is blur and no pattern.
_MIN_DEEP_SHARE = 0.2

# Largest number of cubes in which a new pattern is looked for.
_MAX_TRIES = 20

# Largest difference over the maps (relative density): patterns that differ by less are one pattern.
_MAX_DIFFERENCE = 0.25

# How often patterns are moved to the middle of the voxels near them.
_REFINEMENTS = 3


def find_patterns(relative: Floats, strongest: Floats, seeds: Mask, molecule: Mask, spacing: float) -> List[Pattern]:
    """Find the patterns over the maps that voxels follow.

    Parameters
    ----------
    relative : float32 array (map, voxel)
        Densities relative to the strongest map at each voxel; 0..1.
    strongest : float32 array (voxel)
        Density of the strongest map.
    seeds : bool array (voxel)
        Voxels where maps differ significantly.
    molecule : bool array, 3D
        The molecule's mask.
    spacing : float
        Spacing of the grid, Å.

    Returns
    -------
    list of float64 arrays (map)
        Relative densities of each pattern, 0..1; the first pattern is "no difference".

    Notes
    -----
    Patterns are found one after the other, each the average over a cube of 8 Å around the voxel with the largest
    difference that no pattern explains yet. No new pattern starts within 8 Å of a part that patterns explain, which is
    its border. Patterns that are only the blur between two others are removed at the end.
    """
    reach = round(MIXING_REACH / spacing)
    lowest = relative.min(axis=0)
    unexplained = scatter(seeds & (lowest < 1 - _MAX_DIFFERENCE), molecule)
    # Inside a part the relative densities are even; a voxel where they change lies between two patterns.
    merit = (1 - lowest) * strongest / (1 + _change(relative, molecule) / np.float32(_HALF_MERIT_CHANGE))
    voxel_numbers = scatter(np.arange(len(merit), dtype=np.int32), molecule)
    patterns: List[Pattern] = [np.ones(len(relative))]
    labels = np.zeros(len(merit), dtype=np.uint8)
    tries = 0
    while unexplained.any() and tries < _MAX_TRIES:
        tries += 1
        voxels = voxel_numbers[unexplained]
        peak = np.argwhere(unexplained)[merit[voxels].argmax()]
        box = tuple(slice(max(0, int(index) - reach // 2), int(index) + reach // 2 + 1) for index in peak)
        voxels = voxel_numbers[box][unexplained[box]]
        pattern = np.average(relative[:, voxels], axis=1, weights=merit[voxels])
        unexplained[box] = False
        if min(np.abs(pattern - other).max() for other in patterns) < _MAX_DIFFERENCE:
            continue
        patterns = _refine(relative, [*patterns, pattern], seeds)
        labels = _nearest_labels(relative, patterns)
        explained = (labels > 0) & (_largest_difference(relative, patterns, labels) < _MAX_DIFFERENCE)
        unexplained &= ~any_within(scatter(explained, molecule), reach)
    return _without_blur(relative, patterns, labels, molecule, seeds, spacing)


def nearest_patterns(relative: Floats, patterns: List[Pattern], seeds: Mask) -> Labels:
    """Label each voxel with the pattern nearest to it, after moving the patterns to these densities.

    Parameters
    ----------
    relative : float32 array (map, voxel)
        Densities relative to the strongest map at each voxel, 0..1; the smoothing may differ from that in
        `find_patterns`.
    patterns : list of float64 arrays (map)
        The patterns from `find_patterns`.
    seeds : bool array (voxel)
        Voxels where maps differ significantly.

    Returns
    -------
    uint8 array (voxel)
        The label of each voxel.
    """
    return _nearest_labels(relative, _refine(relative, patterns, seeds))


def _change(relative: Floats, molecule: Mask) -> Floats:
    """Return the standard deviation of the relative densities in a cube of 3 voxels, over all maps together."""
    molecule = molecule[box_around(molecule, 1)]
    share = ndimage.uniform_filter(molecule.astype(np.float32), 3)[molecule]
    variance = np.zeros(relative.shape[1], dtype=np.float32)
    for values in relative:
        mean, mean_square = (
            ndimage.uniform_filter(scatter(power, molecule), 3)[molecule] / share for power in (values, values**2)
        )
        variance += np.maximum(mean_square - mean**2, 0)
    change: Floats = np.sqrt(variance)
    return change


def _without_blur(
    relative: Floats, patterns: List[Pattern], labels: Labels, molecule: Mask, seeds: Mask, spacing: float
) -> List[Pattern]:
    """Remove patterns that are only the blur between other patterns, or that hardly differ from another pattern.

    The pattern with the fewest voxels is removed first, then the remaining patterns are checked again.
    """
    while len(patterns) > 1:
        doubtful = []
        for number in range(1, len(patterns)):
            others = [pattern for index, pattern in enumerate(patterns) if index != number]
            own = labels == number
            alike = any(np.abs(patterns[number] - other).max() < _MAX_DIFFERENCE for other in others)
            if alike or not own.any() or _is_mixture(patterns[number], others) and _is_thin(own, molecule, spacing):
                doubtful.append((int(own.sum()), number))
        if not doubtful:
            break
        del patterns[min(doubtful)[1]]
        patterns = _refine(relative, patterns, seeds)
        labels = _nearest_labels(relative, patterns)
    return patterns


def _is_mixture(pattern: Pattern, others: Sequence[Pattern]) -> bool:
    """Return whether a pattern is near to a mixture of two or three of the others."""
    from scipy import optimize  # slow to load, and comparisons of few patterns do not need it

    for chosen in itertools.combinations(others, min(3, len(others))):
        # The last equation says that the weights of a mixture add up to 1.
        columns = np.vstack([np.array(chosen).T, np.full(len(chosen), _SUM_WEIGHT)])
        weights, _ = optimize.nnls(columns, np.append(pattern, _SUM_WEIGHT))
        if np.abs(np.array(chosen).T @ weights - pattern).max() < _MAX_MIXTURE_DIFFERENCE:
            return True
    return False


def _is_thin(part: Mask, molecule: Mask, spacing: float) -> bool:
    """Return whether few voxels of a part are far from the rest of the molecule."""
    box = box_around(molecule)
    depth = ndimage.distance_transform_edt(~scatter(~part, molecule)[box])[molecule[box]][part] * spacing
    return bool((depth > _BLUR_DEPTH).sum() < _MIN_DEEP_SHARE * depth.size)


def _refine(relative: Floats, patterns: List[Pattern], seeds: Mask) -> List[Pattern]:
    """Move each pattern to the median of the seeds near it; "no difference" and patterns without seeds near stay.

    Seeds farther off are the blur between two parts: they would draw the pattern, and with it the border, to its
    neighbour.
    """
    values, patterns = relative[:, seeds], list(patterns)
    for _ in range(_REFINEMENTS):
        labels = _nearest_labels(values, patterns)
        close = _largest_difference(values, patterns, labels) < _MAX_DIFFERENCE
        for number in range(1, len(patterns)):
            near = values[:, (labels == number) & close]
            patterns[number] = np.median(near, axis=1) if near.size else patterns[number]
    return patterns


def _nearest_labels(relative: Floats, patterns: Sequence[Pattern]) -> Labels:
    """Label each voxel with the pattern at the smallest Euclidean distance over the maps."""
    distances = np.zeros((len(patterns), relative.shape[1]), dtype=np.float32)
    for distance, pattern in zip(distances, patterns):
        for values, centre in zip(relative, pattern.astype(np.float32)):  # map by map: no copy of all maps
            distance += (values - centre) ** 2
    labels: Labels = np.argmin(distances, axis=0).astype(np.uint8)
    return labels


def _largest_difference(relative: Floats, patterns: Sequence[Pattern], labels: Labels) -> Floats:
    """Return each voxel's largest difference, over the maps, from the pattern of its label."""
    result = np.zeros(relative.shape[1], dtype=np.float32)
    for values, centres in zip(relative, np.array(patterns, dtype=np.float32).T):
        np.maximum(result, np.abs(centres[labels] - values), out=result)
    return result
