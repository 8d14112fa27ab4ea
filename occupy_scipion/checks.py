# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be told before a run from the settings and the maps' headers, without reading the maps."""

from __future__ import annotations

from typing import List, Mapping, Sequence, Tuple

from occupy_core.errors import MapError, SettingsError
from occupy_core.estimate.parameters import resolve_parameters
from occupy_core.maps.grid import MapGrid, box_text
from occupy_core.settings.output_names import modified_kinds
from occupy_core.settings.settings import Settings, descriptions
from occupy_scipion.form import problem_text
from occupy_scipion.sources import SourceMap, box_of, distinct_names


def grid_problems(settings: Settings, source: SourceMap, masks: Mapping[str, Sequence[SourceMap]]) -> List[str]:
    """Settings that do not suit the map's box, and masks, by the name of their setting, on another grid."""
    try:
        box = box_of(source)
    except MapError as error:
        return [str(error)]
    problems = []
    for setting, given in masks.items():
        for name, mask in zip(distinct_names(given), given):
            problem = _mask_problem(name, mask, source, box)
            problems += [f"{bold(setting)}: {problem}"] if problem else []
    if problems or not source.voxel_size:
        return problems
    try:
        resolve_parameters(MapGrid(box, source.voxel_size, None), settings)
    except SettingsError as error:
        return [problem_text(error)]
    except MapError as error:
        return [f"{source.name}: {error}"]
    return []


def unequal_grids(sources: Sequence[SourceMap]) -> List[str]:
    """Of maps that are to be measured against one another: the first that lies on another grid than the first map."""
    first = sources[0]
    for other in sources[1:]:
        try:
            grids = [MapGrid(box_of(source), source.voxel_size or 0.0, None) for source in (first, other)]
        except MapError as error:
            return [str(error)]
        difference = grids[0].difference(grids[1])
        if difference:
            return [
                f"{other.name} has {difference} as {first.name} has; maps that are measured against one another must "
                "lie on one grid; leave one out"
            ]
    return []


def cautions(settings: Settings, source: SourceMap) -> List[str]:
    """What a user may not have meant."""
    box = box_of(source)
    if not settings.max_box or max(box) <= settings.max_box or not modified_kinds(settings):
        return []
    return [
        f"The box of {box_text(box)} voxels is above {bold('max_box')} ({settings.max_box}): the modified maps "
        "will lack fine detail. To keep it all, raise that setting, or set it to 0."
    ]


def bold(name: str) -> str:
    """The setting's label on the form, as Scipion's messages have it."""
    return f"*{descriptions()[name].label}*"


def _mask_problem(name: str, mask: SourceMap, source: SourceMap, box: Tuple[int, int, int]) -> str:
    try:
        mask_box = box_of(mask)
    except MapError as error:
        return str(error)
    if mask_box != box:
        return f"{name}: found a box of {box_text(mask_box)} voxels, expected {box_text(box)} as {source.name} has"
    if not source.voxel_size or not mask.voxel_size:
        return ""
    difference = MapGrid(box, source.voxel_size, None).difference(MapGrid(box, mask.voxel_size, None))
    return f"{name}: found {difference}, expected the grid of {source.name}" if difference else ""
