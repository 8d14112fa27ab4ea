# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the classes of a run with the code that jobs run, and match the regions with the true parts."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

import mrcfile
import numpy as np
from scipy.ndimage import distance_transform_edt

from benchmarks.runs import peer
from benchmarks.runs.by_model import ModelReading, read_by_model
from benchmarks.runs.classify import Run
from benchmarks.runs.known_parts import known_part_occupancies
from benchmarks.runs.particles import VOXEL_SIZE
from benchmarks.runs.scenarios import MIN_MASS
from benchmarks.runs.truth import MIN_SEPARATED, Truth, class_map_path
from occupy_core.comparing.compare_maps import ClassComparison, compare_maps
from occupy_core.comparing.comparison import Region
from occupy_core.comparing.occupancies import Interval
from occupy_core.comparing.outputs import occupancy_of_all_particles
from occupy_core.errors import MapError
from occupy_core.estimate.coarse_grid import CoarseGrid
from occupy_core.settings.job_spec import MapInput
from relion_external.inputs import find_inputs
from relion_external.options import parse

MIN_SHARE = 0.5  # share of a region near a part, above which the region counts as that part


@dataclass(frozen=True)
class Reading:
    """Values that a region gives, and the true ones.

    Attributes
    ----------
    occupancies : tuple of Interval
        Occupancy of the region in each compared class.
    fractions : tuple of float
        Fraction of the particles of each compared class that have the part.
    difference : Interval
        Largest difference in occupancy between two classes.
    of_all : Interval, optional
        Occupancy of the region over all particles; None if a class was left out.
    fraction_of_all : float
        Fraction of all particles that have the part.
    with_known_parts : tuple of float
        Occupancy of the part in each compared class by a regression that knows the density of every part.
    """

    occupancies: Tuple[Interval, ...]
    fractions: Tuple[float, ...]
    difference: Interval
    of_all: Optional[Interval]
    fraction_of_all: float
    with_known_parts: Tuple[float, ...]

    @property
    def spread(self) -> float:
        """Largest difference of the fractions between two compared classes."""
        return max(self.fractions) - min(self.fractions)


@dataclass(frozen=True)
class PartOutcome:
    """What the comparison says about a part that is missing in some of the particles.

    Attributes
    ----------
    mass : float
        kDa.
    spread : float
        Largest difference of the true fraction between two classes of 50 particles or more.
    sure, unsure : Reading, optional
        Values of the sure (unsure) region that covers most of the part; None without one.
    found_by_peer : bool
        Whether the threshold on difference maps finds the part.
    """

    mass: float
    spread: float
    sure: Optional[Reading]
    unsure: Optional[Reading]
    found_by_peer: bool

    @property
    def is_judged(self) -> bool:
        """Whether RELION has separated the part, and it is heavy enough, so that it must be found."""
        return self.spread >= MIN_SEPARATED and self.mass >= MIN_MASS


@dataclass(frozen=True)
class Outcome:
    """Result of the comparison of a run.

    Attributes
    ----------
    run : Run
    particles : tuple of int
        Number of particles of each class, the largest first.
    lowpass : float
        Low-pass of the comparison, Å; NaN without a comparison.
    parts : tuple of PartOutcome
    false_sure, false_unsure : int
        Numbers of regions that lie on no part.
    false_by_peer : int
        Number of pieces of the difference maps that lie on no part.
    warnings : tuple of str
        Warnings of the comparison, or why there was none.
    by_model : tuple of ModelReading
        For each part, what a fitted model reads in the classes of 50 particles and more; None where the model is
        refused.
    """

    run: Run
    particles: Tuple[int, ...]
    lowpass: float
    parts: Tuple[PartOutcome, ...]
    false_sure: int
    false_unsure: int
    false_by_peer: int
    warnings: Tuple[str, ...] = ()
    by_model: Tuple[Optional[ModelReading], ...] = ()


def measure(run: Run, data_star: Path, truth: Truth) -> Outcome:
    """Compare the classes of a run, and the same classes by a threshold on difference maps.

    Parameters
    ----------
    run : Run
    data_star : Path
        Data STAR file of the last iteration.
    truth : Truth
    """
    data_star = data_star.resolve()
    with _current_folder(data_star.parents[1]):  # RELION names files relative to the project's folder
        return replace(_measure(run, data_star, truth), by_model=_read_by_model(run, data_star, truth))


def _read_by_model(run: Run, data_star: Path, truth: Truth) -> Tuple[Optional[ModelReading], ...]:
    numbers = truth.large_classes()
    paths = [class_map_path(data_star, number) for number in numbers]
    return read_by_model(run.particles, paths, numbers, truth)


def _measure(run: Run, data_star: Path, truth: Truth) -> Outcome:
    options = parse(["--in_parts", str(data_star), "--o", str(data_star.parent), "--j", "2"])
    inputs = find_inputs(options)
    maps = inputs.maps
    counts = sorted((item.class_info.particles or 0 for item in maps if item.class_info), reverse=True)
    large = [item.path for item in maps if item.class_info and item.class_info.number in truth.large_classes()]
    try:
        comparison: Optional[ClassComparison] = compare_maps(
            maps, options.settings, threads=options.threads, focus_mask=inputs.focus_mask
        )
    except MapError as error:  # fewer than two classes are left
        comparison, warnings = None, (str(error),)
    lowpass = float("nan") if comparison is None else comparison.lowpass
    pieces = peer.pieces([_read(path) for path in large], truth.molecule, VOXEL_SIZE)
    pieces_at = [part_of(piece, truth.parts, VOXEL_SIZE, lowpass) for piece in pieces]
    if comparison is None:
        parts = [
            PartOutcome(mass, truth.spread(index), None, None, index in pieces_at)
            for index, mass in enumerate(truth.masses)
        ]
        return Outcome(run, tuple(counts), lowpass, tuple(parts), 0, 0, pieces_at.count(None), warnings)
    volumes = [_read(maps[index].path) for index in comparison.map_indices]
    known = known_part_occupancies(run.particles, truth.molecule, volumes)
    return match(run, tuple(counts), maps, comparison, truth, pieces_at, known)


def match(
    run: Run,
    counts: Tuple[int, ...],
    maps: Sequence[MapInput],
    comparison: ClassComparison,
    truth: Truth,
    pieces_at: Sequence[Optional[int]],
    known: np.ndarray,
) -> Outcome:
    """Match the regions of a comparison with the true parts.

    Parameters
    ----------
    run : Run
    counts : tuple of int
        Number of particles of each class.
    maps : sequence of MapInput
        All classes of the run.
    comparison : ClassComparison
        The comparison of these classes.
    truth : Truth
    pieces_at : sequence of int or None
        For each piece of the difference maps, the index of the part that it lies on.
    known : float array (part, compared class)
        Occupancies by a regression that knows the density of every part.
    """
    regions = comparison.result.regions
    grid = CoarseGrid(comparison.result.spread.shape, comparison.spacing)
    parts = np.array([grid.nearest(part) for part in truth.parts])
    spacing = comparison.spacing * VOXEL_SIZE
    regions_at = [part_of(region.mask, parts, spacing, comparison.lowpass) for region in regions]
    compared = [maps[index] for index in comparison.map_indices]
    outcomes = []
    for index, mass in enumerate(truth.masses):
        on_part = [region for region, at in zip(regions, regions_at) if at == index]
        sure = _best([region for region in on_part if region.is_sure], parts[index])
        unsure = _best([region for region in on_part if not region.is_sure], parts[index])
        readings = [
            None if region is None else _reading(region, index, compared, truth, known[index])
            for region in (sure, unsure)
        ]
        outcomes.append(PartOutcome(mass, truth.spread(index), *readings, index in pieces_at))
    is_false = [(region.is_sure, at is None) for region, at in zip(regions, regions_at)]
    false_sure, false_unsure = is_false.count((True, True)), is_false.count((False, True))
    peer_false = list(pieces_at).count(None)
    warnings = comparison.warnings
    return Outcome(
        run, counts, comparison.lowpass, tuple(outcomes), false_sure, false_unsure, peer_false, tuple(warnings)
    )


def part_of(mask: np.ndarray, parts: np.ndarray, spacing: float, lowpass: float) -> Optional[int]:
    """Return the index of the part that a region lies on; None for a false region.

    Parameters
    ----------
    mask : bool array (z, y, x)
        Voxels of the region.
    parts : bool array (part, z, y, x)
        Voxels of the parts.
    spacing : float
        Å between voxels.
    lowpass : float
        Å. More than half of the region must lie within half of it from the part; NaN counts as 0.
    """
    near = max(lowpass / 2, 0.0) if np.isfinite(lowpass) else 0.0
    shares = [float((distance_transform_edt(~part) * spacing <= near)[mask].mean()) for part in parts]
    if not shares or max(shares) <= MIN_SHARE:
        return None
    return int(np.argmax(shares))


def _best(regions: Sequence[Region], part: np.ndarray) -> Optional[Region]:
    """Return the region that covers most of a part."""
    return max(regions, key=lambda region: int((region.mask & part).sum()), default=None)


def _reading(region: Region, part: int, compared: Sequence[MapInput], truth: Truth, known: np.ndarray) -> Reading:
    numbers: List[int] = [item.class_info.number for item in compared if item.class_info]
    return Reading(
        region.occupancies,
        tuple(truth.fraction(part, number) for number in numbers),
        region.difference,
        occupancy_of_all_particles(region, compared),
        float(truth.has[:, part].mean()),
        tuple(map(float, known)),
    )


@contextlib.contextmanager
def _current_folder(folder: Path) -> Iterator[None]:
    """Make a folder the current one until the block ends."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _read(path: str) -> np.ndarray:
    with mrcfile.open(path) as file:
        return np.array(file.data, dtype=np.float32)
