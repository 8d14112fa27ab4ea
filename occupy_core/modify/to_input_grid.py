# SPDX-License-Identifier: GPL-3.0-or-later
"""Resampling of results from the working box to the input grid.

Results are sent slab by slab to a sink, which stores them. No result is in memory on the input grid, except for
histogram matching.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import SlabSink, Volume
from occupy_core.estimate.parameters import ResolvedParameters
from occupy_core.fourier.low_pass import low_pass
from occupy_core.fourier.resize import resize_in_slabs
from occupy_core.fourier.transforms import Workspace
from occupy_core.maps.density_map import DensityMap
from occupy_core.modify.histogram_matching import match_histogram
from occupy_core.modify.modified_map import ModifiedMap
from occupy_core.settings.settings import Settings


@dataclass(frozen=True)
class OutputResampler:
    """Resample results from the working box to the input grid, slab by slab.

    Attributes
    ----------
    source : DensityMap
        The input: its grid, its range of values and its histogram.
    parameters : ResolvedParameters
        Parameters of the working box.
    settings : Settings
        Settings of the job; `lowpass_output` and `hist_match` count.
    threads : int
        Number of threads; results do not depend on it.
    """

    source: DensityMap
    parameters: ResolvedParameters
    settings: Settings
    threads: int
    _workspace: Workspace = field(default_factory=Workspace)

    def send_fraction(self, values: Volume, sink: SlabSink) -> None:
        """Send a scale or confidence map to the sink.

        Parameters
        ----------
        values : float32 array, 3D
            The map in the working box, 0..1.
        sink : callable
            Receives the slabs (0..1), from several threads.
        """
        if values.shape == self.source.grid.shape:
            for_slabs(len(values), lambda slab: sink(slab, values[slab]), threads=self.threads)
        else:
            # Fourier padding overshoots, so values are clipped to 0..1 again.
            self._send_resized(values, _clipping(sink, np.float32(0), np.float32(1)))

    def send_modified(self, modified: ModifiedMap, sink: SlabSink) -> None:
        """Send a modified map to the sink, low-passed if the settings ask for it.

        The map is clipped to the input's range of values or, if the settings ask for it, matched to its histogram.

        Parameters
        ----------
        modified : ModifiedMap
            The map in the working box.
        sink : callable
            Receives the slabs, from several threads.
        """
        if not self.settings.hist_match:
            self._send(modified, _clipping(sink, *self.source.limits))
            return
        complete = np.empty(self.source.grid.shape, dtype=np.float32)
        self._send(modified, complete.__setitem__)
        matched = match_histogram(complete, self.source.data)
        for_slabs(len(matched), lambda slab: sink(slab, matched[slab]), threads=self.threads)

    def _send(self, modified: ModifiedMap, sink: SlabSink) -> None:
        """Send a modified map on the input grid, low-passed if the settings ask for it, but not clipped."""
        same_box = modified.volume.shape == self.source.grid.shape
        cutoff = self.settings.lowpass_output
        if cutoff is not None:
            values = self._low_passed(modified, cutoff)
            if same_box:
                for_slabs(len(values), lambda slab: sink(slab, values[slab]), threads=self.threads)
            else:
                self._send_resized(values, sink)
        elif same_box:
            modified.send(sink, threads=self.threads)
        else:
            resize_in_slabs(
                modified.volume,
                self.source.grid.shape,
                sink,
                get_rows=lambda rows: modified.part((slice(None), rows)),
                workspace=self._workspace,
                threads=self.threads,
            )

    def _send_resized(self, values: Volume, sink: SlabSink) -> None:
        resize_in_slabs(values, self.source.grid.shape, sink, workspace=self._workspace, threads=self.threads)

    def _low_passed(self, modified: ModifiedMap, cutoff: float) -> Volume:
        values = np.empty_like(modified.volume)
        modified.send(values.__setitem__, threads=self.threads)
        size, threads = self.parameters.voxel_size, self.threads
        return low_pass(values, voxel_size=size, cutoff_angstrom=cutoff, threads=threads, out=values)


def _clipping(sink: SlabSink, low: np.float32, high: np.float32) -> SlabSink:
    """Return a sink that clips the values of each slab, in place, before it passes the slab on."""
    return lambda slab, values: sink(slab, np.clip(values, low, high, out=values))
