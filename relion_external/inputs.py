# SPDX-License-Identifier: GPL-3.0-or-later
"""The maps that a command line names: one, the classes of a classification, or those of a report."""

from __future__ import annotations

from dataclasses import replace
from typing import Tuple

from occupy_core.settings.job_spec import ClassInfo, MapInput
from relion_external.classification import class_prefix, is_table, read_classification
from relion_external.options import Options


def maps_of(options: Options) -> Tuple[MapInput, ...]:
    """The maps to work on; the classes of a classification get prefixes, unless it has only one.

    Raises
    ------
    ClassificationError
        If a STAR file or class map does not lead to the maps of a 3D classification.
    """
    path = options.input_path
    if path is None:
        maps = options.recorded.maps if options.recorded else ()
        size = options.voxel_size
        return maps if size is None else tuple(replace(item, voxel_size=size) for item in maps)
    if not options.whole_classification and not is_table(path):
        return (MapInput(path, voxel_size=options.voxel_size),)
    found = read_classification(path)
    return tuple(
        MapInput(
            item.path,
            class_prefix(item.number) if len(found.classes) > 1 else "",
            options.voxel_size or found.voxel_size,
            ClassInfo(item.number, item.share, item.particles),
        )
        for item in found.chosen(options.settings.classes)
    )
