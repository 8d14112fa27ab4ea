# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing a map by its local scale: amplify, attenuate, or both around a pivot; leaving solvent out.

Formulas of Forsberg et al. 2023; S is the local scale, V the map. Below the scale limit L the published program leaves
the map as it is, and so its factor jumps at L: amplified with power 3, from 7.4 to 1. Here each factor F goes on
from its value at L to 1 at S = 0 as F(L)^(S/L); for all S that is F(max(S, L))^min(1, S/L).
"""

from __future__ import annotations

from typing import Callable, Optional

import numpy as np

from occupy_core.arrays.types import Volume

_PIECE = 1 << 20


def amplification(scale: Volume, *, power: float, scale_limit: float) -> Volume:
    """The factor S^(1/power - 1), at least 1: weak parts grow towards full occupancy.

    Parameters
    ----------
    scale : float32 array
        Local scale, 0..1.
    power : float
        Greater than 1.
    scale_limit : float
        0..1; below it the factor goes to 1, which it is where S is 0.
    """
    return _ramped(scale, scale_limit, lambda s: s ** np.float32(1 / power - 1))


def attenuation(scale: Volume, *, power: float, scale_limit: float) -> Volume:
    """The factor S^(power - 1), at most 1: only full occupancy remains. Parameters as in `amplification`."""
    return _ramped(scale, scale_limit, lambda s: s ** np.float32(power - 1))


def sigmoid_factor(scale: Volume, *, power: float, pivot: float, scale_limit: float) -> Volume:
    """The factor f(S)/S: above 1 over the pivot, below 1 under it. Other parameters as in `amplification`."""
    return _ramped(scale, scale_limit, lambda s: sigmoid(s, power=power, pivot=pivot) / s)


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


def apply_factor(
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


def scaled_filler(noise: Volume, factor: Volume) -> Volume:
    """The part of solvent noise (`filler.solvent_noise`) that makes up for what a factor below 1 takes away."""
    result = 1 - factor
    np.clip(result, 0, 1, out=result)
    result *= noise
    return result


def by_pieces(values: Volume, function: Callable[[Volume], Volume]) -> Volume:
    """An elementwise function of an array, taken piece by piece so that what it needs in between stays small."""
    result = np.empty_like(values)
    given, found = values.reshape(-1), result.reshape(-1)
    for start in range(0, given.size, _PIECE):
        piece = slice(start, start + _PIECE)
        found[piece] = function(given[piece])
    return result


def _ramped(scale: Volume, scale_limit: float, factor: Callable[[Volume], Volume]) -> Volume:
    limit = np.float32(scale_limit)

    def ramped(s: Volume) -> Volume:
        with np.errstate(divide="ignore", invalid="ignore"):  # S = 0 without a limit, set below
            result = factor(np.maximum(s, limit))
        below = s < limit
        if below.any():
            result[below] **= s[below] / limit
        result[s == 0] = 1
        return result

    return by_pieces(scale, ramped)
