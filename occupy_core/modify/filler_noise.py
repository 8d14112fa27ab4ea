# SPDX-License-Identifier: GPL-3.0-or-later
"""Filler noise: noise like a map's solvent, which replaces density that a modification removes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.slabs import for_each, mean_where
from occupy_core.arrays.types import Volume
from occupy_core.fourier.shells import noise_with_spectrum, radial_power
from occupy_core.solvent.region import MIN_SOLVENT_SHARE


def solvent_noise(
    volume: Volume,
    solvent: NDArray[np.bool_],
    *,
    mean: float,
    sigma: float,
    seed: int,
    threads: int = 1,
) -> Volume:
    """Generate Gaussian noise with the mean and the radial power spectrum of a map's solvent.

    Parameters
    ----------
    volume : float32 array, 3D
        The map.
    solvent : bool array of the shape of `volume`
        The voxels that hold nothing but solvent, from `pure_solvent`.
    mean, sigma : float
        Mean and standard deviation of the solvent model, in the map's grey scale. `sigma` counts only when less than
        1 % of the voxels are solvent: no spectrum is measured then, and the noise is white.
    seed : int
        Seed of the random numbers; equal seeds give equal noise.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    float32 array of the shape of `volume`.

    Notes
    -----
    The published program fills with white noise. Solvent noise is not white: white noise of equal variance is too weak
    at long waves and too strong at short ones (docs/differences.md).
    """
    share = np.count_nonzero(solvent) / solvent.size
    has_solvent = bool(share >= MIN_SOLVENT_SHARE)
    noise, power = np.empty_like(volume), np.empty(0)
    depth, height, width = volume.shape
    # One workspace for both spectra: to allocate new memory takes long.
    workspace = np.empty((depth, height, width // 2 + 1), dtype=np.complex64)

    def draw_white_noise() -> None:
        np.random.default_rng(seed).standard_normal(dtype=np.float32, out=noise)

    def measure_power() -> None:
        nonlocal power
        solvent_mean = mean_where(volume, solvent, threads=threads)
        # The sum over a share of the voxels, divided by that share: the power of noise that fills the box.
        power = radial_power(volume, mean=solvent_mean, where=solvent, threads=threads, workspace=workspace) / share

    steps = [draw_white_noise, measure_power] if has_solvent else [draw_white_noise]
    for_each(steps, lambda step: step(), threads=threads)
    if has_solvent:
        return noise_with_spectrum(noise, power, mean=mean, threads=threads, workspace=workspace)
    noise *= np.float32(sigma)
    noise += np.float32(mean)
    return noise


def pure_solvent(solvent: NDArray[np.bool_], confidence: Volume, *, reach: int, threads: int = 1) -> NDArray[np.bool_]:
    """Select the voxels of a solvent region that are far from the molecule.

    Parameters
    ----------
    solvent : bool array, 3D
        The solvent region.
    confidence : float32 array of the shape of `solvent`
        Confidence, 0..1, that a voxel is more than solvent.
    reach : int
        Distance in voxels: no voxel within it along any axis may have a confidence above 0.5.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    bool array of the shape of `solvent`.
    """
    near_molecule = any_within(confidence > 0.5, reach, threads=threads)
    return np.greater(solvent, near_molecule, out=near_molecule)  # solvent and not near_molecule
