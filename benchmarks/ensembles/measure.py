# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what the comparison of many volumes finds in a simulated ensemble."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np
from scipy.ndimage import distance_transform_edt

from benchmarks.classes.measure import MIN_COVERAGE, MIN_SHARE
from benchmarks.ensembles.simulate import VOXEL_SIZE, Ensemble
from occupy_core.ensembles.compare_volumes import EnsembleComparison, EnsemblePart, compare_volumes
from occupy_core.estimate.coarse_grid import CoarseGrid
from occupy_core.settings.job_spec import ClassInfo, MapInput
from occupy_core.settings.settings import Settings

_MIN_TRUE_SHARE = 0.5  # share of a part on or near what differs; a part with a smaller share is false


@dataclass(frozen=True)
class Match:
    """A simulated part that comes and goes, and the part found that overlaps it most.

    Attributes
    ----------
    chains : tuple of str
        The chains of the simulated part.
    coverage : float
        Share of the simulated part that the found one covers; 0 without one.
    share : float
        Share of the found part that lies on the simulated one or within half of the low-pass of it; 0 without one.
    correlation : float
        Of the occupancies with the truth, over the volumes; NaN without a part.
    error : float
        Mean absolute difference of the occupancies from the truth; NaN without a part.
    inside : float
        Share of the volumes whose 90 % interval holds the truth; NaN without a part.
    is_called_moving : bool
        Whether the found part is said to move, so that it has no occupancies.
    """

    chains: Tuple[str, ...]
    coverage: float = 0.0
    share: float = 0.0
    correlation: float = float("nan")
    error: float = float("nan")
    inside: float = float("nan")
    is_called_moving: bool = False

    @property
    def is_found(self) -> bool:
        """Whether a part with occupancies covers enough of the simulated one, and lies on it, as for classes."""
        return self.coverage >= MIN_COVERAGE and self.share >= MIN_SHARE and not self.is_called_moving


@dataclass(frozen=True)
class Outcome:
    """Result of the comparison of an ensemble.

    Attributes
    ----------
    ensemble : Ensemble
    matches : tuple of Match
        One for each simulated part that comes and goes.
    false_parts : int
        Parts with occupancies that lie mostly where no simulated part comes and goes.
    motion : str
        What the chains that move are reported as: "moves", "nothing", "comes and goes"; empty where none moves.
    false_motions : int
        Parts that are said to move and lie mostly where nothing moves and nothing comes and goes.
    grey_error : float
        Largest error of a grey factor, relative.
    seconds : float
        Time of the comparison.
    """

    ensemble: Ensemble
    matches: Tuple[Match, ...]
    false_parts: int
    motion: str
    false_motions: int
    grey_error: float
    seconds: float


def run(ensemble: Ensemble, *, threads: int = 2) -> Outcome:
    """Simulate an ensemble, compare its volumes as a job does, and match the parts with the simulated ones."""
    with tempfile.TemporaryDirectory() as folder:
        paths = ensemble.write(Path(folder))
        maps = [
            MapInput(str(path), f"map{number:03d}_", class_info=ClassInfo(number))
            for number, path in enumerate(paths, start=1)
        ]
        start = time.monotonic()
        comparison = compare_volumes(maps, Settings(), threads=threads)
        return match_parts(ensemble, comparison, time.monotonic() - start)


def match_parts(ensemble: Ensemble, comparison: EnsembleComparison, seconds: float) -> Outcome:
    """Match the parts of a comparison with those of a simulated ensemble."""
    volumes, truth = comparison.volumes, ensemble.truth
    chains, names = ensemble.chains()
    chains = CoarseGrid(volumes.molecule.shape, volumes.step).nearest(chains)
    near_any = np.zeros(chains.shape, dtype=bool)
    matches: List[Match] = []
    for group, values in zip(truth.parts, truth.occupancies.T):
        on_part = np.isin(chains, [names.index(name) for name in group])
        near = distance_transform_edt(~on_part) * VOXEL_SIZE * volumes.step <= comparison.lowpass / 2
        near_any |= near
        matches.append(_match(group, values, on_part, near, comparison.parts))
    on_moving = np.isin(chains, [names.index(name) for name in truth.moving])
    near_moving = distance_transform_edt(~on_moving) * VOXEL_SIZE * volumes.step <= _reach(ensemble)
    near_moving &= bool(truth.moving)
    is_false = [_share(part, near_any) < _MIN_TRUE_SHARE for part in comparison.parts]
    factors = np.array(ensemble.grey_factors())
    found = volumes.grey_factors
    return Outcome(
        ensemble,
        tuple(matches),
        sum(false and not part.moves for false, part in zip(is_false, comparison.parts)),
        _motion(comparison.parts, near_moving, is_false) if truth.moving else "",
        sum(
            false and part.moves and _share(part, near_moving) < _MIN_TRUE_SHARE
            for false, part in zip(is_false, comparison.parts)
        ),
        float(np.abs(found / np.median(found) / (factors / np.median(factors)) - 1).max()),
        seconds,
    )


def _match(
    group: Tuple[str, ...], values: np.ndarray, on_part: np.ndarray, near: np.ndarray, parts: Sequence[EnsemblePart]
) -> Match:
    overlaps = [int((part.mask & on_part).sum()) for part in parts]
    if not any(overlaps):
        return Match(group)
    part = parts[int(np.argmax(overlaps))]
    coverage, share = float((part.mask & on_part).sum() / on_part.sum()), _share(part, near)
    if part.moves:
        return Match(group, coverage, share, is_called_moving=True)
    low, read, high = np.array(part.occupancies).T
    return Match(
        group,
        coverage,
        share,
        float(np.corrcoef(read, values)[0, 1]),
        float(np.abs(read - values).mean()),
        float(((low <= values) & (values <= high)).mean()),
    )


def _motion(parts: Sequence[EnsemblePart], near_moving: np.ndarray, is_false: Sequence[bool]) -> str:
    """Return what the parts near the moving chains are reported as."""
    near = [
        part
        for part, false in zip(parts, is_false)
        if (false or part.moves) and _share(part, near_moving) >= _MIN_TRUE_SHARE
    ]
    if any(not part.moves for part in near):
        return "comes and goes"
    return "moves" if near else "nothing"


def _share(part: EnsemblePart, near: np.ndarray) -> float:
    return float((part.mask & near).sum() / part.mask.sum())


def _reach(ensemble: Ensemble) -> float:
    """Return how far from its mean place the moving density may be found, Å."""
    return 15.0
