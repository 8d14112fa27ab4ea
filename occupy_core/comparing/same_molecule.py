# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell maps of one molecule from maps of different molecules, and copies of one map from classes.

Ours, not in the published program.
"""

from __future__ import annotations

import hashlib
import math
from typing import Dict, List, Sequence, Tuple

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.comparing.class_data import ClassData
from occupy_core.comparing.limits import MIN_VOXELS

# Correlation with the reference class below which a class shows another molecule. In 10 classifications by RELION it
# was 0.68 and more, the lowest for 360 particles in two classes. Of beta-galactosidase, Env, Pol II, EMD-6824, EMD-1832
# and a synthetic complex on one grid, no two had more than 0.28; maps beside their mirror images reached 0.42. A map
# beside its own mask has 0.55 to 0.63 and is not told. Ours.
MIN_CORRELATION = 0.5


def correlations_with_reference(classes: Sequence[ClassData], reference: int) -> Tuple[float, ...]:
    """Return the correlation of each class with the reference class inside the molecule of both (-1..1).

    A part that one of them lacks does not count.

    Parameters
    ----------
    classes : sequence of ClassData
        In one pose, on one coarse grid.
    reference : int
        Index of the reference class.

    Returns
    -------
    tuple of float
        0 where the molecules overlap in too few voxels; NaN where a density is constant in them.
    """
    density, molecule = classes[reference].density.load(), classes[reference].molecule.load()
    correlations = []
    for index, item in enumerate(classes):
        if index == reference:
            correlations.append(1.0)
            continue
        both = molecule & item.molecule.load()
        if both.sum() < MIN_VOXELS:
            correlations.append(0.0)
            continue
        one, other = density[both], item.density.load()[both]
        one -= one.mean()
        other -= other.mean()
        spread = math.sqrt(float(one @ one) * float(other @ other))
        correlations.append(float(one @ other) / spread if spread > 0 else math.nan)
    return tuple(correlations)


def is_another_molecule(correlation: float) -> bool:
    """Return whether a class with this correlation with the reference class shows another molecule."""
    return correlation < MIN_CORRELATION


def other_molecule_warnings(correlations: Sequence[float], names: Sequence[str], reference: int) -> List[str]:
    """Warn about classes that do not show the molecule of the reference class."""
    return [
        f"{name} and {names[reference]} do not show one molecule in one pose: inside both molecules their densities "
        f"correlate by {correlation:.2f}, classes of one molecule by {MIN_CORRELATION:g} and more; regions and "
        "occupancies mean nothing then. Check that these are the right files, and that none is turned or mirrored"
        for name, correlation in zip(names, correlations)
        if is_another_molecule(correlation)
    ]


def copy_warnings(densities: Sequence[DiskArray], names: Sequence[str]) -> List[str]:
    """Warn about maps that are equal in every voxel; each is compared with one that comes before it."""
    warnings = []
    first: Dict[bytes, str] = {}
    for density, name in zip(densities, names):  # by checksum: one map is in memory at a time
        earlier = first.setdefault(hashlib.sha256(density.load().data).digest(), name)
        if earlier != name:
            warnings.append(
                f"{name} and {earlier} are copies of one map, equal in every voxel: check that they are the right files"
            )
    return warnings
