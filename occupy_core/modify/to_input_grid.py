# SPDX-License-Identifier: GPL-3.0-or-later
"""Back from the box of the computation to the input's, slab by slab: no map is in memory in the input's box."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import SlabSink, Volume
from occupy_core.estimate.parameters import ResolvedParameters
from occupy_core.fourier.filters import low_pass
from occupy_core.fourier.resize import resize_in_slabs
from occupy_core.fourier.transforms import Workspace
from occupy_core.maps.reading import DensityMap
from occupy_core.modify.histogram_matching import match_histogram
from occupy_core.modify.modified_map import ModifiedMap
from occupy_core.settings.settings import Settings


@dataclass(frozen=True)
class OutputResampler:
    """Gives away results of the computation on the input's grid."""

    source: DensityMap
    parameters: ResolvedParameters
    settings: Settings
    threads: int
    _workspace: Workspace = field(default_factory=Workspace)

    def send_fraction(self, values: Volume, sink: SlabSink) -> None:
        """A scale or confidence map: in another box it rings, so it is cut to 0..1 again."""
        if values.shape == self.source.grid.shape:
            for_slabs(len(values), lambda slab: sink(slab, values[slab]), threads=self.threads)
        else:
            self._send_resized(values, _clipping(sink, np.float32(0), np.float32(1)))

    def send_modified(self, made: ModifiedMap, sink: SlabSink) -> None:
        """A modified map: low-passed if asked, within the input's range or with its histogram."""
        if not self.settings.hist_match:
            self._send(made, _clipping(sink, *self.source.limits))
            return
        whole = np.empty(self.source.grid.shape, dtype=np.float32)
        self._send(made, whole.__setitem__)
        matched = match_histogram(whole, self.source.data)
        for_slabs(len(matched), lambda slab: sink(slab, matched[slab]), threads=self.threads)

    def _send(self, made: ModifiedMap, sink: SlabSink) -> None:
        same_box = made.volume.shape == self.source.grid.shape
        cutoff = self.settings.lowpass_output
        if cutoff is not None:
            values = self._low_passed(made, cutoff)
            if same_box:
                for_slabs(len(values), lambda slab: sink(slab, values[slab]), threads=self.threads)
            else:
                self._send_resized(values, sink)
        elif same_box:
            made.send(sink, threads=self.threads)
        else:
            resize_in_slabs(
                made.volume,
                self.source.grid.shape,
                sink,
                get_rows=lambda rows: made.part((slice(None), rows)),
                workspace=self._workspace,
                threads=self.threads,
            )

    def _send_resized(self, values: Volume, sink: SlabSink) -> None:
        resize_in_slabs(values, self.source.grid.shape, sink, workspace=self._workspace, threads=self.threads)

    def _low_passed(self, made: ModifiedMap, cutoff: float) -> Volume:
        values = np.empty_like(made.volume)
        made.send(values.__setitem__, threads=self.threads)
        size, threads = self.parameters.voxel_size, self.threads
        return low_pass(values, voxel_size=size, cutoff_angstrom=cutoff, threads=threads, out=values)


def _clipping(sink: SlabSink, low: np.float32, high: np.float32) -> SlabSink:
    return lambda slab, values: sink(slab, np.clip(values, low, high, out=values))
