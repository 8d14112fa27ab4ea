# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole maps modified by the local scale, as the settings say."""

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
    """A kind of modified map, in the box of the computation: made where it is asked for, so that what only passes
    through need never be in memory.

    Attributes
    ----------
    kind : str
        Of `outputs.modified_kinds`.
    volume, scales, confidence, noise : float32 arrays of one shape
        The map, its local scale and confidence, and what fills up attenuated density where something does.
    settings : Settings
    """

    kind: str
    volume: Volume
    scales: Volume
    confidence: Volume
    noise: Optional[Volume]
    settings: Settings

    def part(self, place: Union[slice, Tuple[slice, ...]]) -> Volume:
        """The map at these slices, in an array of its own."""
        volume, confidence, settings = self.volume[place], self.confidence[place], self.settings
        if self.kind == "solvent_excluded":
            return apply_factor(volume, None, confidence, exclude_solvent=True)
        name = next(name for name, made in MODIFIED.items() if made == self.kind)
        # Where there is no confidence nothing is modified: most of a map, and powers take long.
        chosen = np.ones_like(volume, dtype=bool) if settings.omit_confidence else confidence > 0
        factor = modification_factor(name, self.scales[place][chosen], settings)
        result = volume * np.float32(not settings.exclude_solvent)
        result[chosen] = apply_factor(
            volume[chosen],
            factor,
            None if settings.omit_confidence else confidence[chosen],
            exclude_solvent=settings.exclude_solvent,
            filler=None
            if name == "amplify" or self.noise is None
            else scaled_filler(self.noise[place][chosen], factor),
        )
        return result

    def send(self, sink: SlabSink, *, threads: int = 1) -> None:
        """Give away the map slab by slab, from several threads."""
        for_slabs(len(self.volume), lambda slab: sink(slab, self.part(slab)), threads=threads)


def modification_factor(name: str, scales: Volume, settings: Settings) -> Volume:
    """What a modification that is switched on multiplies the map by, where the local scale is as given."""
    power, limit = getattr(settings, name), settings.scale_limit
    if name == "amplify":
        return amplification(scales, power=power, scale_limit=limit)
    if name == "attenuate":
        return attenuation(scales, power=power, scale_limit=limit)
    return sigmoid_factor(scales, power=power, pivot=settings.pivot, scale_limit=limit)
