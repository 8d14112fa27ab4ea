# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how well the comparison of classes finds the differences of a simulated classification."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import mrcfile
import numpy as np
from scipy.ndimage import distance_transform_edt

from benchmarks.classes.scenarios import MIN_MASS, Difference, Scenario, differences
from benchmarks.occupancy.simulate import Simulated
from occupy_core.comparing.compare_maps import ClassComparison, compare_maps
from occupy_core.errors import MapError
from occupy_core.estimate.coarse_grid import CoarseGrid
from occupy_core.settings.job_spec import ClassInfo, MapInput
from occupy_core.settings.settings import Settings

MIN_COVERAGE, MIN_SHARE = 0.7, 0.6  # smallest `Match.coverage` and `Match.share` of a difference that counts as found
_MIN_TRUE_SHARE = 0.5  # share of a region on or near differences; a region with a smaller share is false


@dataclass(frozen=True)
class Match:
    """A difference of 20 kDa or more, and the region that overlaps it most.

    Attributes
    ----------
    difference : Difference
        The simulated difference.
    coverage : float
        Share of the difference that the region covers; 0 without a region.
    share : float
        Share of the region that lies on the difference or within the kernel radius of it; 0 without a region.
    occupancies : tuple of float
        Occupancy of the region in each class, NaN in a class that was left out; empty without a region.
    """

    difference: Difference
    coverage: float
    share: float
    occupancies: Tuple[float, ...]

    @property
    def is_found(self) -> bool:
        """Whether the region covers enough of the difference, and enough of the region lies on the difference."""
        return self.coverage >= MIN_COVERAGE and self.share >= MIN_SHARE

    @property
    def error(self) -> float:
        """Mean over the compared classes of |occupancy - true occupancy|; NaN without a region."""
        if not self.occupancies:
            return float("nan")
        return float(np.nanmean(np.abs(np.subtract(self.occupancies, self.difference.pattern))))


@dataclass(frozen=True)
class Outcome:
    """Result of the comparison in one scenario.

    Attributes
    ----------
    scenario : Scenario
        The simulated classification.
    matches : tuple of Match
        All differences of 20 kDa or more.
    regions : int
        Number of sure regions.
    false_regions : int
        Number of sure regions that lie mostly where classes do not differ.
    lowpass : float
        Low-pass at which the job compared the classes, Å; NaN if fewer than two could be compared.
    fragments : int
        Number of regions that lie on differences, but do not overlap any difference most.
    merged : int
        Number of differences that share their region with a heavier difference.
    """

    scenario: Scenario
    matches: Tuple[Match, ...]
    regions: int
    false_regions: int
    lowpass: float
    fragments: int = 0
    merged: int = 0

    @property
    def is_compared(self) -> bool:
        """Whether two classes or more could be compared."""
        return not math.isnan(self.lowpass)


def compare_simulated(
    maps: Sequence[Simulated], factors: Sequence[float] = (), *, reference: Optional[int] = None
) -> ClassComparison:
    """Compare simulated maps as classes, with the code that jobs run.

    Parameters
    ----------
    maps : sequence of Simulated
        The map of each class.
    factors : sequence of float
        Factor by which each map is multiplied; the maps are then no classes of one classification, which would share
        one grey scale. 1 for all maps when empty.
    reference : int, optional
        Index of the reference class; chosen by the job when None.
    """
    settings = Settings() if reference is None else Settings(reference=str(reference + 1))
    with tempfile.TemporaryDirectory() as folder:
        inputs = []
        for number, (simulated, factor) in enumerate(zip(maps, factors or [1.0] * len(maps)), start=1):
            path = Path(folder) / f"class{number:03d}.mrc"
            with mrcfile.new(path) as file:
                file.set_data(simulated.volume * np.float32(factor))
                file.voxel_size = simulated.voxel_size
            share = None if factors else 1 / len(maps)
            inputs.append(MapInput(str(path), f"class{number:03d}_", None, ClassInfo(number, share)))
        return compare_maps(inputs, settings)


def run(scenario: Scenario) -> Outcome:
    """Simulate a scenario, compare its classes, and match the regions with the simulated differences.

    Where fewer than two classes can be compared, nothing is found.
    """
    maps = scenario.maps()
    try:
        comparison = compare_simulated(maps)
    except MapError:
        heavy = [item for item in differences(scenario, maps[0]) if item.mass >= MIN_MASS]
        return Outcome(scenario, tuple(Match(item, 0.0, 0.0, ()) for item in heavy), 0, 0, float("nan"))
    return match_regions(scenario, maps[0], comparison)


def match_regions(scenario: Scenario, simulated: Simulated, comparison: ClassComparison) -> Outcome:
    """Match the sure regions of a comparison with the simulated differences.

    Parameters
    ----------
    scenario : Scenario
        The simulated classification.
    simulated : Simulated
        The simulated map of one class; any class will do.
    comparison : ClassComparison
        The comparison of its classes.
    """
    regions = comparison.result.sure_regions
    spacing = simulated.voxel_size * comparison.spacing
    chains = CoarseGrid(comparison.result.spread.shape, comparison.spacing).nearest(simulated.chains)
    near_any = np.zeros(chains.shape, dtype=bool)
    matches: List[Match] = []
    matched: List[int] = []  # indices of the regions that overlap a difference most
    for difference in differences(scenario, simulated):
        on_difference = np.isin(chains, [simulated.names.index(name) for name in difference.chains])
        kernel_radius = comparison.lowpass / 2
        near = distance_transform_edt(~on_difference) * spacing <= kernel_radius
        near_any |= near
        if difference.mass < MIN_MASS:
            continue
        overlaps = [int((item.mask & on_difference).sum()) for item in regions]
        if not any(overlaps):
            matches.append(Match(difference, 0.0, 0.0, ()))
            continue
        matched.append(int(np.argmax(overlaps)))
        region = regions[matched[-1]]
        coverage = (region.mask & on_difference).sum() / on_difference.sum()
        share = (region.mask & near).sum() / region.mask.sum()
        read = dict(zip(comparison.map_indices, (item.value for item in region.occupancies)))
        occupancies = tuple(read.get(number, float("nan")) for number in range(len(difference.pattern)))
        matches.append(Match(difference, float(coverage), float(share), occupancies))
    is_false = [(item.mask & near_any).sum() < _MIN_TRUE_SHARE * item.mask.sum() for item in regions]
    fragments = sum(not false and index not in matched for index, false in enumerate(is_false))
    merged = len(matched) - len(set(matched))
    return Outcome(scenario, tuple(matches), len(regions), int(sum(is_false)), comparison.lowpass, fragments, merged)
