# SPDX-License-Identifier: GPL-3.0-or-later
"""Input maps of a Scipion project: what the project knows about each of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, List, Optional, Sequence, Tuple

from pwem.objects import EMSet, SetOfClasses, SetOfVolumes, Volume

from occupy_core.settings.job_spec import ClassInfo
from occupy_scipion.constants import CLASS_PREFIX, SET_PREFIX
from relion_files.project import without_format

# Attribute of a class in which RELION's plugin stores rlnClassDistribution.
_DISTRIBUTION = "_rlnClassDistribution"


@dataclass(frozen=True)
class SourceMap:
    """One input map, in plain Python types, so that it can be an argument of a protocol step.

    Attributes
    ----------
    item_id : int
        Id in its set (for a class: the class number); 0 for a single volume.
    prefix : str
        First part of the names of the map's output files.
    path : str
        The file's path as in Scipion, without ":mrc".
    index : int
        Index in a stack of volumes, from 1; 0 if the file is a single map.
    voxel_size : float, optional
        Voxel size in Å according to the project.
    origin : tuple of float, optional
        Shifts (x, y, z) in Å of the object's own origin; None if it has none.
    stamp : tuple of int
        Size and modification time of the file: a step whose input file has changed runs again.
    share : float, optional
        Share of the particles, 0..1, for a class.
    particles : int, optional
        Number of particles, for a class.
    resolution : float, optional
        Resolution in Å, for a class by RELION.
    ssnr : tuple of float, optional
        Signal-to-noise ratio by Fourier shell, as in `ClassInfo`, for a class by RELION.
    """

    item_id: int
    prefix: str
    path: str
    index: int
    voxel_size: Optional[float]
    origin: Optional[Tuple[float, float, float]]
    stamp: Tuple[int, int]
    share: Optional[float] = None
    particles: Optional[int] = None
    resolution: Optional[float] = None
    ssnr: Optional[Tuple[float, ...]] = None

    @property
    def class_info(self) -> Optional[ClassInfo]:
        """What the core needs to know about a class or an item of a set; None for a single volume."""
        if not self.item_id:
            return None
        return ClassInfo(self.item_id, self.share, self.particles, self.resolution, self.ssnr)

    @property
    def name(self) -> str:
        """The file's name for users, with the index in a stack."""
        name = os.path.basename(self.path)
        return f"{self.index}@{name}" if self.index else name

    @property
    def location(self) -> Any:
        """The map's location for Scipion's image library: a path, or (index, path) in a stack."""
        return (self.index, self.path) if self.index else self.path


def source_of(volume: Any, *, item_id: int = 0, prefix: str = "", voxel_size: Optional[float] = None) -> SourceMap:
    """Return the source map of a Volume.

    Parameters
    ----------
    volume : Volume
        The volume.
    item_id, prefix : int, str
        As in `SourceMap`.
    voxel_size : float, optional
        Voxel size in Å, for a volume without a sampling rate of its own.
    """
    path = without_format(volume.getFileName())
    origin = tuple(float(shift) for shift in volume.getOrigin().getShifts()) if volume.hasOrigin() else None
    size = volume.getSamplingRate() or voxel_size
    return SourceMap(
        item_id, prefix, path, volume.getIndex() or 0, float(size) if size else None, origin, file_stamp(path)
    )


def source_of_file(path: str, voxel_size: Optional[float]) -> SourceMap:
    """Return the source map of a file that is no object of the project; voxel size in Å."""
    return SourceMap(0, "", path, 0, voxel_size, None, file_stamp(path))


def is_classification(input_object: Any) -> bool:
    """Return whether an input holds classes with maps: a SetOfClasses3D or a SetOfClassesSubTomograms."""
    # The plugin that defines the second may not be installed. Classes of both have a volume as their representative.
    return isinstance(input_object, SetOfClasses) and issubclass(input_object.REP_TYPE or object, Volume)


def is_set(input_object: Any) -> bool:
    """Return whether an input holds several maps: a set of volumes, or classes as for `is_classification`."""
    return isinstance(input_object, SetOfVolumes) or is_classification(input_object)


def sources_of(input_object: Any) -> List[SourceMap]:
    """Return the source maps of a Volume, a SetOfVolumes or 3D classes; classes without a map are left out."""
    if is_classification(input_object):
        return _class_maps(input_object)
    if not isinstance(input_object, SetOfVolumes):
        return [source_of(input_object)]
    voxel_size = input_object.getSamplingRate()
    return [
        source_of(item, item_id=item.getObjId(), prefix=SET_PREFIX.format(item.getObjId()), voxel_size=voxel_size)
        for item in input_object.iterItems()
    ]


def _class_maps(classes: SetOfClasses) -> List[SourceMap]:
    voxel_size = classes.getSamplingRate()
    sources = []
    for item in classes.iterItems():
        if item.hasRepresentative():
            number = item.getObjId()
            # The representative has no sampling rate of its own.
            source = source_of(item.getRepresentative(), prefix=CLASS_PREFIX.format(number))
            distribution = getattr(item, _DISTRIBUTION, None)
            share = None if distribution is None else distribution.get()
            sources.append(
                replace(source, item_id=number, voxel_size=float(voxel_size), share=share, particles=item.getSize())
            )
    particles = sum(source.particles for source in sources)
    if any(source.share is None for source in sources) and particles:
        return [replace(source, share=source.particles / particles) for source in sources]
    return sources


def distinct_names(sources: Sequence[SourceMap]) -> List[str]:
    """Return a name for each map: the file's name, or its path if several maps have the same file name.

    Masks that Scipion protocols make often have the same file name.
    """
    names = [source.name for source in sources]
    return [
        name if names.count(name) == 1 else f"{source.index}@{source.path}" if source.index else source.path
        for name, source in zip(names, sources)
    ]


def removed_text(path: str) -> str:
    """Return the message that the file of an object of the project is gone, with the way out."""
    if os.path.islink(path):
        place = os.path.realpath(path)
        return f"{path}: is a link to {place}, which was removed or moved; put that file back, or import it again"
    return f"{path}: was removed; run the protocol that made it again, or choose another input"


def removed_input(pointer: Any) -> str:
    """Return the message that the object that a pointer names is gone, or the file of its set; empty if it is there."""
    if not pointer.hasValue():
        return ""
    found = pointer.get()
    if found is None:
        return (
            f"the output {pointer.getUniqueId()} does not exist any more, or not yet; run its protocol, or choose "
            "another input"
        )
    # Scipion makes an empty file in the place of one that is gone, as soon as the set is read.
    is_gone = isinstance(found, EMSet) and not os.path.exists(found.getFileName())
    return removed_text(found.getFileName()) if is_gone else ""


def file_stamp(path: str) -> Tuple[int, int]:
    """Return the size and modification time of a file; zeros if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
