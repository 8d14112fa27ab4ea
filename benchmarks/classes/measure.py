# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the comparison finds what differs in a simulated classification."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import mrcfile
import numpy as np
from scipy.ndimage import distance_transform_edt

from benchmarks.classes.scenarios import LEAST_MASS, Difference, Scenario, differences
from benchmarks.occupancy.simulate import Simulated
from occupy_core.comparing.compare_maps import ClassComparison, compare_maps
from occupy_core.estimate.coarse_grid import CoarseGrid
from occupy_core.settings.job_spec import ClassInfo, MapInput
from occupy_core.settings.settings import Settings

LEAST_COVERAGE, LEAST_SHARE = 0.7, 0.6
_ON_A_DIFFERENCE = 0.5  # of a region; else it is a false one


@dataclass(frozen=True)
class Match:
    """A difference of 20 kDa or more beside the region that overlaps it most.

    Attributes
    ----------
    difference : Difference
    coverage : float
        Of the difference by the region; 0 when there is none.
    share : float
        Of the region on the difference or within the kernel radius of it; 0 when there is none.
    occupancies : tuple of float
        Medians of the region in each class.
    """

    difference: Difference
    coverage: float
    share: float
    occupancies: Tuple[float, ...]

    @property
    def is_found(self) -> bool:
        """Whether the region covers enough of the difference, and lies on it."""
        return self.coverage >= LEAST_COVERAGE and self.share >= LEAST_SHARE

    @property
    def error(self) -> float:
        """Mean over the classes of |occupancy - truth|; NaN without a region."""
        if not self.occupancies:
            return float("nan")
        return float(np.mean(np.abs(np.subtract(self.occupancies, self.difference.pattern))))


@dataclass(frozen=True)
class Outcome:
    """Of one scenario; `false_regions` lie mostly on nothing that differs, `fragments` are more regions than one on
    what differs, `merged` are differences that share their region with a heavier one; `lowpass` in Å, at which the job
    compared."""

    scenario: Scenario
    matches: Tuple[Match, ...]
    regions: int
    false_regions: int
    lowpass: float
    fragments: int = 0
    merged: int = 0


def compared(
    maps: Sequence[Simulated], factors: Sequence[float] = (), *, reference: Optional[int] = None
) -> ClassComparison:
    """The comparison of simulated maps by the job's own code, each multiplied by its factor.

    `reference` is the place of the class that counts as 1; None leaves it to the job.
    """
    settings = Settings() if reference is None else Settings(reference=str(reference + 1))
    with tempfile.TemporaryDirectory() as folder:
        inputs = []
        for number, (made, factor) in enumerate(zip(maps, factors or [1.0] * len(maps)), start=1):
            path = Path(folder) / f"class{number:03d}.mrc"
            with mrcfile.new(path) as file:
                file.set_data(made.volume * np.float32(factor))
                file.voxel_size = made.voxel_size
            inputs.append(MapInput(str(path), f"class{number:03d}_", None, ClassInfo(number, 1 / len(maps))))
        return compare_maps(inputs, settings)


def run(scenario: Scenario) -> Outcome:
    """Simulate and compare."""
    maps = scenario.maps()
    return judged(scenario, maps[0], compared(maps))


def judged(scenario: Scenario, made: Simulated, found: ClassComparison) -> Outcome:
    """What the comparison found beside the truth about any of the maps."""
    regions = found.result.regions
    spacing = made.voxel_size * found.spacing
    chains = CoarseGrid(found.result.spread.shape, found.spacing).nearest(made.chains)
    near_any = np.zeros(chains.shape, dtype=bool)
    matches: List[Match] = []
    taken: List[int] = []  # places of the regions that the differences overlap most
    for difference in differences(scenario, made):
        there = np.isin(chains, [made.names.index(name) for name in difference.chains])
        # The kernel's radius is half the low-pass.
        near = distance_transform_edt(~there) * spacing <= found.lowpass / 2
        near_any |= near
        if difference.mass < LEAST_MASS:
            continue
        overlaps = [int((item.mask & there).sum()) for item in regions]
        if not any(overlaps):
            matches.append(Match(difference, 0.0, 0.0, ()))
            continue
        taken.append(int(np.argmax(overlaps)))
        region = regions[taken[-1]]
        coverage, share = (region.mask & there).sum() / there.sum(), (region.mask & near).sum() / region.mask.sum()
        medians = tuple(median for _, median, _ in region.occupancies)
        matches.append(Match(difference, float(coverage), float(share), medians))
    false = [(item.mask & near_any).sum() < _ON_A_DIFFERENCE * item.mask.sum() for item in regions]
    fragments = sum(not wrong and place not in taken for place, wrong in enumerate(false))
    merged = len(taken) - len(set(taken))
    return Outcome(scenario, tuple(matches), len(regions), int(sum(false)), found.lowpass, fragments, merged)
