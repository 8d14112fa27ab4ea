# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the parts of a molecule where class maps differ by more than noise explains, split by the pattern of the
difference.

Ours, not in the published program. The limits below are our own choice; docs/classes.md shows what they find and miss
in simulated classifications. Arrays over several maps have the axes (map, voxel of the molecule).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around, scatter
from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.inner_noise import (
    Noise,
    NoiseOfMeans,
    averaged_volume,
    independent_places,
    most_under_narrower,
    noise_inside,
)
from occupy_core.comparing.label_smoothing import smooth_labels
from occupy_core.comparing.limits import CANDIDATE_SIGMAS, DETECTION_WIDTHS, MIN_RELATIVE_DENSITY, TINY
from occupy_core.comparing.patterns import find_patterns, nearest_patterns
from occupy_core.comparing.smoothed_maps import ClassMaps, region_without_density, smoothed_maps
from occupy_core.comparing.two_groups import Doubles
from occupy_core.comparing.verdict import sure_sigmas
from occupy_core.fourier.transforms import ROUNDING

# Å, full widths at half maximum of the smoothings from which densities are taken: borders are sharp only under a narrow
# one.
_WIDTHS = (8.0, *DETECTION_WIDTHS)

# Å, full width of the smoothing that places borders; the neighbours of a voxel make up for the noise.
_BORDER_WIDTH = 4.0

# Standard deviation of the noise relative to the local density. A voxel takes its densities from the narrowest
# smoothing that leaves less noise: the first limit holds for finding patterns, the second for choosing the pattern that
# a voxel follows.
_MAX_NOISE_FOR_PATTERNS, _MAX_NOISE_FOR_LABELS = 0.15, 0.2

# Å by which parts grow on every side.
_GROWTH = 3.0

# Å: pieces of one pattern that are nearer than this are one part, because noise breaks thin parts.
_JOINING_DISTANCE = 9.0

# Å^3: smaller parts are left out.
_MIN_VOLUME = 4000.0


@dataclass(frozen=True)
class Part:
    """A connected part of the molecule that follows one pattern.

    Attributes
    ----------
    mask : bool array, 3D
        The part, on the coarse grid.
    grown_mask : bool array, 3D
        The part and up to 3 Å around it.
    evidence : float
        Largest difference of two maps under a detection smoothing, at any voxel of the part, relative to the difference
        that noise hardly makes anywhere in the molecule (`verdict.sure_sigmas`); no unit, 1 or more for a sure part.
    """

    mask: Mask
    grown_mask: Mask
    evidence: float


class _Smoothings(NamedTuple):
    """Densities and noise under several smoothings, and the voxels where the densities differ."""

    differing: Mask  # (voxel): two maps may differ under some smoothing
    evidence: Floats  # (voxel): as in `Part`
    for_patterns: Floats  # densities under the narrowest smoothing with little noise
    for_labels: Floats  # densities under a narrower smoothing: more noise, sharper borders
    noise: NoiseOfMeans  # in the grey scale of the reference class


def differing_parts(maps: ClassMaps, reference: int) -> Tuple[List[Part], NoiseOfMeans]:
    """Find the connected parts where the maps may differ, each following one pattern.

    Parameters
    ----------
    maps : ClassMaps
    reference : int
        Index of the reference class; the other maps are brought to its grey scale.

    Returns
    -------
    parts : list of Part
        Noise makes some of them; `verdict.judge` tells which.
    noise : NoiseOfMeans
        In the grey scale of the reference class.
    """
    empty = region_without_density(maps, DETECTION_WIDTHS[0])
    differing, evidence, for_patterns, for_labels, noise = _smooth_and_detect(maps, empty, reference)
    strongest = for_patterns.max(axis=0)
    # The molecule was found map by map. Where the noise of a map is low-pass filtered, it may reach into solvent.
    dense = strongest > np.float32(MIN_RELATIVE_DENSITY * np.median(strongest[maps.fully_occupied[maps.molecule]]))
    differing = differing[dense]
    if not differing.any():
        return [], noise
    molecule = scatter(dense, maps.molecule)
    patterns = find_patterns(
        _relative_to_strongest(for_patterns[:, dense]), strongest[dense], differing, molecule, maps.spacing
    )
    labels = nearest_patterns(_relative_to_strongest(for_labels[:, dense]), patterns, differing)
    del for_patterns, for_labels  # frees their memory before the maps are smoothed again
    if labels.any():
        densities, noises = smoothed_maps(maps, empty, reference, _BORDER_WIDTH)
        labels = smooth_labels(labels, patterns, densities[:, dense], noises, molecule, maps.spacing)
    label_map = scatter(labels, molecule)
    masks = list(_connected_masks(label_map, molecule, maps.spacing))
    grown = grow_masks(masks, molecule & (label_map == 0), maps.spacing)
    evidences = [float(evidence[mask[maps.molecule]].max()) for mask in masks]
    return [Part(*item) for item in zip(masks, grown, evidences)], noise


def _smooth_and_detect(maps: ClassMaps, empty: Mask, reference: int) -> _Smoothings:
    """Smooth the maps by each width, measure their noise, and detect the voxels where they may differ."""
    size = int(maps.molecule.sum())
    differing, evidence = np.zeros(size, dtype=bool), np.zeros(size, dtype=np.float32)
    for_patterns, for_labels = (np.zeros((len(maps.densities), size), dtype=np.float32) for _ in range(2))
    by_width: Dict[float, Noise] = {}
    most = math.inf  # largest noise that the maps may have, by that under the wider smoothings
    for width, narrower in zip(_WIDTHS[::-1], (*_WIDTHS[-2::-1], _WIDTHS[0])):
        densities, solvent_noises = smoothed_maps(maps, empty, reference, width)
        strongest = densities.max(axis=0)
        noise = noise_inside(densities, solvent_noises)
        if width in DETECTION_WIDTHS:
            sigmas = _largest_difference(densities, noise.of_pairs)
            differing |= sigmas > np.float32(CANDIDATE_SIGMAS)
            places = independent_places(size * maps.spacing**3, averaged_volume(width))
            sigmas /= np.float32(sure_sigmas(places, len(densities) * (len(densities) - 1) // 2))
            np.maximum(evidence, sigmas, out=evidence)
            by_width[width] = noise
        largest = min(float(noise.of_classes.max()), most)
        for result, limit in ((for_patterns, _MAX_NOISE_FOR_PATTERNS), (for_labels, _MAX_NOISE_FOR_LABELS)):
            usable = (strongest * np.float32(limit) > largest) | (width == _WIDTHS[-1])
            result[:, usable] = densities[:, usable]  # replaces densities under a wider smoothing
        most = most_under_narrower(largest, width, narrower)
        del densities  # frees its memory before the next smoothing
    return _Smoothings(differing, evidence, for_patterns, for_labels, NoiseOfMeans(by_width))


def _largest_difference(densities: Floats, noise_of_pairs: Doubles) -> Floats:
    """Return each voxel's largest difference between two maps, in standard deviations of the noise of the pair."""
    result = np.zeros(densities.shape[1], dtype=np.float32)
    for one, other in itertools.combinations(range(len(densities)), 2):
        difference = np.abs(densities[one] - densities[other])
        difference /= np.float32(max(float(noise_of_pairs[one, other]), TINY))
        np.maximum(result, difference, out=result)
    return result


def _relative_to_strongest(densities: Floats) -> Floats:
    """Divide by the density of the strongest map at each voxel; 0..1, and 1 where no map has density."""
    strongest = densities.max(axis=0)
    result = np.divide(densities, strongest, out=np.ones_like(densities), where=strongest > 0)
    return np.clip(result, 0, 1, out=result)


def _connected_masks(label_map: NDArray[np.uint8], molecule: Mask, spacing: float) -> Iterator[Mask]:
    """Yield the mask of each connected part of one pattern that is large enough.

    The arrays are 3D; `label_map` holds the pattern number of each voxel, 0 where the maps do not differ.
    """
    # Labels and distances take many times the memory of a mask: compute them in the molecule's box only.
    box = box_around(molecule, math.ceil(_JOINING_DISTANCE / 2 / spacing) + 1)
    for number in range(1, int(label_map.max()) + 1):
        opened = ndimage.binary_opening(label_map[box] == number)
        pieces, count = ndimage.label(within_distance(opened, _JOINING_DISTANCE / 2, spacing))
        pieces[~opened] = 0
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)
        for piece in range(1, count + 1):
            if sizes[piece] * spacing**3 >= _MIN_VOLUME:
                mask = np.zeros_like(molecule)
                mask[box] = pieces == piece
                yield mask


def grow_masks(masks: Sequence[Mask], rest: Mask, spacing: float) -> List[Mask]:
    """Grow masks by 3 Å, except onto voxels that are nearer to another mask or to the rest of the molecule.

    Density reaches beyond the voxels where a map is dense, and voxels at a border are uncertain.
    """
    if not masks:
        return []
    numbers: NDArray[np.int16] = np.zeros(rest.shape, dtype=np.int16)
    for number, mask in enumerate(masks, start=1):
        numbers[mask] = number
    near = within_distance(numbers > 0, _GROWTH, spacing)
    numbers[rest] = len(masks) + 1
    box = box_around(near)
    indices = ndimage.distance_transform_edt(numbers[box] == 0, return_distances=False, return_indices=True)
    nearest = np.zeros_like(numbers)
    nearest[box] = numbers[box][tuple(indices)]
    return [near & (nearest == number) for number in range(1, len(masks) + 1)]


def within_distance(mask: Mask, distance: float, spacing: float) -> Mask:
    """Return the voxels whose distance to the mask is at most `distance` Å."""
    if not mask.any():
        return mask
    box = box_around(mask, math.ceil(distance / spacing))
    near = np.zeros_like(mask)
    near[box] = ndimage.distance_transform_edt(~mask[box]) * spacing <= distance * (1 + ROUNDING)
    return near
