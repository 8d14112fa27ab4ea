# SPDX-License-Identifier: GPL-3.0-or-later
"""Warn about the grey scales and the poses of classes."""

from __future__ import annotations

import math
from typing import List, Sequence

from occupy_core.comparing.common_part import CommonPart
from occupy_core.comparing.limits import TINY
from occupy_core.comparing.poses import Pose

# Relative deviation of a class's grey scale from that of the reference class, above which the user is warned.
_GREY_TOLERANCE = 0.2

# Å: root mean square displacement of a class's molecule above which the class counts as in another pose.
_TOLD_DISPLACEMENT = 2.0


def grey_scale_warnings(common: CommonPart, names: Sequence[str], reference: int) -> List[str]:
    """Warn about classes on another grey scale than the reference class, or that grey scales could not be checked."""
    if not common.mask.any():
        return ["the classes have no common part: their grey scales could not be checked, and occupancies may be wrong"]
    return [
        f"{name}: the common part of the classes has {factor:.2f} times the density that it has in "
        f"{names[reference]}: it is on another grey scale, or its particles are badly aligned"
        for name, factor in zip(names, common.grey_factors)
        if math.isfinite(factor) and abs(math.log(max(factor, TINY))) > math.log(1 + _GREY_TOLERANCE)
    ]


def is_in_another_pose(pose: Pose) -> bool:
    """Return whether a class was clearly in another pose than the reference class."""
    return pose.displacement > _TOLD_DISPLACEMENT


def pose_warnings(poses: Sequence[Pose], names: Sequence[str], reference: int) -> List[str]:
    """Tell of classes that were clearly in another pose than the reference class."""
    return [
        f"{name} is rotated by {pose.rotation:.1f} degrees and shifted by {pose.shift:.1f} Å against "
        f"{names[reference]}; it was compared in the pose of {names[reference]}, and the masks lie in that pose"
        for name, pose in zip(names, poses)
        if is_in_another_pose(pose)
    ]
