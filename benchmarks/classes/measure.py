# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the comparison finds what differs in a simulated classification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np
from scipy.ndimage import distance_transform_edt

from benchmarks.classes.scenarios import LEAST_MASS, Difference, Scenario, differences
from benchmarks.occupancy.simulate import Simulated
from occupy_core.calibration import coarse_step
from occupy_core.class_views import ClassView, view_of
from occupy_core.comparison import Comparison, compare
from occupy_core.fourier import low_pass
from occupy_core.kernel import ball, ball_maximum, default_kernel_size
from occupy_core.solvent import flat_areas, inscribed

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
    what differs."""

    scenario: Scenario
    matches: Tuple[Match, ...]
    regions: int
    false_regions: int

    @property
    def fragments(self) -> int:
        """Regions that are on what differs and are not the largest there."""
        return self.regions - self.false_regions - sum(match.coverage > 0 for match in self.matches)


def compared(
    maps: Sequence[Simulated], factors: Sequence[float] = (), *, reference: Optional[int] = None
) -> Comparison:
    """The comparison of simulated maps as the job makes it, each multiplied by its factor."""
    views = [_view(made, factor) for made, factor in zip(maps, factors or [1.0] * len(maps))]
    voxel_size = maps[0].voxel_size
    names = [f"class {number}" for number in range(1, len(maps) + 1)]
    return compare(views, names, spacing=voxel_size * coarse_step(voxel_size), reference=reference)


def run(scenario: Scenario) -> Outcome:
    """Simulate and compare."""
    maps = scenario.maps()
    return judged(scenario, maps, compared(maps))


def judged(scenario: Scenario, maps: Sequence[Simulated], found: Comparison) -> Outcome:
    """What the comparison found beside the truth."""
    made = maps[0]
    step = coarse_step(made.voxel_size)
    spacing = made.voxel_size * step
    chains = made.chains[(slice(None, None, step),) * 3]
    near_any = np.zeros(chains.shape, dtype=bool)
    matches: List[Match] = []
    for difference in differences(scenario, made):
        there = np.isin(chains, [made.names.index(name) for name in difference.chains])
        near = distance_transform_edt(~there) * spacing <= lowpass(made.voxel_size) / 2
        near_any |= near
        if difference.mass < LEAST_MASS:
            continue
        region = max(found.regions, key=lambda item: int((item.mask & there).sum()), default=None)
        if region is None or not (region.mask & there).any():
            matches.append(Match(difference, 0.0, 0.0, ()))
            continue
        coverage, share = (region.mask & there).sum() / there.sum(), (region.mask & near).sum() / region.mask.sum()
        medians = tuple(median for _, median, _ in region.occupancies)
        matches.append(Match(difference, float(coverage), float(share), medians))
    false = sum((item.mask & near_any).sum() < _ON_A_DIFFERENCE * item.mask.sum() for item in found.regions)
    return Outcome(scenario, tuple(matches), len(found.regions), int(false))


def lowpass(voxel_size: float) -> float:
    """The default one, Å."""
    return max(8.0, 3 * voxel_size)


def _view(made: Simulated, factor: float) -> ClassView:
    cutoff = lowpass(made.voxel_size)
    volume = made.volume * np.float32(factor)
    lowpassed = low_pass(volume, voxel_size=made.voxel_size, cutoff_angstrom=cutoff)
    kernel = ball(default_kernel_size(cutoff, made.voxel_size), cutoff / (2 * made.voxel_size))
    inside = inscribed(volume.shape) & ~flat_areas(volume)
    maximum = ball_maximum(lowpassed, kernel)
    return view_of(maximum, lowpassed, inside, inside, voxel_size=made.voxel_size, lowpass=cutoff)
