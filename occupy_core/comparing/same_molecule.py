# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell maps of one molecule from maps of different molecules, and copies of one map from classes.

Ours, not in the published program.
"""

from __future__ import annotations

import hashlib
import math
from typing import Dict, List, NamedTuple, Sequence, Tuple

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.arrays.types import Floats
from occupy_core.comparing.class_data import ClassData
from occupy_core.comparing.limits import MIN_VOXELS

# Agreement with the reference class: a class that is below both limits shows another molecule. Of beta-galactosidase,
# Env, Pol II, EMD-6824, EMD-1832 and a synthetic complex on one grid, no two had more than 0.28 and 0.65. Classes of
# one molecule had 0.68 and 0.89 and more in 10 classifications by RELION, but 0.28 and 0.78 where two classes lack a
# third of a molecule each. Maps beside their mirror images or beside their own masks are not told. Ours.
MIN_INSIDE, MIN_WHOLE = 0.35, 0.7


class Agreement(NamedTuple):
    """Agreement of a class with the reference class.

    Attributes
    ----------
    inside : float
        Correlation of the densities inside both molecules, where a part that one class lacks does not count; -1..1. 0
        where the molecules overlap in too few voxels, NaN where a density is constant.
    whole : float
        Correlation about 0 (solvent) of the densities inside either molecule; -1..1, NaN for a density of 0.
    """

    inside: float
    whole: float

    @property
    def is_of_one_molecule(self) -> bool:
        """Whether the class may show the molecule of the reference class; True where this cannot be told."""
        return not (self.inside < MIN_INSIDE and self.whole < MIN_WHOLE)


def agreement_with_reference(classes: Sequence[ClassData], reference: int) -> Tuple[Agreement, ...]:
    """Return how well each class agrees with the reference class.

    Parameters
    ----------
    classes : sequence of ClassData
        In one pose, on one coarse grid.
    reference : int
        Index of the reference class.
    """
    density, molecule = classes[reference].density.load(), classes[reference].molecule.load()
    found = []
    for index, item in enumerate(classes):
        if index == reference:
            found.append(Agreement(1.0, 1.0))
            continue
        own, other = item.molecule.load(), item.density.load()
        whole = _correlation(density[molecule | own], other[molecule | own])
        own &= molecule
        one, other = density[own], other[own]
        inside = _correlation(one - one.mean(), other - other.mean()) if one.size >= MIN_VOXELS else 0.0
        found.append(Agreement(inside, whole))
    return tuple(found)


def _correlation(one: Floats, other: Floats) -> float:
    """Return the correlation of two arrays about 0; NaN where one of them is 0."""
    spread = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / spread if spread > 0 else math.nan


def other_molecule_warnings(agreements: Sequence[Agreement], names: Sequence[str], reference: int) -> List[str]:
    """Warn about classes that do not show the molecule of the reference class."""
    return [
        f"{name} and {names[reference]} do not show one molecule in one pose: inside both molecules their densities "
        f"correlate by {agreement.inside:.2f}, classes of one molecule by {MIN_INSIDE:g} and more; regions and "
        "occupancies mean nothing then. Check that these are the right files, and that none is turned or mirrored"
        for name, agreement in zip(names, agreements)
        if not agreement.is_of_one_molecule
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
