# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight a class map by confidence: a soft solvent mask that is made anew in each iteration."""

from __future__ import annotations

import math
from typing import Optional, Tuple

import numpy as np

from occupy_core.arrays.types import Mask, Volume
from occupy_core.errors import MapError
from occupy_core.estimate.kernel import ball_mask, ball_maximum
from occupy_core.estimate.near_molecule import suit_noise_near_molecule
from occupy_core.fourier.low_pass import default_lowpass, gaussian_low_pass, low_pass
from occupy_core.solvent.model import LOWPASS_ADVICE, fit_solvent
from occupy_core.solvent.region import inscribed_sphere
from occupy_core.weighting.class_maps import WeightedMap, coarse_box, on_box, power

# The mask reaches this far around confident voxels, and falls from 1 to 0 over about the same length, in low-passes.
# Measured in RELION: the confidence itself, which has sharp edges close to the molecule, lets RELION overestimate the
# resolution, and all particles run into one class.
_GROWTH, _EDGE = 1.0, 1.0
_SMOOTH_ADVICE = "Try the true particle diameter, or for confidence a coarser cutoff (smooth)"


def weight_by_confidence(volume: Volume, mask: Volume) -> WeightedMap:
    """Multiply a class map by the mask of all classes.

    Parameters
    ----------
    volume : float32 array, 3D
        The map of the class as reconstructed.
    mask : float32 array of the same shape, 0..1
        From `confidence_mask`.

    Notes
    -----
    All classes must get one mask, made of the iteration before. Measured in RELION: with masks that differ a little,
    one class fits all particles a little better from the start, and gets nearly all of them.
    """
    values = volume * mask
    return WeightedMap(values, power(values) / power(volume))


def confidence_mask(
    volume: Volume, *, voxel_size: float, diameter: Optional[float] = None, smooth: Optional[float] = None
) -> Volume:
    """Make a soft mask around the confident voxels of a map.

    Parameters
    ----------
    volume : float32 array, 3D
        The mean of the classes as they were reconstructed, with its solvent.
    voxel_size : float
        Å.
    diameter : float, optional
        Diameter of the particles, Å. Only solvent inside it tells the noise.
    smooth : float, optional
        Cutoff in Å of the low-passed map that the confidence is computed from; 8 Å or 3 voxels by default, whichever is
        larger. The mask grows and fades with it.

    Returns
    -------
    float32 array of the same shape, 0..1.

    Raises
    ------
    MapError
        If no density stands out of the solvent.

    Notes
    -----
    The solvent model of Forsberg et al. 2023 (`occupy_core.solvent.model`), made to suit the noise near the molecule.
    """
    lowpass = smooth or default_lowpass(voxel_size)
    box = coarse_box(volume.shape, voxel_size=voxel_size, lowpass=lowpass)
    coarse, coarse_voxel = on_box(volume, box), voxel_size * volume.shape[0] / box[0]
    confidence = _confidence(coarse, coarse_voxel, diameter, lowpass)
    growth = _GROWTH * lowpass / coarse_voxel
    grown = ball_maximum(confidence, ball_mask(2 * math.ceil(growth) + 1, growth), out=confidence)
    mask = on_box(gaussian_low_pass(grown, _EDGE * lowpass / coarse_voxel), volume.shape)
    return np.clip(mask, 0, 1, out=mask)


def _confidence(volume: Volume, voxel_size: float, diameter: Optional[float], lowpass: float) -> Volume:
    """Compute the confidence of each voxel, 0..1."""
    lowpassed = low_pass(volume, voxel_size=voxel_size, cutoff_angstrom=lowpass)
    solvent = inscribed_sphere(volume.shape)
    if diameter is not None:
        solvent &= sphere_of(volume.shape, voxel_size, diameter)
    if not solvent.any():
        raise MapError(
            f"the particle diameter of {diameter:g} Å is smaller than a voxel, expected that of the particles"
        )
    model = fit_solvent(lowpassed, solvent, contrast=float(np.ptp(volume)))
    if model.warnings:
        raise MapError(model.warnings[0].replace(LOWPASS_ADVICE, _SMOOTH_ADVICE))
    model = suit_noise_near_molecule(model, lowpassed, solvent, lowpass_voxels=lowpass / voxel_size)
    return model.confidence_map(lowpassed, out=lowpassed)


def sphere_of(shape: Tuple[int, ...], voxel_size: float, diameter: float) -> Mask:
    """Return the voxels within half a diameter (Å) of voxel n // 2 of each axis, as a bool array."""
    z, y, x = (((np.arange(side) - side // 2) * voxel_size) ** 2 for side in shape)
    found: Mask = z[:, None, None] + y[:, None] + x < (diameter / 2) ** 2
    return found
