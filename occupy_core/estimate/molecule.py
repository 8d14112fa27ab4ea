# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for the molecule, and the corrected kernel maximum that calibrated occupancies are computed from.

Ours, not in the published program. The constants were chosen on simulated complexes of known occupancies;
docs/accuracy.md has the figures and `benchmarks/occupancy` measures them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.neighbours import any_within, maximum_within
from occupy_core.arrays.quantiles import median, percentiles
from occupy_core.arrays.smoothing import gaussian_mean_in_mask, gaussian_smooth
from occupy_core.arrays.types import Volume
from occupy_core.estimate.coarse_grid import CoarseGrid, add_interpolated, coarse_grid
from occupy_core.estimate.kernel import ball_maximum
from occupy_core.estimate.significant_density import significant

# Search for the molecule. A voxel belongs to it when its smoothed density is significant and exceeds the limit. Both
# lengths are replaced by the low-pass when that is larger.
_SMOOTHING_WIDTH = 14.0  # full width at half maximum of the Gaussian that smooths the density, Å
_NEIGHBOURHOOD = 10.0  # neighbourhood of a voxel: its distance along each axis, Å
_SHARE_OF_NEIGHBOURHOOD = 0.4  # limit: share of the highest smoothed density in the voxel's neighbourhood

# Correction of the kernel maximum. Widths are full widths at half maximum of Gaussians at a low-pass of 8 Å or finer;
# they grow in proportion to a coarser low-pass.
_PACKING_WIDTH = 4.0  # Å, of the average that evens out how densely atoms are packed
_LEAK_WIDTH = 8.0  # Å, of the average around a voxel from which the leakage from its neighbours is estimated
_LEAK = 0.8  # the correction adds this share of the difference between the voxel and the average around it
_FINEST_LOWPASS = 8.0  # Å, the low-pass at which the widths were chosen

# The histogram in which `histogram_mode` looks for a peak.
_BINS = 200  # number of bins
_BIN_SMOOTHING = 6  # standard deviation of the Gaussian that smooths the counts, bins


@dataclass(frozen=True)
class Molecule:
    """The molecule in the low-passed map, on the coarse grid.

    Attributes
    ----------
    grid : CoarseGrid
        Grid of the arrays.
    density : float32 array, 3D
        The low-passed map.
    mask : bool array of the shape of `density`
        The molecule, whatever its occupancy.
    near_density : bool array of the shape of `density`
        The voxels within one low-pass of significant density: the kernel maximum there is more than solvent.
    background : float
        Most frequent value of the smoothed map, in the map's grey scale.
    """

    grid: CoarseGrid
    density: Volume
    mask: NDArray[np.bool_]
    near_density: NDArray[np.bool_]
    background: float


def lowpassed_with_molecule(
    volume: Volume,
    inside: NDArray[np.bool_],
    *,
    voxel_size: float,
    lowpass: float,
    threads: int = 1,
    out: Optional[Volume] = None,
) -> Tuple[Volume, Molecule]:
    """Low-pass a map, and find the molecule in it.

    Parameters
    ----------
    volume : float32 array, 3D
        The map.
    inside : bool array of the shape of `volume`
        As in `find_molecule`.
    voxel_size, lowpass : float
        Edge of a voxel and cutoff of the low-pass, Å.
    threads : int
        Number of threads; the result does not depend on it.
    out : float32 array of the shape of `volume`, optional
        Array for the low-passed map; may be `volume` itself.

    Returns
    -------
    lowpassed : float32 array of the shape of `volume`
    molecule : Molecule
    """
    grid = coarse_grid(volume.shape, voxel_size)
    lowpassed, density = grid.low_passed(
        volume, voxel_size=voxel_size, cutoff_angstrom=lowpass, threads=threads, out=out
    )
    return lowpassed, find_molecule(density, grid, inside, voxel_size=voxel_size, lowpass=lowpass, threads=threads)


def find_molecule(
    density: Volume,
    grid: CoarseGrid,
    inside: NDArray[np.bool_],
    *,
    voxel_size: float,
    lowpass: float,
    threads: int = 1,
) -> Molecule:
    """Find the molecule in a low-passed map, whatever its occupancy.

    Parameters
    ----------
    density : float32 array, 3D
        The low-passed map on the coarse grid.
    grid : CoarseGrid
        The coarse grid.
    inside : bool array of the shape of the map
        The voxels where the molecule may be: inside the inscribed sphere and outside flat areas.
    voxel_size, lowpass : float
        Edge of a voxel and cutoff of the low-pass, Å.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    Molecule

    Notes
    -----
    The map is smoothed by a Gaussian of 14 Å full width. The molecule is where the smoothed density above the
    background exceeds 0.4 of the highest within 10 Å, 0.05 of the highest in the map, and 4 standard deviations of
    the smoothed solvent.
    """
    spacing, inside = voxel_size * grid.step, grid.nearest(inside)
    smooth = gaussian_smooth(density, max(_SMOOTHING_WIDTH, lowpass) / spacing, threads=threads)
    # Over the complete box: when a tight mask has left no solvent, the voxels outside the mask give the background.
    background = histogram_mode(smooth.reshape(-1))
    smooth -= np.float32(background)
    below = smooth[inside & (smooth < 0)]
    noise = float(np.sqrt(np.mean(below.astype(np.float64) ** 2))) if below.size else 0.0
    del below
    strong = significant(smooth, noise)
    mask = inside & strong
    if mask.any():
        reach = int(max(_NEIGHBOURHOOD, lowpass) / spacing)
        box = box_around(mask, reach)
        mask[box] &= smooth[box] > _SHARE_OF_NEIGHBOURHOOD * maximum_within(smooth[box], reach, threads=threads)
    near_density = any_within(strong, int(lowpass / spacing), threads=threads)
    return Molecule(grid, density, mask, near_density, background)


def corrected_maximum(
    lowpassed: Volume,
    molecule: Molecule,
    kernel: NDArray[np.bool_],
    *,
    voxel_size: float,
    lowpass: float,
    threads: int = 1,
    out: Optional[Volume] = None,
) -> Volume:
    """Compute the kernel maximum of the low-passed map, corrected for atom packing and for leakage between parts.

    Parameters
    ----------
    lowpassed : float32 array, 3D
        The low-passed map.
    molecule : Molecule
        From `find_molecule`.
    kernel : bool array, 3D
        The kernel, from `occupy_core.estimate.kernel.ball_mask`.
    voxel_size, lowpass : float
        Edge of a voxel and cutoff of the low-pass, Å.
    threads : int
        Number of threads; the result does not depend on it.
    out : float32 array of the shape of `lowpassed`, optional
        Array for the result; may be `lowpassed` itself.

    Returns
    -------
    float32 array of the shape of `lowpassed`, in the map's grey scale.

    Notes
    -----
    Inside the molecule the density is averaged under a Gaussian of 4 Å full width, over the molecule alone, which evens
    out how densely atoms are packed. M is the kernel maximum of the result. Low-pass, average and kernel mix each part
    with its neighbours. M + 0.8 (M - <M>) undoes this to first order, where <M> is the average of M over the molecule
    under a Gaussian of 8 Å full width. Outside the molecule the result is the kernel maximum of the low-passed map.
    """
    grid = molecule.grid
    growth = max(1.0, lowpass / _FINEST_LOWPASS) / (voxel_size * grid.step)

    def above_average(values: Volume, width: float) -> Volume:
        """Return values of the coarse grid minus their average nearby in the molecule; 0 outside the molecule."""
        average = gaussian_mean_in_mask(values, molecule.mask, width * growth, threads=threads)
        result = np.zeros_like(values)
        result[molecule.mask] = values[molecule.mask] - average
        return result

    def add(change: Volume) -> None:
        add_interpolated(maximum, change, spacing=grid.step, threads=threads)

    maximum = np.empty_like(lowpassed) if out is None else out
    maximum[...] = lowpassed
    add(-above_average(molecule.density, _PACKING_WIDTH))
    ball_maximum(maximum, kernel, threads=threads, out=maximum)
    add(np.float32(_LEAK) * above_average(grid.nearest(maximum), _LEAK_WIDTH))
    return maximum


def histogram_mode(values: NDArray[np.float32]) -> float:
    """Return the most frequent value: the peak of the smoothed histogram.

    Parameters
    ----------
    values : float32 array, 1D
        Finite values, at least one. The lowest and the highest 0.1 % do not count.

    Returns
    -------
    float
        Median of the values near the peak, which depends less on single counts than the position of a bin.
    """
    low, high = percentiles(values, (0.1, 99.9))
    if not high > low:
        return low
    counts, _ = np.histogram(values, _BINS, (low, high))
    smooth = gaussian_filter1d(counts.astype(float), _BIN_SMOOTHING, mode="constant")
    peak = int(smooth.argmax())
    width = (high - low) / _BINS
    distance = np.abs(values - (low + (peak + 0.5) * width))
    # Of few values, none may be near: the smoothed peak lies between two of them.
    return median(values[distance <= max(_BIN_SMOOTHING * width, float(distance.min()))])
