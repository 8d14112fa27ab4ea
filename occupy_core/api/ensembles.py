# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a comparison of many maps. This project's method, not the published program's (docs/ensembles.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Sequence, Tuple

from occupy_core.api.occupancy import Occupancy
from occupy_core.arrays.types import Mask, Volume
from occupy_core.comparing.region_masks import soft_mask
from occupy_core.ensembles.compare_volumes import EnsembleComparison, EnsemblePart
from occupy_core.settings.job_spec import MapInput


@dataclass(frozen=True, eq=False)
class DifferingPart:
    """A part of the molecule that comes and goes in an ensemble of maps, or that moves.

    Attributes
    ----------
    number : int
        From 1: those that come and go first, then those that move; of either kind the largest first.
    volume : float
        Å^3.
    centre : tuple of float
        z, y, x in Å, from the centre of the first voxel.
    occupancies : tuple of Occupancy
        One for each compared map, in the order of `EnsembleDifferences.names`; empty for a part that moves.
    moves : bool
        Whether density leaves one place and appears in another at an equal total; such a part has no occupancy.
    """

    number: int
    volume: float
    centre: Tuple[float, float, float]
    occupancies: Tuple[Occupancy, ...]
    moves: bool
    _coarse_mask: Mask = field(repr=False)
    _spacing: float = field(repr=False)  # of the coarse grid, in voxels of the maps
    _shape: Tuple[int, int, int] = field(repr=False)
    _voxel_size: float = field(repr=False)

    @cached_property
    def mask(self) -> Volume:
        """Soft mask of the part: float32 array, 3D, 0..1 on the maps' grid, 0.5 at the part's border."""
        return soft_mask(self._coarse_mask, self._shape, spacing=self._spacing, voxel_size=self._voxel_size)


@dataclass(frozen=True)
class PartRule:
    """A rule on two parts that nearly all maps follow, and that chance hardly explains.

    Attributes
    ----------
    part, other : int
        Numbers of the parts.
    kind : str
        "excludes" (never together), "requires" (the part only together with the other) or "equals" (both or none).
    exceptions, maps : int
        Maps that break the rule, and maps that it is about.
    """

    part: int
    other: int
    kind: str
    exceptions: int
    maps: int


@dataclass(frozen=True, eq=False)
class EnsembleDifferences:
    """Differences in an ensemble of maps.

    Attributes
    ----------
    parts : tuple of DifferingPart
        Empty where the maps differ by no more than noise explains.
    names : tuple of str
        Names of the compared maps.
    clusters : tuple of int
        Number of the cluster of each map, from 1: maps of one cluster have like occupancies. Cluster 1 is the largest.
    rules : tuple of PartRule
        On the parts that come and go.
    grey_factors : tuple of float
        Grey scale of each map relative to the median map, as found from the part that all maps share.
    lowpass : float
        Cutoff of the low-pass that the maps are compared at, Å.
    warnings : tuple of str
        Reasons not to trust the parts, each a sentence.
    """

    parts: Tuple[DifferingPart, ...]
    names: Tuple[str, ...]
    clusters: Tuple[int, ...]
    rules: Tuple[PartRule, ...]
    grey_factors: Tuple[float, ...]
    lowpass: float
    warnings: Tuple[str, ...]


def ensemble_differences(
    comparison: EnsembleComparison, maps: Sequence[MapInput], warnings: Sequence[str]
) -> EnsembleDifferences:
    """Return the public result of a comparison of many maps, with further warnings."""
    volumes = comparison.volumes
    compared = [maps[index] for index in volumes.indices]
    names = [item.name for item in compared]
    if len(set(names)) < len(names):  # files of one name in several folders
        names = [item.path for item in compared]
    return EnsembleDifferences(
        parts=tuple(_part(number, part, comparison) for number, part in enumerate(comparison.parts, start=1)),
        names=tuple(names),
        clusters=tuple(comparison.clusters.numbers.tolist()),
        rules=tuple(
            PartRule(rule.one + 1, rule.other + 1, rule.kind, rule.exceptions, rule.volumes)
            for rule in comparison.rules
        ),
        grey_factors=tuple(volumes.grey_factors.tolist()),
        lowpass=comparison.lowpass,
        warnings=(*warnings, *comparison.warnings),
    )


def _part(number: int, part: EnsemblePart, comparison: EnsembleComparison) -> DifferingPart:
    volumes = comparison.volumes
    return DifferingPart(
        number=number,
        volume=part.volume,
        centre=part.centre,
        occupancies=tuple(Occupancy(*interval) for interval in part.occupancies),
        moves=part.moves,
        _coarse_mask=part.mask,
        _spacing=volumes.step,
        _shape=volumes.grid.shape,
        _voxel_size=volumes.grid.voxel_size,
    )
