# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing a map by its local scale: amplify, attenuate, or both around a pivot; leaving solvent out.

Formulas of Forsberg et al. 2023; S is the local scale, V the map.
"""

from __future__ import annotations

from typing import Optional

import numpy as np
from numpy.typing import NDArray

from occupy_core.maps import Volume


def amplification(scale: Volume, *, power: float, scale_limit: float) -> Volume:
    """The factor S^(1/power - 1), at least 1: weak parts grow towards full occupancy.

    Parameters
    ----------
    scale : float32 array
        Local scale, 0..1.
    power : float
        Greater than 1.
    scale_limit : float
        0..1; where S is below it, and where S is 0, the factor is 1.
    """
    return _power_factor(scale, 1 / power - 1, scale_limit)


def attenuation(scale: Volume, *, power: float, scale_limit: float) -> Volume:
    """The factor S^(power - 1), at most 1: only full occupancy remains. Parameters as in `amplification`."""
    return _power_factor(scale, power - 1, scale_limit)


def sigmoid_factor(scale: Volume, *, power: float, pivot: float, scale_limit: float) -> Volume:
    """The factor f(S)/S: above 1 over the pivot, below 1 under it. Other parameters as in `amplification`."""
    inside = _within(scale, scale_limit)
    safe = np.where(inside, scale, np.float32(1))
    return np.where(inside, sigmoid(safe, power=power, pivot=pivot) / safe, np.float32(1))


def sigmoid(scale: Volume, *, power: float, pivot: float) -> Volume:
    """The sigmoid f on 0..1 with f(0) = 0, f(pivot) = pivot and f(1) = 1.

    Notes
    -----
    f(s) = 1 / (1 + (mu (1 - s) / (s (1 - mu)))^power), evaluated directly; the published program looks
    it up in 100 steps and has NaN where S is 0.
    """
    mu = 1 / (1 + (1 / pivot - 1) ** (-1 / power) * (1 - pivot) / pivot)
    odds = np.float32(mu / (1 - mu))
    result = np.zeros_like(scale)
    positive = scale > 0
    s = scale[positive]
    with np.errstate(over="ignore"):  # the ratio of a tiny scale is infinite, and f there is 0
        result[positive] = 1 / (1 + (odds * (1 - s) / s) ** np.float32(power))
    return result


def modified_map(
    volume: Volume,
    factor: Optional[Volume],
    confidence: Optional[Volume],
    *,
    exclude_solvent: bool,
    filler: Optional[Volume] = None,
) -> Volume:
    """The map times the factor where it is confidently more than solvent, and the map as it is elsewhere.

    Parameters
    ----------
    volume : float32 array
    factor : float32 array, optional
        None leaves the map as it is.
    confidence : float32 array, optional
        0..1; None is 1 everywhere.
    exclude_solvent : bool
        Drop the map where there is no confidence.
    filler : float32 array, optional
        Added to the part that is modified.

    Returns
    -------
    float32 array: C (factor V + filler) + (1 - C) V, without the last term when solvent is excluded.
    """
    changed = volume.copy() if factor is None else volume * factor
    if filler is not None:
        changed += filler
    if confidence is None:
        return changed
    changed *= confidence
    if not exclude_solvent:
        changed += (1 - confidence) * volume
    return changed


def noise_filler(factor: Volume, *, mean: float, sigma: float, seed: int) -> Volume:
    """Gaussian noise of the solvent (mean, sigma) in proportion to what a factor below 1 takes away."""
    noise = np.random.default_rng(seed).standard_normal(factor.shape, dtype=np.float32)
    noise *= np.float32(sigma)
    noise += np.float32(mean)
    noise *= np.clip(1 - factor, 0, 1)
    return noise


def _within(scale: Volume, scale_limit: float) -> NDArray[np.bool_]:
    return (scale >= np.float32(scale_limit)) & (scale > 0)


def _power_factor(scale: Volume, exponent: float, scale_limit: float) -> Volume:
    result = np.ones_like(scale)
    np.power(scale, np.float32(exponent), out=result, where=_within(scale, scale_limit))
    return result
