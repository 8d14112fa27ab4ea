# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring all classes into the pose of the reference class.

Ours, not in the published program. A classification sorts particles by the errors of their poses too: classes of
identical particles are then rotated and shifted against one another by a few degrees and Å, which makes most of the
difference between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.disk_array import DiskArray
from occupy_core.arrays.rigid_motion import MOTIONS, RigidMotion, small_motions
from occupy_core.arrays.smoothing import gaussian_smooth
from occupy_core.arrays.types import Mask, Volume
from occupy_core.comparing.class_data import ClassData
from occupy_core.comparing.limits import (
    BLUR_REACH,
    DETECTION_WIDTHS,
    MAX_FITTED_VOXELS,
    MIN_RELATIVE_DENSITY,
    MIN_VOXELS,
)
from occupy_core.comparing.two_groups import Doubles, fit_two_groups

# Most rounds of fitting and moving; Å: displacement of the molecule's outer voxels below which a round is the last.
_MAX_ROUNDS, _LAST_DISPLACEMENT = 8, 0.3

# A class is moved only if that leaves at most this share of the noise in its difference to the reference class. In
# classifications by RELION, true motions left 0.8 and less; large parts that differ feigned motions that left 0.84 and
# more. Our choice.
_MAX_NOISE_LEFT = 0.8

_IN_VOXELS = (1.0, 1.0, 1.0)  # spacing of the grid in units of motions

# Columns of `_patterns` that are no motion: grey scale and blur.
_OTHER_CHANGES = slice(MOTIONS, MOTIONS + 2)


@dataclass(frozen=True)
class Pose:
    """Pose of a class relative to the reference class.

    Attributes
    ----------
    shift : float
        Distance of the molecule's centre from its place in the reference class, Å.
    rotation : float
        Angle, degrees, 0..180.
    displacement : float
        Root mean square displacement of the molecule's voxels, Å.
    """

    shift: float = 0.0
    rotation: float = 0.0
    displacement: float = 0.0


def align_classes(
    classes: Sequence[ClassData], reference: int, *, spacing: float, threads: int = 1
) -> Tuple[List[ClassData], List[Pose]]:
    """Bring all classes into the pose of the reference class.

    Parameters
    ----------
    classes : sequence of ClassData
        On one coarse grid.
    reference : int
        Index of the reference class.
    spacing : float
        Spacing of the coarse grid, Å.
    threads : int

    Returns
    -------
    aligned : list of ClassData
        With density and scale in the pose of the reference class; their solvent and molecule are as before.
    poses : list of Pose
        Pose of each class before.

    Notes
    -----
    A small motion changes a map by a sum of six known patterns, made of the map's gradient. Two more patterns are the
    map itself, for another grey scale, and its Laplacian, for another resolution; they are told from motions, and stay
    in the maps. `fit_two_groups` finds how much of each pattern the difference to the reference class holds, whatever
    part of the molecule differs otherwise. Maps are moved, and the fit is repeated until nothing moves any more.
    """
    own_molecule = classes[reference].molecule.load()
    own = gaussian_smooth(classes[reference].density.load(), DETECTION_WIDTHS[0] / spacing, threads=threads)
    aligned, poses = [], []
    for index, item in enumerate(classes):
        if index == reference:
            aligned.append(item)
            poses.append(Pose())
            continue
        molecule = own_molecule | item.molecule.load()
        box = box_around(molecule, math.ceil(BLUR_REACH / spacing))
        density = item.density.load()
        motion, pose = _relative_pose(own[box], density[box], molecule[box], spacing, threads)
        if pose.displacement > 0:
            scale = item.own_scale.load()
            density[box], scale[box] = motion.moved(density[box]), np.clip(motion.moved(scale[box]), 0, 1)
            item = replace(item, density=DiskArray(density), own_scale=DiskArray(scale))
        aligned.append(item)
        poses.append(pose)
    return aligned, poses


def _relative_pose(
    reference: Volume, volume: Volume, molecule: Mask, spacing: float, threads: int
) -> Tuple[RigidMotion, Pose]:
    """Return the motion that brings a map into the pose of the smoothed reference map, and its pose before."""
    volume = gaussian_smooth(volume, DETECTION_WIDTHS[0] / spacing, threads=threads)
    strongest = np.maximum(reference, volume)
    dense = molecule & (strongest > np.float32(MIN_RELATIVE_DENSITY * np.percentile(strongest[molecule], 95)))
    positions = np.argwhere(dense).astype(np.float64)
    identity = RigidMotion.none(positions.mean(axis=0) if len(positions) else np.zeros(3), _IN_VOXELS)
    if len(positions) < MIN_VOXELS:
        return identity, Pose()
    chosen = np.flatnonzero(dense)[:: len(positions) // MAX_FITTED_VOXELS + 1]
    patterns = _patterns(reference, chosen, identity.centre)
    difference = (volume - reference).ravel()[chosen]
    without = with_motion = fit_two_groups(difference, patterns[:, _OTHER_CHANGES])
    motion = identity
    for _ in range(_MAX_ROUNDS):
        if motion is not identity:
            difference = (motion.moved(volume) - reference).ravel()[chosen]
            with_motion = fit_two_groups(difference, patterns[:, _OTHER_CHANGES])
        factors = fit_two_groups(difference, patterns).coefficients
        step = identity.after(factors[:MOTIONS]).displacement(positions) * spacing
        if step < _LAST_DISPLACEMENT:
            break
        if not step < max(reference.shape) * spacing:  # out of the box, or NaN: the maps do not tell a motion
            return identity, Pose()
        motion = motion.after(factors[:MOTIONS])
    if with_motion.sigma > _MAX_NOISE_LEFT * without.sigma:
        return identity, Pose()
    pose = Pose(
        motion.shift * spacing,
        motion.angle,
        motion.displacement(positions) * spacing,
    )
    if pose.displacement > DETECTION_WIDTHS[0] and not _agree_better(reference, volume, motion.moved(volume), dense):
        return identity, Pose()
    return motion, pose


def _agree_better(reference: Volume, before: Volume, after: Volume, dense: Mask) -> bool:
    """Return whether a map correlates better with the reference map after a motion than before, where maps are dense.

    In noise, a large motion may explain a third of the voxels and make the others worse.
    """
    old, new = (float(np.corrcoef(reference[dense], volume[dense])[0, 1]) for volume in (before, after))
    return new > abs(old)


def _patterns(reference: Volume, chosen: NDArray[np.intp], centre: Doubles) -> Doubles:
    """Return the changes of a map at chosen voxels (flat index) under small motions: (voxel, pattern).

    Shifts along the three axes, rotations about them through the centre, another grey scale, another blur.
    """
    whole = tuple(slice(0, side) for side in reference.shape)
    motions = small_motions(reference, whole, centre, _IN_VOXELS).reshape(MOTIONS, -1)[:, chosen]
    blur = ndimage.laplace(reference).ravel()[chosen]
    return np.stack([*motions, reference.ravel()[chosen], blur], axis=1).astype(np.float64)
