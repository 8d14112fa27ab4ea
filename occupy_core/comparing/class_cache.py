# SPDX-License-Identifier: GPL-3.0-or-later
"""Per-class data of a job, computed once for the shared scale and the comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Sequence, Tuple

from occupy_core.comparing.class_data import ClassData, class_data
from occupy_core.comparing.each_map import measure_each_map
from occupy_core.estimate.parameters import ResolvedParameters
from occupy_core.estimate.prepare import local_maximum, prepare_map
from occupy_core.maps.grid import MapGrid
from occupy_core.maps.reading import DensityMap
from occupy_core.progress import Step, silent
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.settings import Settings


class ClassCache:
    """What the maps of a job are compared by: made once where the shared scale and the comparison need the same."""

    def __init__(self) -> None:
        self._made: Dict[Settings, Tuple[Dict[int, _Seen], List[str]]] = {}

    def get(
        self, maps: Sequence[MapInput], settings: Settings, threads: int, step: Step = silent
    ) -> Tuple[Dict[int, _Seen], List[str]]:
        """The maps by their place, and why others are left out; settings are those that the estimate takes."""
        if settings in self._made:
            return self._made[settings]
        notes: List[str] = []
        seen = _views(maps, settings, threads, notes, step)
        if seen:
            lowpass = next(iter(seen.values())).parameters.lowpass
            self._made = {replace(settings, lowpass=lowpass): (seen, notes)}
        return seen, notes


@dataclass(frozen=True)
class _Seen:
    view: ClassData
    grid: MapGrid
    parameters: ResolvedParameters


def _views(
    maps: Sequence[MapInput], settings: Settings, threads: int, notes: List[str], step: Step
) -> Dict[int, _Seen]:
    def view(source: DensityMap) -> _Seen:
        estimate = prepare_map(source, settings, threads=threads, overwrite=True)
        seen = class_data(estimate, local_maximum(estimate, threads=threads, overwrite=True), threads=threads)
        return _Seen(seen, source.grid, estimate.parameters)

    return measure_each_map(maps, view, notes, step)
