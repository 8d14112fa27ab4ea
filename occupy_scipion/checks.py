# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be told before a run from the settings and the maps' headers, without reading the maps."""

from __future__ import annotations

from typing import List, Optional

from occupy_core.derived import derive
from occupy_core.errors import MapError, SettingsError
from occupy_core.maps import MapGrid, box_text
from occupy_core.outputs import kinds_of
from occupy_core.settings import Settings, descriptions
from occupy_scipion.form import problem_text
from occupy_scipion.sources import SourceMap, box_of


def grid_problems(settings: Settings, source: SourceMap, mask: Optional[SourceMap]) -> List[str]:
    """Settings that do not suit the map's box, and a solvent definition on another grid."""
    try:
        box = box_of(source)
        mask_box = box_of(mask) if mask else box
    except MapError as error:
        return [str(error)]
    label = _bold("solvent_def")
    if mask_box != box:
        return [f"{label}: found a box of {box_text(mask_box)} voxels, expected {box_text(box)} as {source.name} has"]
    if not source.voxel_size:
        return []
    grid = MapGrid(box, source.voxel_size, None)
    if mask and mask.voxel_size:
        difference = grid.difference(MapGrid(box, mask.voxel_size, None))
        if difference:
            return [f"{label}: found {difference}, expected the grid of {source.name}"]
    try:
        derive(grid, settings)
    except SettingsError as error:
        return [problem_text(error)]
    except MapError as error:
        return [f"{source.name}: {error}"]
    return []


def cautions(settings: Settings, source: SourceMap) -> List[str]:
    """What a user may not have meant."""
    box = box_of(source)
    if not settings.max_box or max(box) <= settings.max_box or len(kinds_of(settings)) == 2:
        return []
    return [
        f"The box of {box_text(box)} voxels is above {_bold('max_box')} ({settings.max_box}): the modified maps "
        "will lack fine detail. To keep it all, raise that setting, or set it to 0."
    ]


def _bold(name: str) -> str:
    return f"*{descriptions()[name].label}*"
