# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the input maps of a job: one map, the classes of a classification, or the maps of an earlier job."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Tuple

from occupy_core.settings.classification import PARTICLES, SUBTOMOGRAMS, weighted_run_text
from occupy_core.settings.job_spec import ClassInfo, MapInput
from relion_external.classification import ClassMap, read_classification
from relion_external.map_list import named_maps
from relion_external.options import Options
from relion_external.particle_counts import lists_subtomograms
from relion_files.loop_record import record_beside, weighted_iterations


@dataclass(frozen=True)
class Inputs:
    """Input files of a job, and warnings about them.

    Attributes
    ----------
    maps : tuple of MapInput
        The maps to process.
    focus_mask : str, optional
        Path of the mask that the classification was done in.
    warnings : tuple of str
        Warnings about the inputs.
    particles : str, optional
        Path of the data STAR file, which has the class of each particle.
    averages_of : str
        "particles" or "subtomograms".
    """

    maps: Tuple[MapInput, ...]
    focus_mask: Optional[str] = None
    warnings: Tuple[str, ...] = ()
    particles: Optional[str] = None
    averages_of: str = PARTICLES


def find_inputs(options: Options) -> Inputs:
    """Return the inputs that the command line asks for.

    Classes get a prefix for the names of their outputs, except the only class of a classification.

    Raises
    ------
    StarError
        If a STAR file, a class map or a folder does not lead to a 3D classification whose maps exist.
    OptionError
        If the option --maps names a map twice, or a text file that lists no maps that exist.
    """
    if options.maps:
        maps = named_maps(options.maps, options.voxel_size)
        return Inputs(maps, warnings=tuple(_loop_warnings(maps)))
    path = options.input_path
    if path is None:
        earlier = options.earlier_job
        if earlier is None:
            return Inputs(())
        size = options.voxel_size
        maps = earlier.maps if size is None else tuple(replace(item, voxel_size=size) for item in earlier.maps)
        return Inputs(maps, earlier.focus_mask, earlier.input_warnings, earlier.particles, earlier.averages_of)
    if not (options.expand_class_map or is_star_file(path) or os.path.isdir(path)):
        return Inputs((MapInput(path, voxel_size=options.voxel_size),))
    classification = read_classification(path)
    maps = tuple(
        MapInput(
            item.path,
            _prefix(item) if len(classification.classes) > 1 else "",
            options.voxel_size or classification.voxel_size,
            ClassInfo(item.number, item.share, item.particles, item.resolution, item.ssnr),
        )
        for item in classification.select_classes(options.settings.classes)
    )
    warnings = (*classification.warnings, *_loop_warnings(maps))
    data_star = classification.data_star
    averages_of = SUBTOMOGRAMS if data_star and lists_subtomograms(data_star) else PARTICLES
    return Inputs(maps, classification.solvent_mask, warnings, data_star, averages_of)


def _loop_warnings(maps: Sequence[MapInput]) -> List[str]:
    """Warn of several class maps of a run that were weighted while they were classified; once for each run."""
    runs = (
        {record_beside(path): path for path in (os.path.realpath(item.path) for item in maps)} if len(maps) > 1 else {}
    )
    found: Dict[str, List[int]] = {}
    for path in runs.values():
        for record, iterations in weighted_iterations(path).items():
            record = os.path.relpath(record)
            found[record] = sorted({*found.get(record, ()), *iterations})
    return [weighted_run_text(record, weighted) for record, weighted in found.items()]


def is_star_file(path: str) -> bool:
    """Return whether the file's name ends in .star: a STAR file of a classification, not a map."""
    return path.lower().endswith(".star")


def _prefix(item: ClassMap) -> str:
    """Return the first part of the names of a map's output files, such as class001_; map001_ if it is no class."""
    return f"{'map' if item.share is None else 'class'}{item.number:03d}_"
