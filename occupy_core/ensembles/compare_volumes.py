# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare many volumes: the parts that come and go together, their occupancy in each volume, clusters of volumes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Mask
from occupy_core.comparing.common_lowpass import coarse_lowpass_warnings, common_lowpass
from occupy_core.comparing.compare_maps import is_small
from occupy_core.comparing.each_map import ReadInput, estimate_settings, read_input
from occupy_core.comparing.limits import MIN_DIFFERENCE, MIN_OCCUPANCY
from occupy_core.comparing.occupancies import Interval
from occupy_core.comparing.same_molecule import copy_warnings
from occupy_core.ensembles.components import find_components
from occupy_core.ensembles.composition import Clusters, Rule, cluster_volumes, find_rules
from occupy_core.ensembles.grey_scales import match_grey_scales
from occupy_core.ensembles.limits import MIN_INDEPENDENCE
from occupy_core.ensembles.motion import moves_alone, moving_groups
from occupy_core.ensembles.parts import find_parts
from occupy_core.ensembles.readings import PartReading, read_parts
from occupy_core.ensembles.stored_volumes import StoredVolumes, store_volumes
from occupy_core.ensembles.variation import Variation, find_variation
from occupy_core.progress import Step, ignore_step
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings

# Share of the comparison's work that is done when all volumes are stored; for the progress alone.
_STORING = 0.5
_MOST_COPIES = 3  # that are named, of volumes that are equal in every voxel

# A part that moves has no occupancies.
_NO_READING = PartReading(())


@dataclass(frozen=True)
class EnsemblePart:
    """A part of the molecule that comes and goes, or moves.

    Attributes
    ----------
    mask : bool array, 3D
        On the coarse grid, possibly in several pieces.
    volume : float
        Å^3.
    centre : tuple of float
        Mean position along z, y, x, in Å from voxel 0.
    occupancies : tuple of Interval
        Occupancy in each volume with its 90 % interval, 0..1; empty for a part that moves.
    uneven : int
        Number of volumes in which the pieces of the part differ in occupancy by more than noise.
    """

    mask: Mask
    volume: float
    centre: Tuple[float, float, float]
    occupancies: Tuple[Interval, ...]
    uneven: int = 0

    @property
    def moves(self) -> bool:
        """Whether the density leaves one place and appears in another, at an equal total."""
        return not self.occupancies


@dataclass(frozen=True)
class EnsembleComparison:
    """The result of a comparison of many volumes.

    Attributes
    ----------
    parts : tuple of EnsemblePart
        Those that come and go first, then those that move; of either kind the largest first.
    clusters : Clusters
    rules : tuple of Rule
        On the parts that come and go.
    volumes : StoredVolumes
        The volumes that were compared, in one grey scale.
    component_shares : float64 array (component)
        Share of the variance that each component explains, within what varies; empty if nothing does.
    lowpass : float
        Low-pass of the volumes, Å.
    warnings : tuple of str
    """

    parts: Tuple[EnsemblePart, ...]
    clusters: Clusters
    rules: Tuple[Rule, ...]
    volumes: StoredVolumes
    component_shares: NDArray[np.float64]
    lowpass: float
    warnings: Tuple[str, ...]

    @property
    def present_parts(self) -> Tuple[EnsemblePart, ...]:
        """The parts that come and go, which have occupancies."""
        return tuple(part for part in self.parts if not part.moves)


def compare_volumes(
    maps: Sequence[MapInput],
    settings: Settings,
    *,
    threads: int = 1,
    read: ReadInput = read_input,
    step: Step = ignore_step,
) -> EnsembleComparison:
    """Find the parts of a molecule that come and go together in many volumes, always in occupancy mode, calibrated.

    Parameters
    ----------
    maps : sequence of MapInput
        On one grid and in one pose; their grey scales may differ by a factor.
    settings : Settings
        Low-pass, kernel, max_box and solvent_def are used.
    threads : int
    read : callable
        Takes a MapInput and returns its DensityMap, whose memory is overwritten.
    step : callable
        Called with the fraction of the comparison that is done (0..1) and a text that names the next piece of work.

    Raises
    ------
    MapError
        If a map is damaged, fewer than two volumes can be compared, or no part is the same in all volumes.
    JobError
        If two maps do not lie on one grid, or a temporary file cannot be written.

    Notes
    -----
    Time and memory grow in proportion to the number of volumes: each pass over them loads one at a time. The volumes
    are brought to one grey scale (`grey_scales`); the voxels where they vary are found (`variation`) and described by
    components (`components`); voxels whose components agree are one part (`parts`). Parts between which density only
    moves get no occupancy (`motion`). Volumes are grouped by the occupancies of the others (`composition`).
    """
    notes: List[str] = []
    needed = replace(estimate_settings(settings), mode="occupancy", normalisation="calibrated", reference="own")
    kept = [index for index, item in enumerate(maps) if item.is_empty or not is_small(item, notes)]
    chosen = [maps[index] for index in kept]
    lowpass = common_lowpass(chosen, needed, threads, notes, read)
    needed = replace(needed, lowpass=lowpass)
    volumes = store_volumes(
        chosen,
        needed,
        threads=threads,
        notes=notes,
        step=lambda done, text: step(_STORING * done, text),
        read=read,
    )
    volumes = replace(volumes, indices=tuple(kept[index] for index in volumes.indices))
    step(_STORING, "grey scales")
    volumes, common = match_grey_scales(volumes.with_rows())
    step(0.6, "variation")
    used = lowpass or max(8.0, 3 * volumes.grid.voxel_size)
    variation = find_variation(volumes, common)
    parts, shares = _find(volumes, variation, needed, used, step)
    present = [part for part in parts if not part.moves]
    occupancies = np.array([[item.value for item in part.occupancies] for part in present])
    clusters = cluster_volumes(occupancies.reshape(len(present), len(volumes)).T)
    rules = find_rules([part.occupancies for part in present])
    notes += coarse_lowpass_warnings(used, volumes.grid)
    notes += _copies(copy_warnings(volumes.densities, [maps[index].name for index in volumes.indices]))
    notes += _dependence_warnings(variation.independence) if parts else []
    return EnsembleComparison(tuple(parts), clusters, tuple(rules), volumes, shares, used, tuple(notes))


def _copies(warnings: List[str]) -> List[str]:
    """Return the warnings about volumes that are equal in every voxel, or the first of many and how many there are."""
    more = len(warnings) - 1
    return warnings if more < _MOST_COPIES else [f"{warnings[0]}; so are {more} more"]


def _find(
    volumes: StoredVolumes, variation: Variation, settings: Settings, lowpass: float, step: Step
) -> Tuple[List[EnsemblePart], NDArray[np.float64]]:
    """Return the parts, and the shares of the components."""
    if not variation.varying.any():
        return [], np.zeros(0)
    step(0.75, "components")
    components = find_components(volumes, variation)
    step(0.8, "parts")
    found = find_parts(volumes, variation, components)
    step(0.85, "occupancies")
    readings = read_parts(volumes, found, components, variation.noise, settings, lowpass)
    clear = [index for index, reading in enumerate(readings) if _differs(reading)]
    found, readings = [found[index] for index in clear], [readings[index] for index in clear]
    step(0.95, "motion")
    groups = moving_groups(volumes, [part.mask for part in found])
    moving = {number for group in groups for number in group}
    others = [number for number in range(len(found)) if number not in moving]
    are_alone = moves_alone(
        volumes, [found[number].mask for number in others], [found[number].profile for number in others]
    )
    alone = [(number,) for number, is_alone in zip(others, are_alone) if is_alone]
    groups += alone
    moving |= {number for group in alone for number in group}
    spacing = volumes.spacing
    parts = [
        _part(part.grown_mask, spacing, reading)
        for number, (part, reading) in enumerate(zip(found, readings))
        if number not in moving
    ]
    parts.sort(key=lambda part: -part.volume)
    moved = [_part(np.logical_or.reduce([found[number].grown_mask for number in group]), spacing) for group in groups]
    return [*parts, *sorted(moved, key=lambda part: -part.volume)], components.shares


def _dependence_warnings(independence: float) -> List[str]:
    """Warn of parts in volumes that differ, beside the parts, by a mixture of a few components."""
    if independence >= MIN_INDEPENDENCE:
        return []
    return [
        "where nothing comes and goes, the volumes differ by a mixture of a few components. Either they are not "
        "independent: those of a variability analysis or of a neural network are not. The intervals are too narrow "
        "then, and small parts may be noise. Or they have next to no noise, and what is left is what the parts change "
        "around them: a part may then be missed, joined with another, or said to move. Check a part by a focused "
        "classification within its mask"
    ]


def _differs(reading: PartReading) -> bool:
    """Return whether the occupancies of a part differ enough to be reported, as for classes, and by more than errors.

    Of hundreds of volumes, noise makes some read high and some low: their intervals still overlap.
    """
    values = [item.value for item in reading.occupancies]
    highest, lowest = max(item.low for item in reading.occupancies), min(item.high for item in reading.occupancies)
    return max(values) > MIN_OCCUPANCY and max(values) - min(values) > MIN_DIFFERENCE and highest > lowest


def _part(mask: Mask, spacing: float, reading: PartReading = _NO_READING) -> EnsemblePart:
    z, y, x = (float(indices.mean()) * spacing for indices in np.nonzero(mask))
    return EnsemblePart(mask, float(mask.sum()) * spacing**3, (z, y, x), reading.occupancies, reading.uneven)
