# SPDX-License-Identifier: GPL-3.0-or-later
"""Per-class data of a job, computed once for the shared scale and the comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Sequence, Tuple

from occupy_core.comparing.class_data import ClassData, calibrate_class
from occupy_core.comparing.each_map import ReadInput, measure_usable_maps, read_input
from occupy_core.estimate.parameters import ResolvedParameters
from occupy_core.estimate.prepare import kernel_maximum, prepare_map
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.grid import MapGrid
from occupy_core.progress import Step, ignore_step
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings


@dataclass(frozen=True)
class ClassEntry:
    """One class in the cache: its data, the grid of its map, and the parameters of its estimate."""

    data: ClassData
    grid: MapGrid
    parameters: ResolvedParameters


class ClassCache:
    """Per-class data, computed once for the shared scale and the comparison.

    One cache belongs to the maps of one job. It holds the data for the settings that were used last.

    Parameters
    ----------
    read : callable
        Takes a MapInput and returns its DensityMap, whose memory the cache may overwrite.
    """

    def __init__(self, read: ReadInput = read_input) -> None:
        self.read = read
        self._cached: Dict[Settings, Tuple[Dict[int, ClassEntry], List[str]]] = {}

    def get(
        self, maps: Sequence[MapInput], settings: Settings, threads: int, step: Step = ignore_step
    ) -> Tuple[Dict[int, ClassEntry], List[str]]:
        """Return the data of every map that can be used, from the cache if it has them for these settings.

        Parameters
        ----------
        maps : sequence of MapInput
            The maps of the job; the same in every call.
        settings : Settings
            Only options that affect the estimate; all other options have their defaults.
        threads : int
        step : callable
            Called before each map with the fraction of the maps that is done (0..1) and the name of the map.

        Returns
        -------
        entries : dict of int to ClassEntry
            By the map's index in `maps`.
        notes : list of str
            A line for each map that is left out, with the reason.

        Raises
        ------
        MapError
            If a map is damaged.
        JobError
            If two maps do not lie on one grid, or a temporary file cannot be written.
        """
        if settings in self._cached:
            return self._cached[settings]
        notes: List[str] = []
        entries = self._compute(maps, settings, threads, notes, step)
        if entries:
            # Stored under the low-pass that was used: the shared scale may ask for the default low-pass (None), and the
            # comparison then asks for the same low-pass in Å.
            lowpass = next(iter(entries.values())).parameters.lowpass
            self._cached = {replace(settings, lowpass=lowpass): (entries, notes)}
        return entries, notes

    def _compute(
        self, maps: Sequence[MapInput], settings: Settings, threads: int, notes: List[str], step: Step
    ) -> Dict[int, ClassEntry]:
        def class_entry(source: DensityMap, threads: int) -> ClassEntry:
            prepared = prepare_map(source, settings, threads=threads, overwrite=True)
            maximum = kernel_maximum(prepared, threads=threads, overwrite=True)
            return ClassEntry(calibrate_class(prepared, maximum, threads=threads), source.grid, prepared.parameters)

        return measure_usable_maps(maps, class_entry, notes, step, read=self.read, threads=threads)
