# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks computed from the local scale: masks for particle subtraction, and solvent definitions."""

from __future__ import annotations

from typing import Optional

import numpy as np

from occupy_core.arrays.types import Volume
from occupy_core.modify.factors import apply_in_pieces, sigmoid


def attenuation_mask(scale: Volume, *, power: float) -> Volume:
    """Compute the share of each voxel that attenuation leaves: S^(power - 1), 0..1.

    Parameters
    ----------
    scale : float32 array
        Local scale S, 0..1.
    power : float
        Power of the attenuation, greater than 1.
    """
    return scale ** np.float32(power - 1)


def sigmoid_mask(scale: Volume, *, power: float, pivot: float) -> Volume:
    """Compute the share of each voxel that the sigmoid leaves, 0..1.

    The share is f(S)/S below the pivot, 1 at and above it, and 0 where S is 0, with f from
    `occupy_core.modify.factors.sigmoid`.

    Parameters
    ----------
    scale : float32 array
        Local scale S, 0..1.
    power : float
        Power of the sigmoid, greater than 1.
    pivot : float
        0.01..0.99.
    """

    def share(piece: Volume) -> Volume:
        result = np.ones_like(piece)
        below = piece < np.float32(pivot)
        s = piece[below]
        result[below] = np.divide(sigmoid(s, power=power, pivot=pivot), s, out=np.zeros_like(s), where=s > 0)
        return np.clip(result, 0, 1, out=result)

    return apply_in_pieces(scale, share)


def subtraction_mask(share: Volume, confidence: Optional[Volume]) -> Volume:
    """Compute a mask for particle subtraction, 0..1: the share of each voxel that stays in the particles.

    Parameters
    ----------
    share : float32 array
        The share of each voxel that a modification leaves, 0..1, from `attenuation_mask` or `sigmoid_mask`.
        Overwritten.
    confidence : float32 array of the shape of `share`, optional
        Confidence, 0..1, that a voxel is more than solvent; None when the settings omit the confidence.

    Returns
    -------
    float32 array of the shape of `share`: share times confidence, exactly within 0..1.

    Notes
    -----
    In relion_particle_subtract the mask marks the density to keep: the program projects the reference times (1 - mask)
    and subtracts the projection from each particle. The reference times the mask remains. The mask is therefore the
    factor of the modified map as far as this factor removes density. With the confidence, mask times input is the
    attenuated map with solvent excluded, and below its pivot the sigmoid map with solvent excluded. Above the pivot the
    sigmoid would add density; subtraction cannot add any, so the mask is 1 there.

    In solvent the mask is 0, whether or not modified maps keep their solvent. Users want to keep a part without its
    surroundings; RELION centres new boxes on the centre of mass of the mask; and the reference has little density to
    subtract there.

    Below the scale limit the factor of a modified map returns to 1 (`occupy_core.modify.factors`), so that solvent
    stays unchanged. A mask that rose to 1 there would keep the weakest density of all. The mask falls to 0 instead, so
    mask and factor differ in voxels whose scale is below the limit, and only there.
    """
    return share if confidence is None else np.multiply(share, confidence, out=share)


def solvent_definition(scale: Volume, threshold: float) -> Volume:
    """Compute a solvent definition: 1 where the local scale is above a threshold (both 0..1), else 0; float32."""
    return (scale > np.float32(threshold)).astype(np.float32)
