# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrated normalisation: what the kernel maximum reads in solvent counts as 0, in the best region as 1.

Ours, not in the published program. `benchmarks/occupancy` measures it; docs/accuracy.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from occupy_core import kernel
from occupy_core.coarse_grid import CoarseGrid, add_on_map_grid, box_around, coarse_grid
from occupy_core.errors import MapError
from occupy_core.maps import Volume
from occupy_core.neighbours import any_within, largest_within
from occupy_core.order import median, percentiles
from occupy_core.scale import Reference
from occupy_core.smoothing import masked_average, smoothed

# Lengths in Å, for a low-pass of up to 13 Å; they grow with a coarser one.
_GRAIN = 14.0  # full width of the smoothing by which the molecule is told from solvent
_NEIGHBOURHOOD = 10.0  # half width of the box whose highest smoothed density the molecule is compared with
_WINDOW = 18.0  # full width of the average that looks for the best region
_DENSE = 0.4  # of the neighbourhood's highest smoothed density: what is below is not the molecule
_FAINT = 0.05  # of the highest smoothed density: what is below is not the molecule either
_SIGNIFICANT = 4.0  # standard deviations of the smoothed solvent
_BEST_PERCENTILE = 95.0  # of the windows' averages over the molecule: a part of the molecule, not one lucky place
_BEST = 0.86  # of that percentile: windows above it are kept,
_BEST_NOISE = 1.5  # and those lower by this many standard deviations of such averages in solvent
# The same once more in smaller windows, among what was kept.
_NARROW_WINDOW = 14.0
_NARROW_PERCENTILE = 80.0
_LEAST_SOLVENT = 0.02  # of the region in which solvent is looked for
_LEAST_MOLECULE = 3000.0  # Å^3
_LEAST_VOXELS = 20
_BINS = 200
_SMOOTHING = 6  # bins
# Å, for the least low-pass.
_PACKING_WIDTH = 4.0  # full width of the average that evens out the packing
_LEAK_WIDTH = 8.0  # full width of the average that tells what neighbours have leaked,
_LEAK = 0.8  # of the difference to it


@dataclass(frozen=True)
class Molecule:
    """Where the molecule is, told from the low-passed map.

    Attributes
    ----------
    grid : CoarseGrid
        Of the arrays.
    density : float32 array, 3D
        The low-passed map.
    mask, reached : bool arrays of the same shape
        The molecule, and everything within the kernel's reach of density.
    background : float
        The density around it.
    """

    grid: CoarseGrid
    density: Volume
    mask: NDArray[np.bool_]
    reached: NDArray[np.bool_]
    background: float


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


def find_molecule(
    lowpassed: Volume, inside: NDArray[np.bool_], *, voxel_size: float, lowpass: float, threads: int = 1
) -> Molecule:
    """Tell the molecule from solvent: where the smoothed density exceeds 0.4 of the highest within 10 Å, whatever its
    occupancy.

    Parameters
    ----------
    lowpassed : float32 array, 3D
    inside, voxel_size, lowpass, threads
        As of `calibrate`.
    """
    grid = coarse_grid(lowpassed.shape, voxel_size)
    spacing, inside, density = voxel_size * grid.step, grid.nearest(inside), grid.resampled(lowpassed, threads=threads)
    smooth = smoothed(density, max(_GRAIN, lowpass) / spacing, threads=threads)
    # Over the whole box: where a tight mask has left no solvent, the mask's outside tells the level.
    background = _mode(smooth.reshape(-1))
    smooth -= np.float32(background)
    below = smooth[inside & (smooth < 0)]
    noise = float(np.sqrt(np.mean(below.astype(np.float64) ** 2))) if below.size else 0.0
    del below
    strong = smooth > max(_SIGNIFICANT * noise, _FAINT * float(smooth.max()))
    mask = inside & strong
    if mask.any():
        reach = int(max(_NEIGHBOURHOOD, lowpass) / spacing)
        box = box_around(mask, reach)
        mask[box] &= smooth[box] > _DENSE * largest_within(smooth[box], reach, threads=threads)
    reached = any_within(strong, int(lowpass / spacing), threads=threads)
    return Molecule(grid, density, mask, reached, background)


def unmixed_maximum(
    lowpassed: Volume,
    molecule: Molecule,
    ball: NDArray[np.bool_],
    *,
    voxel_size: float,
    lowpass: float,
    threads: int = 1,
    out: Optional[Volume] = None,
) -> Volume:
    """What calibrated occupancies are read from: the low-passed map's maximum over a small kernel, without how densely
    atoms happen to be packed and without what parts of different occupancy have leaked into each other.

    Parameters
    ----------
    lowpassed : float32 array, 3D
    molecule, voxel_size, lowpass
        As of `calibrate`.
    ball : bool array
        From `kernel.ball`.
    threads : int
        The result does not depend on it.
    out : float32 array of the same shape, optional
        Where to write; may be `lowpassed`.

    Returns
    -------
    float32 array of the same shape.

    Notes
    -----
    Inside the molecule the density is averaged under a Gaussian of 4 Å full width, over the molecule alone, which evens
    out the packing. M is the maximum of that over the ball. Low-pass, average and ball mix each part with its
    neighbours; M + 0.8 (M - <M>) undoes it to first order, where <M> is the average of M over the molecule under a
    Gaussian of 8 Å full width. Outside the molecule it is M of the low-passed map.
    """
    grid = molecule.grid
    # The least low-pass is 8 Å; widths grow with a coarser one.
    growth = max(1.0, lowpass / 8) / (voxel_size * grid.step)

    def above_average(values: Volume, width: float) -> Volume:
        """Within the molecule, on the coarse grid."""
        average = masked_average(values, molecule.mask, width * growth, threads=threads)
        result = np.zeros_like(values)
        result[molecule.mask] = values[molecule.mask] - average
        return result

    def add(change: Volume) -> None:
        add_on_map_grid(maximum, change, spacing=grid.step, threads=threads)

    maximum = np.empty_like(lowpassed) if out is None else out
    maximum[...] = lowpassed
    add(-above_average(molecule.density, _PACKING_WIDTH))
    kernel.ball_maximum(maximum, ball, threads=threads, out=maximum)
    add(np.float32(_LEAK) * above_average(grid.nearest(maximum), _LEAK_WIDTH))
    return maximum


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
        level, zero = of_solvent, _mode(maximum[free])
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
        in_solvent = masked_average(maximum, solvent, width / spacing, threads=threads)
        noise = float(in_solvent.std()) if in_solvent.size else 0.0
        return masked_average(maximum, part, width / spacing, threads=threads) - np.float32(level), noise

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


def _mode(values: NDArray[np.float32]) -> float:
    """The peak of the smoothed histogram, without the outermost values."""
    low, high = percentiles(values, (0.1, 99.9))
    if not high > low:
        return low
    counts, _ = np.histogram(values, _BINS, (low, high))
    smooth = gaussian_filter1d(counts.astype(float), _SMOOTHING, mode="constant")
    peak = int(smooth.argmax())
    width = (high - low) / _BINS
    around = np.abs(values - (low + (peak + 0.5) * width)) <= _SMOOTHING * width
    # The median there, so that a count more or less does not move it by a whole bin.
    return median(values[around])


def _first_voxel(place: NDArray[np.intp], step: float, side: int, shape: Tuple[int, ...]) -> Tuple[int, int, int]:
    """Of the window around a place of the coarse grid, moved into the box."""
    z, y, x = (max(0, min(round(int(index) * step) - side // 2, full - side)) for index, full in zip(place, shape))
    return (z, y, x)
