# SPDX-License-Identifier: GPL-3.0-or-later
"""Check settings, maps and masks before a run, from the settings and the headers of the maps alone."""

from __future__ import annotations

import os
import re
from typing import List, Mapping, Sequence, Tuple

from pwem.objects import Volume, VolumeMask

from occupy_core.comparing import each_map
from occupy_core.errors import MapError, SettingsError
from occupy_core.estimate.parameters import resolve_parameters
from occupy_core.maps.grid import MapGrid, box_text
from occupy_core.settings.output_names import (
    DENSITIES,
    MAP_OUTPUTS,
    is_cluster_mean,
    is_output_name,
    modified_kinds,
)
from occupy_core.settings.settings import Settings, descriptions
from occupy_core.settings.unused import settings_without_effect
from occupy_scipion.form import problem_text
from occupy_scipion.source_files import box_of
from occupy_scipion.sources import SourceMap, distinct_names

_MOST_PROBLEMS = 8  # that a form shows


def grid_problems(settings: Settings, source: SourceMap, masks: Mapping[str, Sequence[SourceMap]]) -> List[str]:
    """Return the problems of a map's box: settings that do not suit it, masks on another grid.

    Parameters
    ----------
    settings : Settings
        The settings of the run.
    source : SourceMap
        The map.
    masks : mapping of str to sequence of SourceMap
        The masks, by the name of the setting that they are given for.
    """
    try:
        box = box_of(source)
    except MapError as error:
        return [str(error)]
    problems = []
    for setting, masks_of_setting in masks.items():
        for name, mask in zip(distinct_names(masks_of_setting), masks_of_setting):
            problem = mask_problem(name, mask, source, box)
            problems += [f"{bold_label(setting)}: {problem}"] if problem else []
    if problems or not source.voxel_size:
        return problems
    try:
        resolve_parameters(MapGrid(box, source.voxel_size, None), settings)
    except SettingsError as error:
        return [problem_text(error)]
    except MapError as error:
        return [f"{source.name}: {error}"]
    return []


def different_grids(sources: Sequence[SourceMap]) -> List[str]:
    """Return problems that name the maps on another grid than most maps; empty if all lie on one grid."""
    try:
        grids = [(source.name, MapGrid(box_of(source), source.voxel_size or 0.0, None)) for source in sources]
    except MapError as error:
        return [str(error)]
    return each_map.grid_problems(grids)


def not_density(volume: Volume) -> str:
    """Return the problem of an input that is no density: a mask, a scale or a confidence; empty for a density map."""
    name = os.path.basename(volume.getFileName() or "")
    if isinstance(volume, VolumeMask):
        return f"{name} is a mask, expected a density map; choose the map that the mask was made for"
    is_ours = re.search(r"\d+_ProtOccupy\w+/", volume.getFileName() or "") and is_output_name(name)
    kinds = [kind for kind, output in MAP_OUTPUTS.items() if name.endswith(output.file_name)]
    if (
        not is_ours
        or is_cluster_mean(name)
        or (kinds and max(kinds, key=lambda kind: len(MAP_OUTPUTS[kind].file_name)) in DENSITIES)
    ):
        return ""
    return (
        f"{name} is the {volume.getObjComment() or 'output of a job'}, expected a density map; choose that map instead"
    )


def unreadable_maps(sources: Sequence[SourceMap]) -> List[str]:
    """Return the problems of maps whose files do not exist or whose headers cannot be read, the first eight of them."""
    problems = []
    for source in sources:
        try:
            box_of(source)
        except MapError as error:
            problems.append(str(error))
    more = len(problems) - _MOST_PROBLEMS
    return [*problems[:_MOST_PROBLEMS], *([f"and {more} more maps"] if more > 0 else [])]


def unused_warnings(settings: Settings) -> List[str]:
    """Return a warning for each setting that was changed and has no effect, with the labels on the form."""
    return [
        f"{bold_label(name)} has no effect without {_with_bold_labels(others)}; choose that, or set "
        f"{bold_label(name)} to its default"
        for name, others in settings_without_effect(settings).items()
    ]


def _with_bold_labels(text: str) -> str:
    """Return a text with the names of settings replaced by their labels, those of powers without "power"."""
    labels = {name: description.label.split(":")[0] for name, description in descriptions().items()}
    return re.sub(r"\w+", lambda word: f"*{labels[word[0]]}*" if word[0] in labels else word[0], text)


def cropping_warnings(settings: Settings, source: SourceMap) -> List[str]:
    """Return a warning if the map is larger than `max_box` and its modified maps will therefore lack detail."""
    try:
        box = box_of(source)
    except MapError:
        return []  # `unreadable_maps` says so
    if not settings.max_box or max(box) <= settings.max_box or not modified_kinds(settings):
        return []
    return [
        f"The modified maps will lack fine detail, because the box of the map, {box_text(box)} voxels, is above "
        f"{bold_label('max_box')}, which is {settings.max_box}. To keep all detail, set {bold_label('max_box')} to 0."
    ]


def bold_label(setting: str) -> str:
    """Return the setting's label on the form, in bold in Scipion's markup."""
    return f"*{descriptions()[setting].label}*"


def mask_problem(name: str, mask: SourceMap, source: SourceMap, box: Tuple[int, int, int]) -> str:
    """Return how a mask's grid differs from a map's, or why the mask cannot be read; empty if nothing is wrong.

    Parameters
    ----------
    name : str
        Name of the mask for users.
    mask, source : SourceMap
        The mask and the map.
    box : tuple of int
        Box of the map (z, y, x), voxels.
    """
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
