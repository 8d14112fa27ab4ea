# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole maps modified by the local scale, as the settings say."""

from __future__ import annotations

from typing import Optional

import numpy as np

from occupy_core import modify
from occupy_core.maps import Volume
from occupy_core.outputs import MODIFIED
from occupy_core.settings import Settings
from occupy_core.slabs import for_slabs


def modified_map(
    kind: str,
    volume: Volume,
    scales: Volume,
    confidence: Volume,
    noise: Optional[Volume],
    settings: Settings,
    threads: int,
    *,
    out: Optional[Volume] = None,
) -> Volume:
    """A kind of modified map, in the box of the computation.

    Parameters
    ----------
    kind : str
        Of `outputs.modified_kinds`.
    volume, scales, confidence, noise : float32 arrays of one shape
        The map, its local scale and confidence, and what fills up attenuated density where something does.
    settings : Settings
    threads : int
    out : float32 array of the same shape, optional
        Where the result goes, where solvent is not all that is left out.
    """
    if kind == "solvent_excluded":
        return modify.modified_map(volume, None, confidence, exclude_solvent=True)
    name = next(name for name, made in MODIFIED.items() if made == kind)
    result = np.empty_like(volume) if out is None else out

    def modify_slab(slab: slice) -> None:
        # Where there is no confidence nothing is modified: most of a map, and powers take long.
        chosen = np.ones_like(volume[slab], dtype=bool) if settings.omit_confidence else confidence[slab] > 0
        factor = factor_of(name, scales[slab][chosen], settings)
        np.multiply(volume[slab], np.float32(not settings.exclude_solvent), out=result[slab])
        result[slab][chosen] = modify.modified_map(
            volume[slab][chosen],
            factor,
            None if settings.omit_confidence else confidence[slab][chosen],
            exclude_solvent=settings.exclude_solvent,
            filler=None if name == "amplify" or noise is None else modify.filled(noise[slab][chosen], factor),
        )

    for_slabs(len(volume), modify_slab, threads=threads)
    return result


def factor_of(name: str, scales: Volume, settings: Settings) -> Volume:
    """What a modification that is switched on multiplies the map by, where the local scale is as given."""
    power, limit = getattr(settings, name), settings.scale_limit
    if name == "amplify":
        return modify.amplification(scales, power=power, scale_limit=limit)
    if name == "attenuate":
        return modify.attenuation(scales, power=power, scale_limit=limit)
    return modify.sigmoid_factor(scales, power=power, pivot=settings.pivot, scale_limit=limit)
