# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrated normalisation: a scale that reads 0 in solvent and 1 in the best region of the molecule.

Ours, not in the published program. All steps run on the coarse grid of the molecule:

1. Solvent: the solvent voxels that no density reaches.
2. Zero of the scale: the most frequent kernel maximum there.
3. Best region: the part of the molecule where averages over windows are highest.
4. One of the scale (the reference value): the median kernel maximum over the best region.

The constants were chosen on simulated complexes of known occupancies; docs/accuracy.md has the figures and
`benchmarks/occupancy` measures them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.quantiles import median, percentiles
from occupy_core.arrays.smoothing import gaussian_mean_in_mask, sampling_step
from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.estimate.molecule import Molecule, histogram_mode
from occupy_core.estimate.reference import Reference
from occupy_core.estimate.texture import texture

# Windows are Gaussians. Their full width at half maximum, Å, in the search for the best region: the first pass takes
# this or twice the low-pass, the second pass this or the low-pass, whichever is larger. About 20 Å is the smallest
# part at full occupancy that can be recognised.
_WINDOW_WIDTH = 18.0
_NARROW_WINDOW_WIDTH = 14.0
# Percentile of the windows' averages that counts as their top: over the molecule in the first pass, over the windows
# that pass it in the second. Not the maximum, because the highest of many windows is a chance result.
_TOP_PERCENTILE = 95.0
_NARROW_TOP_PERCENTILE = 80.0
# A window belongs to the best region when its average exceeds _SHARE_OF_TOP of the top, less _NOISE_ALLOWANCE standard
# deviations of window averages in solvent (noise widens the best region).
_SHARE_OF_TOP = 0.86
_NOISE_ALLOWANCE = 1.5

# Safeguards: with less than this there is nothing to calibrate.
_MIN_SOLVENT_SHARE = 0.02  # solvent voxels, as a share of the voxels where the molecule may be
_MIN_MOLECULE_VOLUME = 3000.0  # volume of the molecule, Å^3
_MIN_VOXELS = 20  # voxels of the coarse grid, for solvent and for the molecule


@dataclass(frozen=True)
class Calibration:
    """The zero and the one of the calibrated scale, and the regions that they were measured in.

    Attributes
    ----------
    reference : Reference
        The values that count as 0 and as 1. Its tiles are the windows with the highest and the lowest average.
    molecule : Molecule
        The molecule that was calibrated.
    best_region, solvent : bool arrays, 3D, on the coarse grid
        The best region of the molecule, and the solvent that no density reaches.
    solvent_level : float
        Median of the low-passed map over `solvent`, in the map's grey scale; 0 when `solvent` is empty.
    warnings : tuple of str
        Reasons why the calibration may be wrong, and the consequences.
    """

    reference: Reference
    molecule: Molecule
    best_region: NDArray[np.bool_]
    solvent: NDArray[np.bool_]
    solvent_level: float
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
    """Find the zero and the one of the calibrated scale.

    Parameters
    ----------
    maximum : float32 array, 3D
        The kernel maximum: in occupancy mode from `occupy_core.estimate.molecule.corrected_maximum`, else from
        `occupy_core.estimate.kernel.ball_maximum`.
    inside : bool array of the shape of `maximum`
        The voxels where the molecule may be: inside the inscribed sphere and outside flat areas.
    solvent : bool array of the shape of `maximum`
        The solvent region, from `occupy_core.solvent.region.solvent_region`.
    molecule : Molecule
        From `occupy_core.estimate.molecule.find_molecule`.
    voxel_size, lowpass : float
        Edge of a voxel of `maximum` and cutoff of the low-pass, Å.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    Calibration

    Raises
    ------
    MapError
        If no density stands out of the solvent.

    Notes
    -----
    Zero is the mode of the maximum over the solvent. One is its median over the best region: the part of the molecule
    whose average over windows of 18 Å comes within 14 % of the top (95th percentile) and 1.5 standard deviations
    of such averages in solvent; a second pass in windows of 14 Å (80th percentile) narrows that part. A wide region and
    its median are used because the highest of many windows is a chance result, the more so the noisier the map.
    """
    shape, grid = maximum.shape, molecule.grid
    spacing = voxel_size * grid.step
    _require_molecule(molecule.mask, spacing)
    maximum, inside, solvent = grid.nearest(maximum), grid.nearest(inside), grid.nearest(solvent)
    min_solvent = max(_MIN_VOXELS, _MIN_SOLVENT_SHARE * inside.sum())
    edge = round(lowpass / 2 / spacing)
    solvent = _solvent_beyond_reach(solvent, inside, molecule, edge=edge, min_voxels=min_solvent, threads=threads)
    solvent_level = median(molecule.density[solvent]) if solvent.any() else 0.0
    if solvent.sum() > min_solvent:
        zero, level, noise_mask = histogram_mode(maximum[solvent]), solvent_level, solvent
        warnings: Tuple[str, ...] = ()
    else:
        zero = level = molecule.background
        noise_mask = np.zeros_like(solvent)
        warnings = (
            f"almost no solvent to calibrate the zero of the scale: the most frequent smoothed density, {zero:.3g}, "
            "counts as 0 instead, so low occupancies read too high",
        )
    window = max(_WINDOW_WIDTH, 2 * lowpass)
    widths = window / spacing, max(_NARROW_WINDOW_WIDTH, lowpass) / spacing
    best_region, heights = _best_region(maximum, molecule.mask, noise_mask, level, widths, threads)
    lower, one, upper = percentiles(maximum[best_region], (25, 50, 75))
    if not one > zero:
        raise MapError(_not_above(zero, one))
    side = min(2 * round(window / voxel_size / 2), *shape)
    highest, lowest = _extreme_windows(heights, molecule, side, shape)
    variation = texture(molecule, best_region, solvent, level, width=2 * lowpass / spacing)
    reference = Reference(one, highest, lowest, side, zero, (upper - lower) / (one - zero), *variation)
    return Calibration(reference, molecule, best_region, solvent, solvent_level, warnings)


def _require_molecule(mask: NDArray[np.bool_], spacing: float) -> None:
    """Refuse a map whose molecule is too small to be one; `spacing` is the coarse grid's, Å."""
    if mask.sum() < max(_MIN_VOXELS, _MIN_MOLECULE_VOLUME / spacing**3):
        raise MapError(
            "calibrated normalisation found no density that stands out of the solvent, expected a molecule; is the "
            "contrast inverted (density must be positive), or no solvent in the box? Otherwise choose tiled "
            "normalisation or a lower-resolution low-pass"
        )


def _solvent_beyond_reach(
    solvent: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    molecule: Molecule,
    *,
    edge: int,
    min_voxels: float,
    threads: int,
) -> NDArray[np.bool_]:
    """Select the solvent voxels that no density reaches.

    Voxels within `edge` voxels of flat areas are left out too if more than `min_voxels` remain: noise is weaker there,
    because of the soft edge of a mask and of the low-pass across it.
    """
    free = solvent & ~molecule.near_density
    deep = free & ~any_within(~inside, edge, threads=threads)
    return deep if deep.sum() > min_voxels else free


def _best_region(
    maximum: Volume,
    molecule: NDArray[np.bool_],
    noise_mask: NDArray[np.bool_],
    level: float,
    widths: Tuple[float, float],
    threads: int,
) -> Tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Find the best region of the molecule in two passes.

    Parameters
    ----------
    maximum : float32 array, 3D
        The kernel maximum on the coarse grid.
    molecule, noise_mask : bool arrays of the shape of `maximum`
        The molecule, and the solvent in which the noise of window averages is measured.
    level : float
        Density of the solvent, above which windows are compared.
    widths : two float
        Full widths of the windows in the first and in the second pass, voxels of the coarse grid.
    threads : int
        Number of threads.

    Returns
    -------
    best_region : bool array of the shape of `maximum`
    heights : float32 array, 1D
        Average of the window around each voxel of the molecule, first pass, above `level`.

    Raises
    ------
    MapError
        If the windows of the molecule are not above the solvent.
    """
    wide, narrow = widths
    heights, noise = _window_heights(maximum, molecule, noise_mask, level, wide, threads)
    top = float(np.percentile(heights, _TOP_PERCENTILE))
    if not top > 0:
        raise MapError(_not_above(level, level + top))
    best = molecule.copy()
    best[molecule] = heights > _SHARE_OF_TOP * top - _NOISE_ALLOWANCE * noise
    narrow_heights, noise = _window_heights(maximum, best, noise_mask, level, narrow, threads)
    narrow_top = np.percentile(narrow_heights, _NARROW_TOP_PERCENTILE)
    best[best] = narrow_heights > _SHARE_OF_TOP * narrow_top - _NOISE_ALLOWANCE * noise
    return best, heights


def _window_heights(
    maximum: Volume,
    part: NDArray[np.bool_],
    noise_mask: NDArray[np.bool_],
    level: float,
    width: float,
    threads: int,
) -> Tuple[NDArray[np.float32], float]:
    """Average the kernel maximum over windows inside a part of the molecule.

    Returns, for each voxel of the part, the average minus `level` (the solvent's density), and the standard deviation
    of such averages in solvent (0 when `noise_mask` is empty).
    """
    step = sampling_step(noise_mask, width)
    in_solvent = gaussian_mean_in_mask(maximum, noise_mask, width, threads=threads, step=step)
    noise = float(in_solvent.std()) if in_solvent.size else 0.0
    return gaussian_mean_in_mask(maximum, part, width, threads=threads) - np.float32(level), noise


def _not_above(zero: float, one: float) -> str:
    return (
        f"calibrated normalisation found {one:.4g} as the value of full occupancy, expected more than {zero:.4g}, the "
        "value in solvent; is the contrast inverted (density must be positive)? Otherwise choose tiled normalisation"
    )


def _extreme_windows(
    heights: NDArray[np.float32], molecule: Molecule, side: int, shape: Tuple[int, ...]
) -> Tuple[Tuple[int, int, int], Tuple[int, int, int]]:
    """Return the first voxels, on the map's grid, of the windows around the highest and the lowest of `heights`.

    A window is `side` voxels wide; `heights` has one value for each voxel of the molecule.
    """
    indices = np.argwhere(molecule.mask)
    step = molecule.grid.step
    highest = _first_voxel(indices[heights.argmax()], step, side, shape)
    return highest, _first_voxel(indices[heights.argmin()], step, side, shape)


def _first_voxel(centre: NDArray[np.intp], step: float, side: int, shape: Tuple[int, ...]) -> Tuple[int, int, int]:
    """Return the first voxel of a window of `side` voxels around a voxel of the coarse grid, moved into the box."""
    z, y, x = (max(0, min(round(int(index) * step) - side // 2, full - side)) for index, full in zip(centre, shape))
    return (z, y, x)
