# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pattern over the classes each voxel of the molecule follows.

Ours, not in the published program. Values are kept for the voxels of the molecule alone, in the order of its mask:
arrays over several maps have the axes (map, voxel).
"""

from __future__ import annotations

import itertools
from typing import List, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from occupy_core.arrays.boxes import box_around, scatter
from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.types import Floats, Mask

Numbers = NDArray[np.uint8]
Pattern = NDArray[np.float64]

_AROUND = 8.0  # Å: what is this near to a pattern's place tells the pattern, and what is this near to a part is border
_CHANGE = 0.1  # of the relative density within a voxel, at which a place says half as much about patterns
_MIXED = 0.2  # a pattern this near to a mixture of others may be their blur
_FIRM = 100.0  # of the equation that the weights of a mixture add up to 1, relative to the others
_BLUR = 6.0  # Å
_LEAST_DEEP = 0.2  # of what has a pattern, further than that from what has another, unless it is blur
_MOST_PATTERNS = 20
_ALIKE = 0.25  # parts whose patterns differ by less everywhere are of one pattern


def find_patterns(relative: Floats, strongest: Floats, seeds: Mask, molecule: Mask, spacing: float) -> List[Pattern]:
    """The patterns over the maps that voxels follow; the first one is no difference.

    Parameters
    ----------
    relative : float32 array (map, voxel)
        Densities relative to the strongest map's; 0..1.
    strongest : float32 array (voxel)
        The strongest map's density.
    seeds : bool array (voxel)
        Where maps surely differ.
    molecule : bool array, 3D
        Where the voxels are.
    spacing : float
        Å.

    Returns
    -------
    list of float64 arrays (map)

    Notes
    -----
    Patterns are taken one by one, each from where the largest difference is that none so far explains.
    """
    reach = round(_AROUND / spacing)
    lowest = relative.min(axis=0)
    left = scatter(seeds & (lowest < 1 - _ALIKE), molecule)
    # A place between two patterns is of neither; inside one nothing changes.
    merit = (1 - lowest) * strongest / (1 + _change(relative, molecule) / np.float32(_CHANGE))
    order = scatter(np.arange(len(merit), dtype=np.int32), molecule)
    patterns: List[Pattern] = [np.ones(len(relative))]
    owners = np.zeros(len(merit), dtype=np.uint8)
    tries = 0
    while left.any() and tries < _MOST_PATTERNS:
        tries += 1
        voxels = order[left]
        peak = np.argwhere(left)[merit[voxels].argmax()]
        box = tuple(slice(max(0, int(place) - reach // 2), int(place) + reach // 2 + 1) for place in peak)
        voxels = order[box][left[box]]
        pattern = np.average(relative[:, voxels], axis=1, weights=merit[voxels])
        left[box] = False
        if min(np.abs(pattern - other).max() for other in patterns) < _ALIKE:
            continue
        patterns = _refined(relative, [*patterns, pattern], seeds)
        owners = _nearest(relative, patterns)
        explained = (owners > 0) & (_distance(relative, patterns, owners) < _ALIKE)
        left &= ~any_within(scatter(explained, molecule), reach)
    return _without_borders(relative, patterns, owners, molecule, seeds, spacing)


def nearest_patterns(relative: Floats, patterns: List[Pattern], seeds: Mask) -> Numbers:
    """The number of the pattern that each voxel is nearest to, the patterns first moved to what maps of this smoothing
    hold; arrays as of `patterns_of`."""
    return _nearest(relative, _refined(relative, patterns, seeds))


def _change(relative: Floats, molecule: Mask) -> Floats:
    """How much the relative densities change within a voxel: their standard deviation, over all maps."""
    molecule = molecule[box_around(molecule, 1)]
    weight = np.maximum(ndimage.uniform_filter(molecule.astype(np.float32), 3)[molecule], np.float32(1e-3))
    variance = np.zeros(relative.shape[1], dtype=np.float32)
    for values in relative:
        mean, square = (
            ndimage.uniform_filter(scatter(power, molecule), 3)[molecule] / weight for power in (values, values**2)
        )
        variance += np.maximum(square - mean**2, 0)
    change: Floats = np.sqrt(variance)
    return change


def _without_borders(
    relative: Floats, patterns: List[Pattern], owners: Numbers, molecule: Mask, seeds: Mask, spacing: float
) -> List[Pattern]:
    """Without patterns that are only the blur of others beside one another, or no difference to speak of."""
    while len(patterns) > 1:
        doubtful = []
        for number in range(1, len(patterns)):
            others = [pattern for index, pattern in enumerate(patterns) if index != number]
            own = owners == number
            alike = any(np.abs(patterns[number] - other).max() < _ALIKE for other in others)
            if alike or not own.any() or _is_mixed(patterns[number], others) and _is_thin(own, molecule, spacing):
                doubtful.append((int(own.sum()), number))
        if not doubtful:
            break
        del patterns[min(doubtful)[1]]
        patterns = _refined(relative, patterns, seeds)
        owners = _nearest(relative, patterns)
    return patterns


def _is_mixed(pattern: Pattern, others: Sequence[Pattern]) -> bool:
    """Whether a pattern is a mixture of two others or, where three meet, of three."""
    for chosen in itertools.combinations(others, min(3, len(others))):
        # The weights of a mixture add up to 1.
        columns = np.vstack([np.array(chosen).T, np.full(len(chosen), _FIRM)])
        weights, _ = optimize.nnls(columns, np.append(pattern, _FIRM))
        if np.abs(np.array(chosen).T @ weights - pattern).max() < _MIXED:
            return True
    return False


def _is_thin(part: Mask, molecule: Mask, spacing: float) -> bool:
    """Whether little of a part is far from the rest of the molecule."""
    box = box_around(molecule)
    depth = ndimage.distance_transform_edt(~scatter(~part, molecule)[box])[molecule[box]][part] * spacing
    return bool((depth > _BLUR).sum() < _LEAST_DEEP * depth.size)


def _refined(relative: Floats, patterns: List[Pattern], seeds: Mask) -> List[Pattern]:
    """Patterns moved to the middle of what is near them; the first one, no difference, stays, as does one with nothing
    near. What is not so near is the blur between two parts: it would draw a pattern to its neighbour, and with it the
    border."""
    values, patterns = relative[:, seeds], list(patterns)
    for _ in range(3):
        owners = _nearest(values, patterns)
        close = _distance(values, patterns, owners) < _ALIKE
        for number in range(1, len(patterns)):
            near = values[:, (owners == number) & close]
            patterns[number] = np.median(near, axis=1) if near.size else patterns[number]
    return patterns


def _nearest(relative: Floats, patterns: Sequence[Pattern]) -> Numbers:
    distances = [((relative - pattern[:, None].astype(np.float32)) ** 2).sum(axis=0) for pattern in patterns]
    owners: Numbers = np.argmin(distances, axis=0).astype(np.uint8)
    return owners


def _distance(relative: Floats, patterns: Sequence[Pattern], owners: Numbers) -> Floats:
    """The largest over the maps from each voxel to its owner."""
    result = np.zeros(relative.shape[1], dtype=np.float32)
    for values, centres in zip(relative, np.array(patterns, dtype=np.float32).T):
        np.maximum(result, np.abs(centres[owners] - values), out=result)
    return result
