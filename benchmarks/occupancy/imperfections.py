# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a reconstruction worse than a map computed from atoms: coloured noise, alignment errors, soft masks."""

from __future__ import annotations

import numpy as np
import scipy.fft
from scipy.ndimage import distance_transform_edt

# Noise power per Fourier component of a reconstruction, by frequency relative to its resolution; 1 at low frequencies.
# Measured in the solvent of the RELION tutorial's beta-galactosidase (refined, unsharpened, 7.2 Å, 3.54 Å a voxel),
# from 35 Å to 7.2 Å. Coarser frequencies are left out, because density beside the molecule leaks into them.
_NOISE_POWER = (
    (0.20, 1.0),
    (0.33, 0.84),
    (0.39, 0.47),
    (0.45, 0.43),
    (0.51, 0.29),
    (0.57, 0.20),
    (0.63, 0.136),
    (0.69, 0.081),
    (0.75, 0.036),
    (0.81, 0.022),
    (0.88, 0.012),
    (0.93, 0.0066),
    (1.00, 0.0037),
)
_BLUR_LEVELS = 6  # blurred copies of a map between which a blur that grows with the radius is interpolated
_MASK_EDGE = 8.0  # width of the cosine edge of a mask, Å


def reconstruction_falloff(k: np.ndarray, resolution: float) -> np.ndarray:
    """Return the amplitude of the noise of a reconstruction at frequencies `k` (1/Å), relative to low frequencies.

    The noise falls as in a real, unsharpened reconstruction, stretched to `resolution` (Å).
    """
    frequencies, powers = np.array(_NOISE_POWER).T
    return np.exp(np.interp(k * resolution, frequencies, np.log(powers)) / 2).astype(np.float32)


def misaligned(spectrum: np.ndarray, k: np.ndarray, *, voxel_size: float, rotation: float, shift: float) -> np.ndarray:
    """Blur a map as errors of the particles' orientations and positions do: more, the farther from the centre.

    Parameters
    ----------
    spectrum : complex array (z, y, x; half along x)
        Fourier transform of a map in a cubic box; the particles turn about the centre of the box.
    k : float array of the shape of `spectrum`
        Frequencies, 1/Å.
    voxel_size : float
        Å.
    rotation : float
        Standard deviation of the orientations about each axis, degrees.
    shift : float
        Standard deviation of the positions along each axis, Å.

    Returns
    -------
    complex64 array of the shape of `spectrum`

    Notes
    -----
    A rotation by a small angle moves a voxel at distance r by the angle times r, in the two directions across the
    radius. The blur is a Gaussian with the mean variance of the three directions, shift^2 + 2/3 (rotation r)^2. Maps
    blurred by a few widths are interpolated at each voxel, linearly in the variance.
    """
    side = spectrum.shape[0]
    axis = (np.arange(side) - side // 2) * voxel_size
    squared = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2
    variance = shift**2 + 2 / 3 * np.radians(rotation) ** 2 * squared
    largest = shift**2 + 2 / 3 * (np.radians(rotation) * side // 2 * voxel_size) ** 2
    levels = np.linspace(np.sqrt(variance.min()), np.sqrt(max(largest, variance.min())), _BLUR_LEVELS) ** 2
    result = np.zeros((side,) * 3, np.float32)
    for number, level in enumerate(levels):
        weight = np.interp(variance, levels, np.eye(_BLUR_LEVELS)[number]) if levels[-1] > levels[0] else not number
        blurred = scipy.fft.irfftn(spectrum * np.exp(-2 * np.pi**2 * level * k**2), (side,) * 3)
        result += (weight * blurred).astype(np.float32)
    return scipy.fft.rfftn(result)


def soft_mask(molecule: np.ndarray, voxel_size: float, distance: float) -> np.ndarray:
    """Return a mask that follows the molecule (bool array): 1 within a distance (Å), 0 beyond a cosine edge of 8 Å."""
    outside = distance_transform_edt(~molecule, sampling=voxel_size)
    return ((1 + np.cos(np.pi * np.clip((outside - distance) / _MASK_EDGE, 0, 1))) / 2).astype(np.float32)


def soft_sphere(molecule: np.ndarray, voxel_size: float, distance_to_model: float) -> np.ndarray:
    """Return a sphere around the molecule (bool array): 1 within a distance (Å), 0 beyond a cosine edge of 8 Å."""
    axis = np.arange(molecule.shape[0]) - molecule.shape[0] // 2
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2) * voxel_size
    radius = distance[molecule].max() + distance_to_model
    return ((1 + np.cos(np.pi * np.clip((distance - radius) / _MASK_EDGE, 0, 1))) / 2).astype(np.float32)
