# SPDX-License-Identifier: GPL-3.0-or-later
"""The solvent near the molecule, where it may be noisier than far away: the confidence is made to suit this noise.

Class maps of RELION that were refined without a mask need this: alignment and regularisation leave most of their noise
near the molecule. A solvent model fitted to all solvent is then too narrow there, and takes noise for molecule. Ours,
not in the published program; `benchmarks/runs` measures it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from occupy_core.arrays.quantiles import percentiles
from occupy_core.arrays.types import Mask, Volume
from occupy_core.estimate.kernel import ball_mask, ball_maximum
from occupy_core.estimate.significant_density import significant
from occupy_core.fourier.resize import sample_nearest
from occupy_core.fourier.transforms import ROUNDING
from occupy_core.solvent.model import SolventModel
from occupy_core.solvent.region import MIN_SOLVENT_SHARE

# The solvent near the molecule lies between these distances from significant density, in low-passes. Density hardly
# reaches farther than half a low-pass; the noise falls with the distance, so the shell must not be much wider.
_NEAR, _FAR = 0.5, 1.5
_ONE_SIGMA = 84.13  # per cent of a Gaussian lie below one standard deviation above its mean
# The confidence changes only if the solvent near the molecule spreads this many times as widely as the solvent model.
# Measured: at most 1.9 in refined maps (EMD-6824), which must keep their confidence; 1.6 to 20 in class maps where a
# fifth of the confident voxels or more lie in solvent, in most of them more than 2.
_WIDER = 2.0
# Nor does it change if that spread is less than this share of the map's maximum: the low-pass leaves ripples around the
# molecule that noise does not hide in very clean maps. Measured: at most 0.016 in simulated maps with hardly any noise,
# 0.020 and more in class maps, except where their noise is very weak (0.014).
_RIPPLES = 0.018
# A job warns if a larger share of the confident voxels lies away from the molecule. Measured: at most 0.02 in refined
# maps, about 0.2 to 0.3 in class maps before their confidence is made to suit.
_MAX_SHARE_AWAY = 0.05


def suit_noise_near_molecule(
    model: SolventModel, lowpassed: Volume, solvent: Mask, *, lowpass_voxels: float, threads: int = 1
) -> SolventModel:
    """Make the confidence suit the solvent near the molecule, where this is far noisier than the solvent model says.

    Parameters
    ----------
    model : SolventModel
        Fitted to all solvent.
    lowpassed : float32 array, 3D
        The low-passed map.
    solvent : bool array of the shape of `lowpassed`
        The solvent region.
    lowpass_voxels : float
        Cutoff of the low-pass, voxels.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    SolventModel
        `model` itself where the solvent near the molecule spreads less than twice as widely or less than 1.8 % of the
        map's maximum, or cannot be measured.
        Has a warning when more than 5 % of the confident voxels lie away from the molecule.

    Notes
    -----
    Computed on voxels half a low-pass apart, since the low-pass leaves no finer detail. Near the molecule means within
    0.5 to 1.5 low-passes of significant density. The spread there is the 84th percentile of the values less the mean of
    the solvent model: one standard deviation, if they were Gaussian. Values below the mean do not count, because strong
    density has dark ripples around it, nor does weak density in less than a sixth of these voxels.
    """
    spacing = max(1.0, lowpass_voxels / 2)
    shape = tuple(max(1, round(side / spacing)) for side in lowpassed.shape)
    values, solvent = sample_nearest(lowpassed, shape) - np.float32(model.mean), sample_nearest(solvent, shape)
    density = _significant_density(values, solvent)
    near_or_inside = _within(density, _FAR * lowpass_voxels / spacing, threads)
    shell = near_or_inside & ~_within(density, _NEAR * lowpass_voxels / spacing, threads) & solvent
    if np.count_nonzero(shell) >= MIN_SOLVENT_SHARE * shell.size:
        (spread,) = percentiles(values[shell], [_ONE_SIGMA])
        if spread > max(_WIDER * model.sigma, _RIPPLES * float(values.max())):
            model = model.widened(spread)
    confident = values >= model.limit - model.mean
    away = np.count_nonzero(confident & ~near_or_inside)
    if not density.any() or away <= _MAX_SHARE_AWAY * np.count_nonzero(confident):
        return model
    warning = (
        f"{away / np.count_nonzero(confident):.0%} of the voxels with a confidence above 0.5 lie away from the "
        "molecule, so solvent may count as molecule. Look at the confidence map; a lower-resolution low-pass or a "
        "solvent definition helps"
    )
    return replace(model, warnings=(*model.warnings, warning))


def _significant_density(values: Volume, solvent: Mask) -> Mask:
    """Find where the map, less the solvent's mean, stands out after an average over cubes of three voxels."""
    smooth = values
    for axis in range(3):
        smooth = _mean_of_three(smooth, axis)
    below = smooth[solvent & (smooth < 0)]
    noise = math.sqrt(float(np.mean(below**2, dtype=np.float64))) if below.size else 0.0
    return significant(smooth, noise)


def _mean_of_three(values: Volume, axis: int) -> Volume:
    """Compute the mean of each voxel and its two neighbours along an axis; edges repeat."""
    along = np.moveaxis(values, axis, 0)
    result = np.empty_like(values)
    means = np.moveaxis(result, axis, 0)
    means[...] = along
    means[1:] += along[:-1]
    means[0] += along[0]
    means[:-1] += along[1:]
    means[-1] += along[-1]
    result /= np.float32(3)
    return result


def _within(mask: Mask, distance: float, threads: int) -> Mask:
    """Return the voxels within a distance, in voxels, of a mask."""
    kernel = ball_mask(2 * int(distance * (1 + ROUNDING)) + 1, distance)
    found: Mask = ball_maximum(mask.astype(np.float32), kernel, threads=threads) > 0
    return found
