# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the input maps of a job: one map, the classes of a classification, or the maps of an earlier job."""

from __future__ import annotations

from dataclasses import replace
from typing import Tuple

from occupy_core.settings.job_spec import ClassInfo, MapInput
from relion_external.classification import class_prefix, is_star_file, read_classification
from relion_external.options import Options


def input_maps(options: Options) -> Tuple[MapInput, ...]:
    """Return the input maps that the command line asks for.

    Classes get a prefix for the names of their outputs, except the only class of a classification.

    Raises
    ------
    ClassificationError
        If a STAR file or a class map does not belong to a 3D classification whose maps exist.
    """
    path = options.input_path
    if path is None:
        maps = options.earlier_job.maps if options.earlier_job else ()
        size = options.voxel_size
        return maps if size is None else tuple(replace(item, voxel_size=size) for item in maps)
    if not options.expand_class_map and not is_star_file(path):
        return (MapInput(path, voxel_size=options.voxel_size),)
    classification = read_classification(path)
    return tuple(
        MapInput(
            item.path,
            class_prefix(item.number) if len(classification.classes) > 1 else "",
            options.voxel_size or classification.voxel_size,
            ClassInfo(item.number, item.share, item.particles),
        )
        for item in classification.select_classes(options.settings.classes)
    )
