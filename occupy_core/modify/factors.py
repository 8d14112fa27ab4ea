# SPDX-License-Identifier: GPL-3.0-or-later
"""Factors by which a map is modified: amplify, attenuate, sigmoid; and the blend of modified map, filler and solvent.

Formulas of Forsberg et al. 2023; S is the local scale, V the map, L the scale limit. Below L the published program
leaves the map unchanged, so its factor jumps at L: amplified with power 3, from 7.4 to 1. Here each factor F falls or
rises smoothly from its value at L to 1 at S = 0, as F(L)^(S/L). For all S the factor is F(max(S, L))^min(1, S/L).
"""

from __future__ import annotations

from typing import Callable, Optional

import numpy as np

from occupy_core.arrays.types import Volume

_PIECE_VALUES = 1 << 20  # values of an array that `apply_in_pieces` processes at once


def amplification(scale: Volume, *, power: float, scale_limit: float) -> Volume:
    """Compute the factor S^(1/power - 1), at least 1: it raises weak parts towards full occupancy.

    Parameters
    ----------
    scale : float32 array
        Local scale S, 0..1.
    power : float
        Greater than 1.
    scale_limit : float
        0..1. Below it the factor approaches 1, which it reaches at S = 0.

    Returns
    -------
    float32 array of the shape of `scale`.
    """
    return _ramped(scale, scale_limit, lambda s: s ** np.float32(1 / power - 1))


def attenuation(scale: Volume, *, power: float, scale_limit: float) -> Volume:
    """Compute the factor S^(power - 1), at most 1: it leaves only full occupancy.

    Parameters and result as in `amplification`.
    """
    return _ramped(scale, scale_limit, lambda s: s ** np.float32(power - 1))


def sigmoid_factor(scale: Volume, *, power: float, pivot: float, scale_limit: float) -> Volume:
    """Compute the factor f(S)/S, f from `sigmoid`: above 1 where S is above the pivot, below 1 where S is below it.

    Pivot as in `sigmoid`, other parameters and result as in `amplification`.
    """
    return _ramped(scale, scale_limit, lambda s: sigmoid(s, power=power, pivot=pivot) / s)


def sigmoid(scale: Volume, *, power: float, pivot: float) -> Volume:
    """Compute the sigmoid f(S), 0..1, with f(0) = 0, f(pivot) = pivot and f(1) = 1.

    Parameters
    ----------
    scale : float32 array
        Local scale S, 0..1.
    power : float
        Greater than 1; the larger, the steeper.
    pivot : float
        0.01..0.99.

    Returns
    -------
    float32 array of the shape of `scale`.

    Notes
    -----
    f(s) = 1 / (1 + (mu (1 - s) / (s (1 - mu)))^power), where mu makes f(pivot) = pivot. Evaluated directly; the
    published program looks it up in 100 steps and has NaN where S is 0.
    """
    mu = 1 / (1 + (1 / pivot - 1) ** (-1 / power) * (1 - pivot) / pivot)
    odds = np.float32(mu / (1 - mu))
    result = np.zeros_like(scale)
    positive = scale > 0
    s = scale[positive]
    with np.errstate(over="ignore"):  # for a tiny scale the ratio becomes infinite, and f is 0
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
    """Multiply a map by a factor where it is confidently more than solvent.

    Parameters
    ----------
    volume : float32 array
        The map V.
    factor : float32 array of the shape of `volume`, optional
        The factor; None counts as 1.
    confidence : float32 array of the shape of `volume`, optional
        Confidence C, 0..1; None counts as 1.
    exclude_solvent : bool
        Whether to drop the unmodified map where the confidence is low.
    filler : float32 array of the shape of `volume`, optional
        Filler noise, from `scaled_filler`.

    Returns
    -------
    float32 array of the shape of `volume`
        C (factor V + filler) + (1 - C) V; without the second term when solvent is excluded.
    """
    modified = volume.copy() if factor is None else volume * factor
    if filler is not None:
        modified += filler
    if confidence is None:
        return modified
    modified *= confidence
    if not exclude_solvent:
        modified += (1 - confidence) * volume
    return modified


def scaled_filler(noise: Volume, factor: Volume) -> Volume:
    """Scale noise to replace the density that a factor below 1 removes: noise times (1 - factor), at least 0.

    Parameters
    ----------
    noise : float32 array
        Noise like the solvent, from `occupy_core.modify.filler_noise.solvent_noise`.
    factor : float32 array of the shape of `noise`
        The factor by which the map is multiplied.
    """
    result = 1 - factor
    np.clip(result, 0, 1, out=result)
    result *= noise
    return result


def apply_in_pieces(values: Volume, function: Callable[[Volume], Volume]) -> Volume:
    """Apply an elementwise function to an array piece by piece, so that its temporary arrays stay small."""
    result = np.empty_like(values)
    flat_values, flat_result = values.reshape(-1), result.reshape(-1)
    for start in range(0, flat_values.size, _PIECE_VALUES):
        piece = slice(start, start + _PIECE_VALUES)
        flat_result[piece] = function(flat_values[piece])
    return result


def _ramped(scale: Volume, scale_limit: float, factor: Callable[[Volume], Volume]) -> Volume:
    """Compute a factor F that approaches 1 below the scale limit, as the module's docstring says."""
    limit = np.float32(scale_limit)

    def ramped(s: Volume) -> Volume:
        with np.errstate(divide="ignore", invalid="ignore"):  # without a limit S may be 0, which is set below
            result = factor(np.maximum(s, limit))
        below = s < limit
        if below.any():
            result[below] **= s[below] / limit
        result[s == 0] = 1
        return result

    return apply_in_pieces(scale, ramped)
