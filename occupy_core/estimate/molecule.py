# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the molecule from solvent, and even out the maximum that calibrated occupancies are read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.neighbours import any_within, maximum_within
from occupy_core.arrays.quantiles import median, percentiles
from occupy_core.arrays.smoothing import gaussian_mean_in_mask, gaussian_smooth
from occupy_core.arrays.types import Volume
from occupy_core.estimate.coarse_grid import CoarseGrid, add_on_map_grid, coarse_grid
from occupy_core.estimate.kernel import ball_maximum

# Lengths in Å, for a low-pass of up to 13 Å; they grow with a coarser one.
_GRAIN = 14.0  # full width of the smoothing by which the molecule is told from solvent

_NEIGHBOURHOOD = 10.0  # half width of the box whose highest smoothed density the molecule is compared with

_DENSE = 0.4  # of the neighbourhood's highest smoothed density: what is below is not the molecule

_FAINT = 0.05  # of the highest smoothed density: what is below is not the molecule either

_SIGNIFICANT = 4.0  # standard deviations of the smoothed solvent

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
    smooth = gaussian_smooth(density, max(_GRAIN, lowpass) / spacing, threads=threads)
    # Over the whole box: where a tight mask has left no solvent, the mask's outside tells the level.
    background = histogram_mode(smooth.reshape(-1))
    smooth -= np.float32(background)
    below = smooth[inside & (smooth < 0)]
    noise = float(np.sqrt(np.mean(below.astype(np.float64) ** 2))) if below.size else 0.0
    del below
    strong = smooth > max(_SIGNIFICANT * noise, _FAINT * float(smooth.max()))
    mask = inside & strong
    if mask.any():
        reach = int(max(_NEIGHBOURHOOD, lowpass) / spacing)
        box = box_around(mask, reach)
        mask[box] &= smooth[box] > _DENSE * maximum_within(smooth[box], reach, threads=threads)
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
        average = gaussian_mean_in_mask(values, molecule.mask, width * growth, threads=threads)
        result = np.zeros_like(values)
        result[molecule.mask] = values[molecule.mask] - average
        return result

    def add(change: Volume) -> None:
        add_on_map_grid(maximum, change, spacing=grid.step, threads=threads)

    maximum = np.empty_like(lowpassed) if out is None else out
    maximum[...] = lowpassed
    add(-above_average(molecule.density, _PACKING_WIDTH))
    ball_maximum(maximum, ball, threads=threads, out=maximum)
    add(np.float32(_LEAK) * above_average(grid.nearest(maximum), _LEAK_WIDTH))
    return maximum


def histogram_mode(values: NDArray[np.float32]) -> float:
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
