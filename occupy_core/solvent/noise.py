# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise like a map's solvent, to put where density is taken away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.slabs import for_each, mean_where
from occupy_core.arrays.types import Volume
from occupy_core.fourier.shells import give_spectrum, radial_power
from occupy_core.solvent.region import LEAST_SOLVENT


def solvent_noise(
    volume: Volume,
    solvent: NDArray[np.bool_],
    *,
    mean: float,
    sigma: float,
    seed: int,
    threads: int = 1,
) -> Volume:
    """Gaussian noise with the mean of the solvent and its radial power spectrum.

    Parameters
    ----------
    volume : float32 array, 3D
    solvent : bool array of the same shape
        Where there is nothing but solvent: `pure_solvent`.
    mean, sigma : float
        Of the solvent model, in the map's grey scale; sigma only counts where there is too little solvent to take a
        spectrum from, and the noise is white.
    seed : int
        The same seed gives the same noise, whatever the threads.
    threads : int
        For the transforms.

    Returns
    -------
    float32 array of the same shape.

    Notes
    -----
    The published program fills with white noise. Solvent noise is not white, and white noise of the same variance is
    too weak at long waves and too strong at short ones (docs/differences.md).
    """
    share = np.count_nonzero(solvent) / solvent.size
    enough = bool(share >= LEAST_SOLVENT)
    noise, power = np.empty_like(volume), np.empty(0)
    depth, height, width = volume.shape
    workspace = np.empty((depth, height, width // 2 + 1), dtype=np.complex64)  # for both spectra: new memory takes long

    def draw() -> None:
        np.random.default_rng(seed).standard_normal(dtype=np.float32, out=noise)

    def take_power() -> None:
        nonlocal power
        solvents_mean = mean_where(volume, solvent, threads=threads)
        # Variance of a voxel if the noise were white, by whole waves across the longest side.
        power = radial_power(volume, mean=solvents_mean, where=solvent, threads=threads, workspace=workspace) / share

    for_each([draw, take_power] if enough else [draw], lambda work: work(), threads=threads)
    if enough:
        return give_spectrum(noise, power, mean=mean, threads=threads, workspace=workspace)
    noise *= np.float32(sigma)
    noise += np.float32(mean)
    return noise


def pure_solvent(solvent: NDArray[np.bool_], confidence: Volume, *, reach: int, threads: int = 1) -> NDArray[np.bool_]:
    """The voxels of a solvent region that have nothing but solvent within `reach` voxels along each axis.

    Parameters
    ----------
    solvent : bool array, 3D
        Where to look for solvent.
    confidence : float32 array of the same shape
        0..1, that a voxel is more than solvent.
    reach : int
    threads : int
        The result does not depend on it.
    """
    found = any_within(confidence > 0.5, reach, threads=threads)
    return np.greater(solvent, found, out=found)  # solvent and not found
