# SPDX-License-Identifier: GPL-3.0-or-later
"""Where maps of one molecule differ by more than noise explains, split by the pattern of the difference.

Ours, not in the published program. All statistics are linear in the maps: they have no bias from noise, as the kernel
maximum has, so that classes of unequal noise do not differ by it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around, scatter
from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.smoothing import gaussian_smooth, gaussian_smooth_at
from occupy_core.arrays.types import Floats, Mask, Volume
from occupy_core.comparing.disk_array import DiskArray
from occupy_core.comparing.label_smoothing import smooth_labels
from occupy_core.comparing.patterns import find_patterns, nearest_patterns
from occupy_core.fourier.transforms import ROUNDING

# Full widths in Å of the smoothings under which maps are compared: a large difference shows in a noisy map only under
# a wide one, and borders are sharp only under a narrow one.
_WIDTHS = (8.0, 12.0, 20.0, 30.0)
_NARROW = 4.0  # Å: for borders, where what is around a voxel makes up for the noise
# Below that the maps' resolutions differ more than their contents do.
_DETECTION_WIDTHS = (12.0, 20.0, 30.0)
_SIGNIFICANT = 6.0  # standard deviations of the difference of two smoothed maps
_LEAST_RELATIVE = 0.15  # of the stronger map's smoothed density
# Of the local density, for a width to be wide enough: to find patterns by, and to tell first which one a voxel follows.
_MOST_NOISE, _MOST_NOISE_KNOWN = 0.15, 0.2
_FAINT = 0.25  # of the density where the reference is whole: what is below in every map is no part of the molecule
_AROUND = 8.0  # Å: what is this near to density is no solvent
_GROWTH = 3.0  # Å
_JOINED = 9.0  # Å: what has one pattern and lies this near is one part, since noise breaks thin parts
_LEAST_VOLUME = 4000.0  # Å^3


@dataclass(frozen=True)
class Maps:
    """Maps to compare, on one grid.

    Attributes
    ----------
    densities : sequence of Stored float32 arrays
        With the solvent at 0.
    insides : sequence of Stored bool arrays
        Where each is neither flat nor beyond the inscribed sphere.
    molecule : bool array
        Where any holds density.
    common : bool array
        Where all hold the same, to tell their grey scales by; nothing set when that is not known.
    full : bool array
        Where the reference is whole.
    spacing : float
        Å.
    threads : int
    """

    densities: Sequence[DiskArray]
    insides: Sequence[DiskArray]
    molecule: Mask
    common: Mask
    full: Mask
    spacing: float
    threads: int = 1


@dataclass(frozen=True)
class Part:
    """A connected part of one pattern.

    Attributes
    ----------
    mask, grown : bool arrays
        The part, and the same with its surroundings.
    sure : float
        Of how much of it the difference between two maps is sure voxel by voxel, times the root of its volume over
        4000 Å^3.
    significance : float
        Mean difference between the map where it is strongest and that where it is weakest, smoothed by 12 Å, in
        standard deviations of its noise, times the same root: the mean over a larger part has less noise.
    """

    mask: Mask
    grown: Mask
    sure: float
    significance: float


def differing_parts(maps: Maps, reference: int) -> List[Part]:
    """Connected parts where the maps differ, each of one pattern; grey scales are brought to the reference's."""
    molecule, spacing = maps.molecule, maps.spacing
    size = int(molecule.sum())
    seeds = np.zeros(size, dtype=bool)
    fused, sharper = (np.zeros((len(maps.densities), size), dtype=np.float32) for _ in range(2))
    solvent = _solvent(maps)
    for width in _WIDTHS:
        smooth, noises = _smoothed(maps, solvent, reference, width)
        strongest = smooth.max(axis=0)
        if width in _DETECTION_WIDTHS:
            seeds |= _differing(smooth, noises, strongest)
        if width == _DETECTION_WIDTHS[0]:
            finest, finest_noises = DiskArray(smooth), noises
        for result, most in ((fused, _MOST_NOISE), (sharper, _MOST_NOISE_KNOWN)):
            fine = (strongest * np.float32(most) > max(noises)) | (width == _WIDTHS[-1])
            fine &= ~result.any(axis=0)
            result[:, fine] = smooth[:, fine]
        del smooth  # before the next is made
    strongest = fused.max(axis=0)
    # A molecule that was told from low-pass filtered noise, map by map, reaches into solvent.
    dense = strongest > np.float32(_FAINT * np.median(strongest[maps.full[molecule]]))
    seeds = seeds[dense]
    if not seeds.any():
        return []
    molecule = scatter(dense, molecule)
    patterns = find_patterns(_relative(fused[:, dense]), strongest[dense], seeds, molecule, spacing)
    owners = nearest_patterns(_relative(sharper[:, dense]), patterns, seeds)
    del fused, sharper  # before more is made
    if owners.any():
        sharp, noises = _smoothed(maps, solvent, reference, _NARROW)
        owners = smooth_labels(owners, patterns, sharp[:, dense], noises, molecule, spacing)
    owners = scatter(owners, molecule)
    seeds = scatter(seeds, molecule)
    smooth = finest.load()[:, dense]
    masks, certainties = [], []
    # Labels and distances take many times the memory of a mask: not where nothing is.
    box = box_around(molecule, math.ceil(_JOINED / 2 / spacing) + 1)
    seeds = seeds[box]
    for number in range(1, int(owners.max()) + 1):
        opened = ndimage.binary_opening(owners[box] == number)
        labels, count = ndimage.label(_near(opened, _JOINED / 2, spacing))
        labels[~opened] = 0
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        sure_of = np.bincount(labels[seeds], minlength=count + 1)
        for label in range(1, count + 1):
            times = sizes[label] * spacing**3 / _LEAST_VOLUME
            if times >= 1:
                mask = np.zeros_like(molecule)
                mask[box] = labels == label
                masks.append(mask)
                contrast = _contrast(smooth[:, mask[molecule]], finest_noises)
                certainties.append(
                    [math.sqrt(times) * float(value) for value in (sure_of[label] / sizes[label], contrast)]
                )
    grown = _grown(masks, molecule & (owners == 0), spacing)
    return [Part(mask, more, *certainty) for mask, more, certainty in zip(masks, grown, certainties)]


def _relative(values: Floats) -> Floats:
    """Relative to the strongest map's; 0..1."""
    strongest = values.max(axis=0)
    result = np.divide(values, strongest, out=np.ones_like(values), where=strongest > 0)
    return np.clip(result, 0, 1, out=result)


def _grown(masks: Sequence[Mask], rest: Mask, spacing: float) -> List[Mask]:
    """The masks with 3 Å more on every side, but for what is nearer to another or to the rest of the molecule: density
    reaches beyond where a map is dense, and what is at a border is in doubt."""
    if not masks:
        return []
    numbers: NDArray[np.int16] = np.zeros(rest.shape, dtype=np.int16)
    for number, mask in enumerate(masks, start=1):
        numbers[mask] = number
    near = _near(numbers > 0, _GROWTH, spacing)
    numbers[rest] = len(masks) + 1
    box = box_around(near)
    places = ndimage.distance_transform_edt(numbers[box] == 0, return_distances=False, return_indices=True)
    nearest = np.zeros_like(numbers)
    nearest[box] = numbers[box][tuple(places)]
    return [near & (nearest == number) for number in range(1, len(masks) + 1)]


def _near(mask: Mask, distance: float, spacing: float) -> Mask:
    if not mask.any():
        return mask
    box = box_around(mask, math.ceil(distance / spacing))
    near = np.zeros_like(mask)
    near[box] = ndimage.distance_transform_edt(~mask[box]) * spacing <= distance * (1 + ROUNDING)
    return near


def _solvent(maps: Maps) -> Mask:
    """Where no map holds density: told by what is clearly the molecule, since to leave out all that might be would
    leave out the stronger half of the noise."""
    width = _DETECTION_WIDTHS[0] / maps.spacing
    dense = np.zeros(int(maps.molecule.sum()), dtype=bool)
    for stored in maps.densities:
        smooth = gaussian_smooth_at(stored.load(), maps.molecule, width, threads=maps.threads)
        dense |= smooth > np.float32(_FAINT * np.median(smooth[maps.full[maps.molecule]]))
    return ~any_within(scatter(dense, maps.molecule), round(_AROUND / maps.spacing), threads=maps.threads)


def _smoothed(maps: Maps, solvent: Mask, reference: int, width: float) -> Tuple[Floats, List[float]]:
    """The maps under a smoothing, brought to one grey scale (map, voxel of the molecule), and their noise."""
    voxels = width / maps.spacing
    smooth = np.empty((len(maps.densities), int(maps.molecule.sum())), dtype=np.float32)
    noises = []
    place = None
    for row, density, inside in zip(smooth, maps.densities, maps.insides):
        values = density.load()
        row[:] = gaussian_smooth_at(values, maps.molecule, voxels, threads=maps.threads)
        free = inside.load() & solvent
        if place is None or not np.array_equal(free, place.free):
            place = _NoisePlace.of(free, voxels, maps.threads)
        noises.append(place.noise(values, voxels, maps.threads))
    if maps.common.any():
        # Under each smoothing again, since maps of unequal resolution or regularisation fade unequally.
        heights = smooth[:, maps.common[maps.molecule]]
        for index in range(len(smooth)):
            gain = float(np.median(heights[index] / heights[reference]))
            if gain > 0:
                smooth[index] /= np.float32(gain)
                noises[index] /= gain
    return smooth, noises


@dataclass(frozen=True)
class _NoisePlace:
    """Where the noise of a smoothed map is told, by the solvent alone.

    Flat areas and the molecule are left out before smoothing, and the power that they take is made up for.
    """

    free: Mask
    place: Mask
    power: Floats  # of white noise, at the place

    @classmethod
    def of(cls, free: Mask, width: float, threads: int) -> _NoisePlace:
        share = free.astype(np.float32)
        # The square of a Gaussian is one of a width smaller by the root of 2.
        gaussian_smooth(share, width / math.sqrt(2), threads=threads, out=share)
        place = free & (share > 0.5 * share.max())
        return cls(free, place, share[place])

    def noise(self, values: Volume, width: float, threads: int) -> float:
        """Standard deviation of the smoothed map's noise; 0 where there is no solvent. The values are not kept."""
        if not self.power.size:
            return 0.0
        values *= self.free
        alone = gaussian_smooth(values, width, threads=threads, out=values)[self.place]
        alone *= alone
        alone /= self.power
        return math.sqrt(float(alone.mean(dtype=np.float64)))


def _contrast(smooth: Floats, noises: Sequence[float]) -> float:
    """Mean difference between the highest and the lowest of these maps, in standard deviations of its noise."""
    heights = smooth.mean(axis=1, dtype=np.float64)
    high, low = int(heights.argmax()), int(heights.argmin())
    return float(heights[high] - heights[low]) / max(math.hypot(noises[high], noises[low]), 1e-30)


def _differing(smooth: Floats, noises: Sequence[float], strongest: Floats) -> Mask:
    """Where two maps differ by surely more than noise explains, and by enough to matter."""
    sure = np.zeros(strongest.shape, dtype=bool)
    least = np.float32(_LEAST_RELATIVE) * strongest
    for one, other in itertools.combinations(range(len(smooth)), 2):
        noise = max(math.hypot(noises[one], noises[other]), 1e-30)
        sure |= np.abs(smooth[one] - smooth[other]) > np.maximum(np.float32(_SIGNIFICANT * noise), least)
    return sure
