# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks made from the local scale: for particle subtraction, and where solvent is."""

from __future__ import annotations

from typing import Optional

import numpy as np

from occupy_core.arrays.types import Volume
from occupy_core.modify.factors import by_pieces, sigmoid


def kept_by_attenuation(scale: Volume, *, power: float) -> Volume:
    """S^(power - 1), 0..1: the share of each voxel that attenuation leaves; S is the local scale, 0..1."""
    return scale ** np.float32(power - 1)


def kept_by_sigmoid(scale: Volume, *, power: float, pivot: float) -> Volume:
    """f(S)/S below the pivot, 1 above it, 0 where S is 0, with f of `modify.sigmoid`."""

    def kept(piece: Volume) -> Volume:
        result = np.ones_like(piece)
        below = piece < np.float32(pivot)
        s = piece[below]
        result[below] = np.divide(sigmoid(s, power=power, pivot=pivot), s, out=np.zeros_like(s), where=s > 0)
        return np.clip(result, 0, 1, out=result)

    return by_pieces(scale, kept)


def subtraction_mask(kept: Volume, confidence: Optional[Volume]) -> Volume:
    """A mask, 0..1, for particle subtraction: the share of each voxel that stays in the particles.

    Parameters
    ----------
    kept : float32 array
        0..1, from the local scale: `kept_by_attenuation` or `kept_by_sigmoid`. Overwritten.
    confidence : float32 array of the same shape, optional
        0..1, that a voxel is more than solvent, as modified maps take it; None where they leave it out.

    Returns
    -------
    float32 array, within 0..1 to the bit.

    Notes
    -----
    relion_particle_subtract takes the mask as what to keep: it projects the reference times (1 - mask) and takes that
    from each particle. What then remains is the reference times the mask, so for the particles to become those of a
    modified map the mask must be that map's factor, as far as it takes away: with the confidence, mask times input is
    the attenuated map with solvent excluded, and the sigmoid map below its pivot. Above the pivot the
    sigmoid would add density; subtraction cannot, and all is kept.

    In solvent the mask is 0, whether or not modified maps keep theirs: users keep a part, not a part and its
    surroundings; RELION centres new boxes on the mask's centre of mass; and a reference has little there to subtract.
    Below the scale limit a modified map goes back to the input (`modify`), so that solvent stays as it is; a mask
    that rose to 1 there would keep what is weakest of all. It goes on down to 0 instead, so the two differ in voxels
    of a scale below the limit, and there alone.
    """
    return kept if confidence is None else np.multiply(kept, confidence, out=kept)


def solvent_definition(scale: Volume, threshold: float) -> Volume:
    """1 where the local scale is above a threshold, 0 elsewhere; float32, as mask files are."""
    return (scale > np.float32(threshold)).astype(np.float32)
