# SPDX-License-Identifier: GPL-3.0-or-later
"""Modified maps in the working box, computed slab by slab when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple, Union

import numpy as np

from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import SlabSink, Volume
from occupy_core.modify.factors import amplification, apply_factor, attenuation, scaled_filler, sigmoid_factor
from occupy_core.settings.output_names import MODIFIED
from occupy_core.settings.settings import Settings


@dataclass(frozen=True)
class ModifiedMap:
    """One modified map in the working box.

    Parts of the map are computed on request. A map that is only passed on is therefore never in memory.

    Attributes
    ----------
    kind : str
        Kind of the map: one of `occupy_core.settings.output_names.modified_kinds`.
    volume : float32 array, 3D
        The map before the modification, in the working box.
    scale, confidence : float32 arrays of the shape of `volume`
        Local scale and confidence, 0..1.
    noise : float32 array of the shape of `volume`, optional
        Noise like the solvent, from which filler noise is made; None when the settings need no filler.
    settings : Settings
    """

    kind: str
    volume: Volume
    scale: Volume
    confidence: Volume
    noise: Optional[Volume]
    settings: Settings

    def part(self, slices: Union[slice, Tuple[slice, ...]]) -> Volume:
        """Compute the part of the modified map at these slices; return a new float32 array."""
        volume, confidence, settings = self.volume[slices], self.confidence[slices], self.settings
        if self.kind == "solvent_excluded":
            return apply_factor(volume, None, confidence, exclude_solvent=True)
        name = next(name for name, kind in MODIFIED.items() if kind == self.kind)
        # Voxels without confidence stay unmodified. They are most of a map, and powers are slow to compute.
        chosen = np.ones_like(volume, dtype=bool) if settings.omit_confidence else confidence > 0
        factor = modification_factor(name, self.scale[slices][chosen], settings)
        noise = None if name == "amplify" else self.noise  # amplification removes no density
        result = volume * np.float32(not settings.exclude_solvent)
        result[chosen] = apply_factor(
            volume[chosen],
            factor,
            None if settings.omit_confidence else confidence[chosen],
            exclude_solvent=settings.exclude_solvent,
            filler=None if noise is None else scaled_filler(noise[slices][chosen], factor),
        )
        return result

    def send(self, sink: SlabSink, *, threads: int = 1) -> None:
        """Compute the modified map slab by slab and send each slab to the sink, from several threads."""
        for_slabs(len(self.volume), lambda slab: sink(slab, self.part(slab)), threads=threads)


def modification_factor(name: str, scale: Volume, settings: Settings) -> Volume:
    """Compute the factor by which a modification multiplies the map.

    Parameters
    ----------
    name : str
        "amplify", "attenuate" or "sigmoid"; switched on in the settings.
    scale : float32 array
        Local scale, 0..1.
    settings : Settings

    Returns
    -------
    float32 array of the shape of `scale`.
    """
    power, limit = getattr(settings, name), settings.scale_limit
    if name == "amplify":
        return amplification(scale, power=power, scale_limit=limit)
    if name == "attenuate":
        return attenuation(scale, power=power, scale_limit=limit)
    return sigmoid_factor(scale, power=power, pivot=settings.pivot, scale_limit=limit)
