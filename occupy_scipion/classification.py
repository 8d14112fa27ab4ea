# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what RELION knows about the classes of a Scipion project: numbers of each class, and the mask."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

from occupy_core.errors import MapError
from occupy_core.settings.classification import (
    missing_mask_text,
    missing_optimiser_text,
    unknown_mask_text,
    unusable_mask_text,
    weighted_run_text,
)
from occupy_scipion.checks import mask_problem
from occupy_scipion.source_files import box_of
from occupy_scipion.sources import SourceMap, source_of, source_of_file
from occupy_scipion.star_files import find_in_optimiser, optimiser_star_of
from relion_files.class_numbers import model_star_of_map, numbers_of_maps
from relion_files.loop_record import weighted_iterations
from relion_files.model_star import solvent_mask_name
from relion_files.star import StarError

# Input of RELION's protocols: the mask that references are multiplied with.
_MASK_INPUT = "referenceMask"
# A run's folder, for instance 000123_ProtRelionClassify3D.
_RUN = re.compile(r"(?P<number>\d+)_\w+")


def with_class_numbers(maps: Sequence[SourceMap]) -> List[SourceMap]:
    """Add resolution and signal-to-noise ratios to class maps that lie beside RELION's STAR files."""
    numbers = numbers_of_maps([source.path for source in maps])
    return [replace(source, resolution=item.resolution, ssnr=item.ssnr) for source, item in zip(maps, numbers)]


def focus_mask_of(maps: Sequence[SourceMap], project: Any) -> Tuple[Optional[SourceMap], List[str]]:
    """Find the mask that a classification was done in.

    Parameters
    ----------
    maps : sequence of SourceMap
        The maps of a set.
    project : Project
        The Scipion project; the current folder is the project's.

    Returns
    -------
    mask : SourceMap or None
        None unless all maps are classes of one iteration, in whose optimiser STAR file a mask is named, and the mask
        exists and has the grid of the maps.
    warnings : list of str
        Why a mask that is named is not used, or why it is not known whether there was one.
    """
    model_star = _common_model_star(maps)
    if model_star is None:
        return None, []
    optimiser_star = optimiser_star_of(model_star)
    if not os.path.exists(optimiser_star):
        return None, [missing_optimiser_text(optimiser_star)]
    try:
        name = solvent_mask_name(optimiser_star)
    except StarError as error:
        return None, [unknown_mask_text(str(error))]
    if name is None:
        return None, []
    try:
        mask = _find_mask(name, model_star, maps[0].voxel_size, project)
    except StarError as error:
        return None, [unknown_mask_text(str(error))]
    if mask is None:
        return None, [missing_mask_text(name, optimiser_star)]
    try:
        problem = mask_problem(mask.name, mask, maps[0], box_of(maps[0]))
    except MapError:
        return None, []  # of the map: the job reports it
    return (None, [unusable_mask_text(name, optimiser_star, f"cannot be used ({problem})")]) if problem else (mask, [])


def loop_warnings(maps: Sequence[SourceMap]) -> List[str]:
    """Warn if all maps are classes of one iteration, and RELION's class maps were weighted in the loop.

    Parameters
    ----------
    maps : sequence of SourceMap
        The maps of a set.
    """
    model_star = _common_model_star(maps) if len(maps) > 1 else None
    found = weighted_iterations(model_star) if model_star is not None else {}
    return [weighted_run_text(record, iterations) for record, iterations in found.items()]


def _common_model_star(maps: Sequence[SourceMap]) -> Optional[str]:
    """Return the model STAR file of the iteration that all maps are classes of; None if there is no such iteration."""
    stars = {found[0] if found else None for found in (model_star_of_map(source.path) for source in maps)}
    return stars.pop() if len(stars) == 1 else None


def _find_mask(name: str, model_star: str, voxel_size: Optional[float], project: Any) -> Optional[SourceMap]:
    """Return the mask that an optimiser STAR file names; None if it is nowhere."""
    # For classes that were imported, the mask's path counts from the folder of their own project.
    path = find_in_optimiser(model_star, name)
    if path is not None:
        return source_of_file(path, voxel_size)
    # Scipion gives RELION a copy in the run's folder for temporary files, and removes it at the end of the run.
    in_project = Path.cwd() in Path(os.path.realpath(model_star)).parents
    protocol = _run_with(name, project) if in_project else None
    pointer = getattr(protocol, _MASK_INPUT, None)
    mask = None if pointer is None else pointer.get()
    source = None if mask is None else source_of(mask)
    return source if source is not None and os.path.exists(source.path) else None


def _run_with(path: str, project: Any) -> Any:
    """Return the protocol in whose run folder a file is or was; None if there is none."""
    for folder in Path(path).parents:
        match = _RUN.fullmatch(folder.name)
        if match and project.doesProtocolExists(int(match["number"])):
            protocol = project.getProtocol(int(match["number"]))
            return protocol if Path(protocol.getWorkingDir()) == folder else None
    return None
