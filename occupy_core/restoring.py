# SPDX-License-Identifier: GPL-3.0-or-later
"""Back from the box of the computation to the input's, slab by slab: no map is in memory in the input's box."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from occupy_core import fourier, histogram
from occupy_core.derived import Derived
from occupy_core.maps import DensityMap, Volume
from occupy_core.modified_maps import ModifiedMap
from occupy_core.settings import Settings
from occupy_core.slabs import Give, for_slabs
from occupy_core.transforms import Room


@dataclass(frozen=True)
class Restorer:
    """Gives away results of the computation on the input's grid."""

    source: DensityMap
    derived: Derived
    settings: Settings
    threads: int
    _room: Room = field(default_factory=Room)

    def give_fraction(self, values: Volume, give: Give) -> None:
        """A scale or confidence map: in another box it rings, so it is cut to 0..1 again."""
        if values.shape == self.source.grid.shape:
            for_slabs(len(values), lambda slab: give(slab, values[slab]), threads=self.threads)
        else:
            self._give_resized(values, _clipping(give, np.float32(0), np.float32(1)))

    def give_modified(self, made: ModifiedMap, give: Give) -> None:
        """A modified map: low-passed if asked, within the input's range or with its histogram."""
        if not self.settings.hist_match:
            self._give(made, _clipping(give, *self.source.limits))
            return
        whole = np.empty(self.source.grid.shape, dtype=np.float32)
        self._give(made, whole.__setitem__)
        matched = histogram.matched(whole, self.source.data)
        for_slabs(len(matched), lambda slab: give(slab, matched[slab]), threads=self.threads)

    def _give(self, made: ModifiedMap, give: Give) -> None:
        same_box = made.volume.shape == self.source.grid.shape
        cutoff = self.settings.lowpass_output
        if cutoff is not None:
            values = self._low_passed(made, cutoff)
            if same_box:
                for_slabs(len(values), lambda slab: give(slab, values[slab]), threads=self.threads)
            else:
                self._give_resized(values, give)
        elif same_box:
            made.give(give, threads=self.threads)
        else:
            fourier.give_resized(
                made.volume,
                self.source.grid.shape,
                give,
                rows_of=lambda rows: made.part((slice(None), rows)),
                room=self._room,
                threads=self.threads,
            )

    def _give_resized(self, values: Volume, give: Give) -> None:
        fourier.give_resized(values, self.source.grid.shape, give, room=self._room, threads=self.threads)

    def _low_passed(self, made: ModifiedMap, cutoff: float) -> Volume:
        values = np.empty_like(made.volume)
        made.give(values.__setitem__, threads=self.threads)
        size, threads = self.derived.voxel_size, self.threads
        return fourier.low_pass(values, voxel_size=size, cutoff_angstrom=cutoff, threads=threads, out=values)


def _clipping(give: Give, low: np.float32, high: np.float32) -> Give:
    return lambda slab, values: give(slab, np.clip(values, low, high, out=values))
