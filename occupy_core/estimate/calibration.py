# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrated normalisation: what the kernel maximum reads in solvent counts as 0, in the best region as 1.

Ours, not in the published program. `benchmarks/occupancy` measures it; docs/accuracy.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.quantiles import median, percentiles
from occupy_core.arrays.smoothing import gaussian_mean_in_mask
from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.estimate.molecule import Molecule, histogram_mode
from occupy_core.estimate.reference import Reference

_WINDOW = 18.0  # full width of the average that looks for the best region
_BEST_PERCENTILE = 95.0  # of the windows' averages over the molecule: a part of the molecule, not one lucky place
_BEST = 0.86  # of that percentile: windows above it are kept,
_BEST_NOISE = 1.5  # and those lower by this many standard deviations of such averages in solvent
# The same once more in smaller windows, among what was kept.
_NARROW_WINDOW = 14.0
_NARROW_PERCENTILE = 80.0
_LEAST_SOLVENT = 0.02  # of the region in which solvent is looked for
_LEAST_MOLECULE = 3000.0  # Å^3
_LEAST_VOXELS = 20


@dataclass(frozen=True)
class Calibration:
    """Both ends of the calibrated scale.

    Attributes
    ----------
    reference : Reference
        Its tile is the window with the highest average.
    molecule : Molecule
    best, solvent : bool arrays, 3D
        Where its best region and solvent are, on the coarse grid.
    level : float
        Median density of the solvent; 0 where there is none.
    warnings : tuple of str
        Why it may be wrong, and what follows.
    """

    reference: Reference
    molecule: Molecule
    best: NDArray[np.bool_]
    solvent: NDArray[np.bool_]
    level: float
    warnings: Tuple[str, ...] = ()


def calibrate(
    maximum: Volume,
    inside: NDArray[np.bool_],
    solvent: NDArray[np.bool_],
    molecule: Molecule,
    *,
    voxel_size: float,
    lowpass: float,
    threads: int = 1,
) -> Calibration:
    """Find both ends of the calibrated scale.

    Parameters
    ----------
    maximum : float32 array, 3D
        `ball_maximum` of the map; in occupancy mode `unmixed_maximum`.
    inside : bool array of the same shape
        Where the molecule may be: within the inscribed sphere, and not flat.
    solvent : bool array of the same shape
        Where solvent may be: `solvent_region`.
    molecule : Molecule
        From `find_molecule`.
    voxel_size, lowpass : float
        Å.
    threads : int
        The result does not depend on it.

    Raises
    ------
    MapError
        If no density stands out of the solvent.

    Notes
    -----
    Zero is the mode of the maximum over the solvent. One is its median over the best region: the part of the molecule
    whose average over windows of 18 Å comes within 14 % of the highest (95th percentile) and 1.5 standard deviations
    of such averages in solvent, and of that part what does so in windows of 14 Å (80th percentile). A wide region and a
    median in it, because the highest of many windows is a lucky one, the more so the noisier the map.
    """
    shape = maximum.shape
    grid = molecule.grid
    maximum, inside, solvent = grid.nearest(maximum), grid.nearest(inside), grid.nearest(solvent)
    spacing = voxel_size * grid.step
    found = molecule.mask
    if found.sum() < max(_LEAST_VOXELS, _LEAST_MOLECULE / spacing**3):
        raise MapError(
            "calibrated normalisation found no density that stands out of the solvent, expected a molecule; is the "
            "contrast inverted (density must be positive), or no solvent in the box? Else take tiled normalisation, or "
            "a lower-resolution low-pass"
        )
    notes = []
    level = zero = molecule.background
    free = solvent & ~molecule.reached
    least_solvent = max(_LEAST_VOXELS, _LEAST_SOLVENT * inside.sum())
    # Beside flat areas noise is weaker: a mask's soft edge, and the low-pass across it.
    deep = free & ~any_within(~inside, round(lowpass / 2 / spacing), threads=threads)
    if deep.sum() > least_solvent:
        free = deep
    of_solvent = median(molecule.density[free]) if free.any() else 0.0
    has_solvent = free.sum() > least_solvent
    if has_solvent:
        level, zero = of_solvent, histogram_mode(maximum[free])
    else:
        notes.append(
            f"next to no solvent to calibrate the zero of the scale with: the background's value {zero:.3g} is "
            "taken for it, so low occupancies read too high"
        )
    solvent = free if has_solvent else np.zeros_like(free)
    window = max(_WINDOW, 2 * lowpass)

    def heights(part: NDArray[np.bool_], width: float) -> Tuple[NDArray[np.float32], float]:
        """The average of the maximum over windows within a part, above the solvent's level, so that noise widens the
        best region; and the standard deviation of such averages in solvent, 0 where there is none."""
        in_solvent = gaussian_mean_in_mask(maximum, solvent, width / spacing, threads=threads)
        noise = float(in_solvent.std()) if in_solvent.size else 0.0
        return gaussian_mean_in_mask(maximum, part, width / spacing, threads=threads) - np.float32(level), noise

    height, noise = heights(found, window)
    highest = float(np.percentile(height, _BEST_PERCENTILE))
    if not highest > 0:
        raise MapError(_not_above(level, level + highest))
    best = found.copy()
    best[found] = height > _BEST * highest - _BEST_NOISE * noise
    narrow, noise = heights(best, max(_NARROW_WINDOW, lowpass))
    best[best] = narrow > _BEST * np.percentile(narrow, _NARROW_PERCENTILE) - _BEST_NOISE * noise
    lower, one, upper = percentiles(maximum[best], (25, 50, 75))
    if not one > zero:
        raise MapError(_not_above(zero, one))
    side = min(2 * round(window / voxel_size / 2), *shape)
    places = np.argwhere(found)
    extremes = places[height.argmax()], places[height.argmin()]
    best_window, worst_window = (_first_voxel(place, grid.step, side, shape) for place in extremes)
    reference = Reference(one, best_window, worst_window, side, zero, (upper - lower) / (one - zero))
    return Calibration(reference, molecule, best, free, of_solvent, tuple(notes))


def _not_above(zero: float, one: float) -> str:
    return (
        f"calibrated normalisation found {one:.4g} for full occupancy, expected more than {zero:.4g} as in the "
        "solvent; is the contrast inverted (density must be positive)? Else take tiled normalisation"
    )


def _first_voxel(place: NDArray[np.intp], step: float, side: int, shape: Tuple[int, ...]) -> Tuple[int, int, int]:
    """Of the window around a place of the coarse grid, moved into the box."""
    z, y, x = (max(0, min(round(int(index) * step) - side // 2, full - side)) for index, full in zip(place, shape))
    return (z, y, x)
