# SPDX-License-Identifier: GPL-3.0-or-later
"""The signed difference of two classes, in standard deviations of its noise.

Ours, not in the published program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.smoothing import gaussian_smooth
from occupy_core.arrays.types import Mask, Volume
from occupy_core.comparing.class_data import ClassData
from occupy_core.comparing.common_part import find_common_part
from occupy_core.comparing.inner_noise import noise_inside
from occupy_core.comparing.limits import DETECTION_WIDTHS, MIN_VOXELS, MIXING_REACH, TINY
from occupy_core.comparing.poses import align_classes
from occupy_core.fourier.shells import filter_radially, radial_power

# Standard deviations at which the difference is shown: as many as a difference needs where parts are looked for.
SHOWN_SIGMAS = 4.0

# Å, full width at half maximum of the Gaussian that both classes are smoothed by: the narrowest at which regions are
# detected. A voxel of the map itself is too noisy to show more than large differences.
SMOOTHING = DETECTION_WIDTHS[0]

# Å, full width at half maximum of the Gaussian that softens the border of the common part, to match its amplitudes.
_SOFT_BORDER = 12.0


@dataclass(frozen=True)
class SignedDifference:
    """The first of two classes minus the second.

    Attributes
    ----------
    names : two str
        Names of the classes.
    values : float32 array, 3D
        On the coarse grid, in standard deviations of the noise; 0 farther than 8 Å from the molecule.
    sigma : float
        This standard deviation, in the grey scale of the first class.
    volumes : two float
        Volume where the first class has more by four standard deviations, and where the second has; Å^3.
    warnings : tuple of str
    """

    names: Tuple[str, str]
    values: DiskArray
    sigma: float
    volumes: Tuple[float, float]
    warnings: Tuple[str, ...] = ()


def signed_difference(
    pair: Tuple[ClassData, ClassData],
    names: Tuple[str, str],
    pose: ClassData,
    *,
    focused: bool = False,
    threads: int = 1,
) -> SignedDifference:
    """Subtract the second of two classes from the first, matched in pose, grey scale and resolution.

    Parameters
    ----------
    pair : two ClassData
        The classes, on one coarse grid and at one low-pass.
    names : two str
        Names of the classes, for texts.
    pose : ClassData
        The class into whose pose both are brought.
    focused : bool
        Whether the classification was done within a mask around a part of the molecule: the classes then keep their
        poses and grey scales, and are not matched.
    threads : int
        The result does not depend on it.

    Notes
    -----
    Grey scale and resolution are matched on the part that is the same in both classes: the second class is divided by
    its grey factor, and in each shell of frequencies the stronger class is weakened to the amplitude of the other, so
    that no noise is amplified. Both are then smoothed by 12 Å. The noise is that of `noise_inside`: what most of the
    molecule differs by, and at least that of the solvent.
    """
    warnings: List[str] = []
    spacing = pair[0].spacing
    if focused:
        warnings.append(
            "the classification was done in a mask around a part: nothing need be the same in both classes there, so "
            "they were not matched, and the standard deviation may be too large"
        )
    else:
        pair = _in_one_pose(pair, pose, spacing, threads)
    one, other = (item.density.load() for item in pair)
    if not focused:
        common = find_common_part(pair, 0, spacing=spacing, threads=threads)
        if common.mask.any():
            other /= np.float32(common.grey_factors[1])
            _match_amplitudes(one, other, common.mask, spacing, threads)
        else:
            warnings.append("the two classes have no common part, by which grey scale and resolution could be matched")
    molecule = pair[0].molecule.load() | pair[1].molecule.load()
    near = any_within(molecule, round(MIXING_REACH / spacing), threads=threads)
    solvent = pair[0].solvent_region.load() & pair[1].solvent_region.load() & ~near
    for item in (one, other):
        gaussian_smooth(item, SMOOTHING / spacing, threads=threads, out=item)
    sigma = _noise(one, other, molecule, solvent)
    one -= other
    one *= near
    one /= np.float32(sigma)
    volumes = tuple(float((sign * one > SHOWN_SIGMAS).sum()) * spacing**3 for sign in (1, -1))
    return SignedDifference(names, DiskArray(one), sigma, (volumes[0], volumes[1]), tuple(warnings))


def _in_one_pose(
    pair: Tuple[ClassData, ClassData], pose: ClassData, spacing: float, threads: int
) -> Tuple[ClassData, ClassData]:
    """Bring two classes into the pose of a third, which may be one of them."""
    others = [item for item in pair if item is not pose]
    aligned, _ = align_classes([pose, *others], 0, spacing=spacing, threads=threads)
    moved = dict(zip(map(id, others), aligned[1:]))
    return moved.get(id(pair[0]), pair[0]), moved.get(id(pair[1]), pair[1])


def _match_amplitudes(one: Volume, other: Volume, common: Mask, spacing: float, threads: int) -> None:
    """Weaken two maps, in place, shell by shell, to the lower of the amplitudes that their common part has in them."""
    # Grown into the solvent: a border through density would mix the frequencies.
    grown = any_within(common, round(MIXING_REACH / spacing), threads=threads)
    soft = gaussian_smooth(grown.astype(np.float32), _SOFT_BORDER / spacing, threads=threads)
    powers = [radial_power(volume * soft, threads=threads) for volume in (one, other)]
    filter_radially(one, _weakening(powers[0], powers[1]), threads=threads)
    filter_radially(other, _weakening(powers[1], powers[0]), threads=threads)


def _weakening(own: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the factor of each shell, 0..1, that brings its power down to another; 1 where that is not lower."""
    known = own > TINY * max(float(own.max()), TINY)
    ratio = np.divide(wanted, own, out=np.ones_like(own), where=known)
    factors: NDArray[np.float64] = np.sqrt(np.clip(ratio, 0, 1))
    factors[0] = 1.0  # the mean is in no shell
    return factors


def _noise(one: Volume, other: Volume, molecule: Mask, solvent: Mask) -> float:
    """Return the standard deviation of the noise of the difference of two maps."""
    in_solvent = [
        float(item[solvent].std(dtype=np.float64)) if solvent.sum() >= MIN_VOXELS else 0.0 for item in (one, other)
    ]
    noise = noise_inside(np.stack([one[molecule], other[molecule]]), in_solvent)
    return max(float(noise.of_pairs[0, 1]), math.hypot(*in_solvent), TINY)
