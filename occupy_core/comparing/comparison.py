# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the regions where the classes of a classification differ, their occupancies, and how sure they are.

Ours, not in the published program.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import FrozenSet, List, Optional, Sequence, Tuple

import numpy as np

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.arrays.types import Floats, Mask, Volume
from occupy_core.comparing.changes import distances_between, is_flexible, moved_pairs
from occupy_core.comparing.class_data import ClassData, choose_reference_class, densities_and_scales
from occupy_core.comparing.class_warnings import grey_scale_warnings, pose_warnings
from occupy_core.comparing.common_part import CommonPart, find_common_part, no_common_part
from occupy_core.comparing.inner_noise import NoiseOfMeans, independent_places
from occupy_core.comparing.limits import BLUR_OF_LOWPASS, CANDIDATE_SIGMAS, MIN_DIFFERENCE, MIN_OCCUPANCY, TINY
from occupy_core.comparing.occupancies import Interval, inner_voxels, mixing_with, read_occupancies
from occupy_core.comparing.poses import Pose, align_classes
from occupy_core.comparing.regions import Part, differing_parts
from occupy_core.comparing.same_molecule import (
    Agreement,
    agreement_with_reference,
    copy_warnings,
    other_molecule_doubt,
    other_molecule_warnings,
    other_molecules,
)
from occupy_core.comparing.smoothed_maps import ClassMaps
from occupy_core.comparing.verdict import NO_COMMON_PART, doubt, sure_sigmas


@dataclass(frozen=True)
class Region:
    """A connected region where classes differ.

    Attributes
    ----------
    mask : bool array, 3D
        On the coarse grid.
    volume : float
        Å^3.
    centre : tuple of float
        Mean position along z, y, x, in Å from voxel 0.
    occupancies : tuple of Interval
        Occupancy of the region in each class on the shared scale, with its 90 % interval; 0..1.
    difference : Interval
        Largest difference in occupancy between two classes, with its 90 % interval; 0..1.
    sigmas : float
        This difference, in standard deviations of the noise that a region of this size has in this classification.
    doubt : str
        Why the region is unsure, in words; empty for a sure region.
    is_flexible : bool
        Whether the part is blurred, rather than missing, in the class where it reads lowest.
    moved_with : int, optional
        Index of the region that is the same part in its other place; None for a part that has not moved.
    """

    mask: Mask
    volume: float
    centre: Tuple[float, float, float]
    occupancies: Tuple[Interval, ...]
    difference: Interval
    sigmas: float
    doubt: str = ""
    is_flexible: bool = False
    moved_with: Optional[int] = None

    @property
    def is_sure(self) -> bool:
        """Whether noise is ruled out as the cause of the region."""
        return not self.doubt

    @property
    def spread(self) -> float:
        """The largest difference in occupancy between two classes; 0..1."""
        return self.difference.value

    @property
    def extremes(self) -> FrozenSet[int]:
        """Indices of the classes with the highest and the lowest occupancy."""
        values = [item.value for item in self.occupancies]
        return frozenset((values.index(max(values)), values.index(min(values))))


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison of classes.

    Attributes
    ----------
    regions : tuple of Region
        The sure regions first; both kinds sorted by volume times difference in occupancy, the largest first.
    spread : float32 array, 3D
        Difference in occupancy between the strongest and the weakest class at each voxel of the coarse grid; 0..1.
    grey_factors : tuple of float
        Mean density of the common part in each class, relative to the reference class; NaN if there is no common part.
    poses : tuple of Pose
        Pose of each class relative to the reference class, before it was brought into that class's pose.
    reference : int
        Index of the reference class.
    densities : tuple of DiskArray of float32
        Density of each class, in the pose in which it was compared.
    warnings : tuple of str
    agreements : tuple of Agreement
        Agreement of each class with the reference class; empty for a focused classification.
    """

    regions: Tuple[Region, ...]
    spread: Volume
    grey_factors: Tuple[float, ...]
    poses: Tuple[Pose, ...]
    reference: int
    densities: Tuple[DiskArray, ...]
    warnings: Tuple[str, ...] = ()
    agreements: Tuple[Agreement, ...] = ()

    @property
    def sure_regions(self) -> Tuple[Region, ...]:
        """The regions that noise is ruled out for."""
        return tuple(region for region in self.regions if region.is_sure)


def compare_classes(
    classes: Sequence[ClassData],
    names: Sequence[str],
    *,
    spacing: float,
    lowpass: float,
    reference: Optional[int] = None,
    focused: bool = False,
    threads: int = 1,
) -> Comparison:
    """Find the regions where classes differ.

    Parameters
    ----------
    classes : sequence of ClassData
        Two or more, on one coarse grid.
    names : sequence of str
        Names of the classes, for texts.
    spacing : float
        Spacing of the coarse grid, Å.
    lowpass : float
        Low-pass of the classes, Å.
    reference : int, optional
        Index of the reference class, whose full scale counts as 1; by default the class with the largest span.
    focused : bool
        Whether the classification was done within a mask around a part of the molecule. Nothing need be the same in all
        classes then, so they keep their poses and grey scales.
    threads : int
        The result does not depend on it.

    Notes
    -----
    All classes are brought into one pose and onto one grey scale. Differences are looked for in smoothed maps, a linear
    statistic, where they exceed four standard deviations of their noise. Each voxel of the molecule is then labelled
    with the nearest pattern over the classes, which may be "no difference". A region is a connected part of one
    pattern, grown by 3 Å, but not onto voxels that are nearer to the rest of the molecule. It is sure if noise makes no
    region of its size and difference anywhere in the molecule (`verdict.sure_sigmas`). The noise is what the classes
    differ by where nothing differs (`two_groups`).
    """
    reference = choose_reference_class(classes, reference)
    molecule = classes[0].molecule.load()
    for item in classes[1:]:  # one by one: many classes take no more memory than two
        molecule |= item.molecule.load()
    copies = copy_warnings([item.density for item in classes], names)
    agreements: Tuple[Agreement, ...] = ()
    if focused:
        poses, common = [Pose()] * len(classes), no_common_part(classes, reference)
    else:
        classes, poses = align_classes(classes, reference, spacing=spacing, threads=threads)
        agreements = agreement_with_reference(classes, reference)
        common = find_common_part(classes, reference, spacing=spacing, threads=threads)
    maps = ClassMaps(
        [item.density for item in classes],
        [item.solvent_region for item in classes],
        molecule,
        common.mask,
        classes[reference].best_region.load(),
        spacing,
        threads,
    )
    parts, noise = differing_parts(maps, reference)
    regions, spread = _measure_parts(parts, classes, common, noise, maps, names, reference, lowpass)
    if not focused and not common.mask.any():
        regions = [replace(region, doubt=region.doubt or NO_COMMON_PART) for region in regions]
    others = other_molecules(agreements)
    regions = [
        replace(region, doubt=region.doubt or other_molecule_doubt(others & region.extremes, names, reference))
        for region in regions
    ]
    regions.sort(key=lambda region: (not region.is_sure, -region.volume * region.spread))
    regions = _with_moved_pairs(regions, spacing)
    warnings = [
        *copies,
        *other_molecule_warnings(agreements, names, reference),
        *(() if focused else grey_scale_warnings(common, names, reference)),
        *pose_warnings(poses, names, reference),
    ]
    densities = tuple(item.density for item in classes)
    return Comparison(
        tuple(regions),
        spread,
        common.grey_factors,
        tuple(poses),
        reference,
        densities,
        tuple(warnings),
        agreements,
    )


def _measure_parts(
    parts: Sequence[Part],
    classes: Sequence[ClassData],
    common: CommonPart,
    noise: NoiseOfMeans,
    maps: ClassMaps,
    names: Sequence[str],
    reference: int,
    lowpass: float,
) -> Tuple[List[Region], Volume]:
    """Return the parts that differ enough, as regions, and the spread of the scale at each voxel."""
    densities, scales, spread = densities_and_scales(classes, common.scale_factors, maps.molecule)
    if common.mask.any():
        means = densities[:, common.mask[maps.molecule]].mean(axis=1, keepdims=True)
        densities *= means[reference] / means
    pairs = len(classes) * (len(classes) - 1) // 2
    molecule_volume = float(maps.molecule.sum()) * maps.spacing**3
    regions = []
    for part in parts:
        volume = float(part.mask.sum()) * maps.spacing**3
        here = noise.at_volume(volume)
        chosen = inner_voxels(part.mask, maps.spacing)
        inner = chosen[maps.molecule]
        width = BLUR_OF_LOWPASS * lowpass / maps.spacing
        mixing = mixing_with(maps.molecule & ~part.mask, part.mask, chosen, width, maps.threads)
        of_half = noise.at_volume(float(chosen.sum()) / 2 * maps.spacing**3)
        reading = read_occupancies(densities[:, inner], scales[:, inner], mixing, here, of_half)
        needed = sure_sigmas(independent_places(molecule_volume, volume), pairs)
        # The mean alone would not do: the voxels of a part were chosen because they differ.
        sigmas = min(reading.sigmas, part.evidence * needed)
        z, y, x = (float(indices.mean()) * maps.spacing for indices in np.nonzero(part.grown_mask))
        region = Region(
            part.grown_mask,
            float(part.grown_mask.sum()) * maps.spacing**3,
            (z, y, x),
            reading.occupancies,
            reading.difference,
            sigmas,
            doubt(sigmas, needed, here.excess, reading.pair, names),
        )
        is_strong = max(item.value for item in region.occupancies) > MIN_OCCUPANCY and region.spread > MIN_DIFFERENCE
        if is_strong and region.sigmas > CANDIDATE_SIGMAS:
            regions.append(replace(region, is_flexible=_is_flexible(part, densities, maps, reading.pair)))
    return regions, spread


def _is_flexible(part: Part, densities: Floats, maps: ClassMaps, pair: Tuple[int, int]) -> bool:
    """Return whether a part is blurred in the lowest of two classes; densities are (class, voxel of the molecule)."""
    volumes = []
    for index in pair:
        volume = maps.densities[index].load()
        inside = volume[maps.molecule]
        volume *= np.float32(float(densities[index].sum()) / max(float(inside.sum()), TINY))
        volumes.append(volume)
    highest, lowest = volumes
    return is_flexible(part.mask, highest, lowest, maps.spacing)


def _with_moved_pairs(regions: List[Region], spacing: float) -> List[Region]:
    """Return the regions, with the pairs that are one part in two places joined by their indices."""
    sure = [index for index, region in enumerate(regions) if region.is_sure]
    values = np.array([[item.value for item in regions[index].occupancies] for index in sure])
    distances = distances_between([regions[index].mask for index in sure], spacing)
    result = list(regions)
    for one, other in moved_pairs(values, [regions[index].volume for index in sure], distances):
        result[sure[one]] = replace(result[sure[one]], moved_with=sure[other])
        result[sure[other]] = replace(result[sure[other]], moved_with=sure[one])
    return result
