# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell maps of one molecule from maps of different molecules, and copies of one map from classes.

Ours, not in the published program.
"""

from __future__ import annotations

import hashlib
import math
from typing import AbstractSet, Dict, FrozenSet, List, NamedTuple, Sequence, Tuple

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

    A class that does not agree with it, but with a class that does, shows the same molecule: of many classes, the first
    and the last may have little in common. It gets the agreement with that class.

    Parameters
    ----------
    classes : sequence of ClassData
        In one pose, on one coarse grid.
    reference : int
        Index of the reference class.
    """
    found = {reference: Agreement(1.0, 1.0)}
    others = {index: _agreement(classes[reference], item) for index, item in enumerate(classes) if index != reference}
    linked = [index for index, agreement in others.items() if agreement.is_of_one_molecule]
    while linked:
        link = linked.pop()
        found[link] = others.pop(link)
        for index in others.keys() - set(linked):
            agreement = _agreement(classes[link], classes[index])
            if agreement.is_of_one_molecule:
                others[index] = agreement
                linked.append(index)
    found.update(others)
    return tuple(found[index] for index in range(len(classes)))


def _agreement(one: ClassData, other: ClassData) -> Agreement:
    """Return how well two classes agree."""
    density, molecule, other_density, both = (
        item.load() for item in (one.density, one.molecule, other.density, other.molecule)
    )
    either = molecule | both
    whole = _correlation(density[either], other_density[either])
    both &= molecule
    first, second = density[both], other_density[both]
    inside = _correlation(first - first.mean(), second - second.mean()) if first.size >= MIN_VOXELS else 0.0
    return Agreement(inside, whole)


def other_molecules(agreements: Sequence[Agreement]) -> FrozenSet[int]:
    """Return the indices of the classes that do not show the molecule of the reference class."""
    return frozenset(index for index, agreement in enumerate(agreements) if not agreement.is_of_one_molecule)


def _correlation(one: Floats, other: Floats) -> float:
    """Return the correlation of two arrays about 0; NaN where one of them is 0."""
    spread = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / spread if spread > 0 else math.nan


def other_molecule_warnings(agreements: Sequence[Agreement], names: Sequence[str], reference: int) -> List[str]:
    """Warn about classes that do not show the molecule of the reference class."""
    return [
        f"{name} and {names[reference]} do not show one molecule in one pose: inside both molecules their densities "
        f"correlate by {agreement.inside:.2f}, classes of one molecule by {MIN_INSIDE:g} and more. Occupancies mean "
        "nothing then, and regions that it makes are unsure. Check that these are the right files, and that none is "
        "turned or mirrored"
        for name, agreement in zip(names, agreements)
        if not agreement.is_of_one_molecule
    ]


def other_molecule_doubt(others: AbstractSet[int], names: Sequence[str], reference: int) -> str:
    """Return why a region is unsure that is made by classes of another molecule; an empty text if there are none."""
    if not others:
        return ""
    made_by = " and ".join(names[index] for index in sorted(others))
    return f"a difference of {made_by}, which shows another molecule or pose than {names[reference]}"


def copy_warnings(densities: Sequence[DiskArray], names: Sequence[str]) -> List[str]:
    """Warn about maps that are equal in every voxel; each is compared with one that comes before it."""
    warnings = []
    first: Dict[bytes, int] = {}
    for index, (density, name) in enumerate(zip(densities, names)):  # by checksum: one map is in memory at a time
        earlier = first.setdefault(hashlib.sha256(density.load().data).digest(), index)
        if earlier != index:
            both = f"{name} and {names[earlier]}" if name != names[earlier] else f"two maps of the name {name}"
            warnings.append(f"{both} are copies of one map, equal in every voxel: check that they are the right files")
    return warnings
