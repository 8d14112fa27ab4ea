# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion objects for the files that the core writes."""

from __future__ import annotations

from typing import Dict, Sequence

from pwem.objects import SetOfClasses, SetOfImages, SetOfVolumes, Transform, Volume, VolumeMask
from pyworkflow.object import Integer

from occupy_core.reporting.scipion_names import MAP_NAMES
from occupy_core.settings.output_names import MAP_OUTPUTS
from occupy_scipion.sources import SourceMap

# Attribute of a volume made from a class: the number of particles in the class.
CLASS_SIZE = "_classSize"
# Output of a comparison of classes.
SPREAD = "occupancySpread"
# Outputs of the occupancy of a fitted model: for one input map, and for a set.
MODEL, MODELS = "occupancyModel", "occupancyModels"


def output_name(kind: str, *, several: bool) -> str:
    """Return the name of an output.

    Parameters
    ----------
    kind : str
        Kind of map, a key of `occupy_core.reporting.scipion_names.MAP_NAMES`.
    several : bool
        Whether the input is a set: then the output is a set too.
    """
    return MAP_NAMES[kind][several]


def possible_outputs() -> Dict[str, type]:
    """Return the class of every possible output, by name."""
    names: Dict[str, type] = {single: _object_class(kind) for kind, (single, _) in MAP_NAMES.items()}
    names.update({plural: SetOfVolumes for _, plural in MAP_NAMES.values()})
    return names


def output_volume(source: SourceMap, kind: str, path: str, *, voxel_size: float) -> Volume:
    """Return a Volume, or for masks a VolumeMask, for a file that the core wrote.

    Parameters
    ----------
    source : SourceMap
        The input map; the output lies on its grid.
    kind : str
        Kind of map, a key of `occupy_core.reporting.scipion_names.MAP_NAMES`.
    path : str
        Path of the file.
    voxel_size : float
        Voxel size in Å.
    """
    comment = f"{MAP_OUTPUTS[kind].title} of {source.name}"
    return set_file_and_grid(_object_class(kind)(), source, path, comment, voxel_size=voxel_size)


def set_file_and_grid(volume: Volume, source: SourceMap, path: str, comment: str, *, voxel_size: float) -> Volume:
    """Set a volume's file, comment, sampling rate (Å) and, as in the input map, its origin; return the volume."""
    volume.setFileName(path)
    volume.setSamplingRate(voxel_size)
    volume.setObjComment(comment)
    if source.origin is not None:
        volume.setOrigin(origin_at(source.origin))
    return volume


def origin_at(first_voxel: Sequence[float]) -> Transform:
    """Return the origin of a map whose first voxel is at this place (x, y, z, Å)."""
    origin = Transform()
    origin.setShifts(*first_voxel)
    return origin


def fill_set(volumes: SetOfVolumes, sources: Sequence[SourceMap], items: Sequence[Volume]) -> None:
    """Add volumes to a set, with the ids of their input maps and, for classes, the number of particles.

    Parameters
    ----------
    volumes : SetOfVolumes
        The set, empty so far.
    sources : sequence of SourceMap
        The input map of each volume.
    items : sequence of Volume
        The volumes, at least one.
    """
    volumes.setSamplingRate(items[0].getSamplingRate())
    for source, item in zip(sources, items):
        item.setObjId(source.item_id)
        if source.particles is not None:
            item.setClassId(source.item_id)
            setattr(item, CLASS_SIZE, Integer(source.particles))
        volumes.append(item)


def particles_of(classes: SetOfClasses, numbers: Sequence[int], folder: str, name: str) -> SetOfImages:
    """Return a set of the particles of some classes, with their ids, and with angles and shifts as in the classes.

    Parameters
    ----------
    classes : SetOfClasses
        Classes of particles or of subtomograms; the result is a set of the same class as these.
    numbers : sequence of int
        Numbers (ids) of the classes.
    folder : str
        Folder of the set's file.
    name : str
        Last part of the name of that file.
    """
    images = classes.getImages()
    particles = type(images).create(folder, prefix="particles", suffix=name)
    particles.copyInfo(images)
    particles.setAlignment(classes.getFirstItem().getAlignment())
    particles.appendFromClasses(classes, filterClassFunc=lambda item: item.getObjId() in numbers)
    return particles


def _object_class(kind: str) -> type:
    return VolumeMask if MAP_OUTPUTS[kind].is_mask else Volume
