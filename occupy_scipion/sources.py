# SPDX-License-Identifier: GPL-3.0-or-later
"""From Scipion's volumes to map files that the core can read."""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass, replace
from typing import Any, List, Optional, Sequence, Tuple

import mrcfile
import numpy as np
from pwem.emlib.image import ImageHandler
from pwem.objects import SetOfClasses3D, SetOfVolumes

from occupy_core.errors import MapError
from occupy_core.maps.grid import VOXEL_SIZE_TOLERANCE
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from occupy_core.settings.job_spec import ClassInfo
from occupy_scipion.constants import CLASS_PREFIX, SET_PREFIX

logger = logging.getLogger(__name__)

_MRC_SUFFIXES = (".mrc", ".map", ".ccp4", ".rec")
_COMPRESSED = (".gz", ".bz2")
# Where RELION's plugin leaves rlnClassDistribution.
_DISTRIBUTION = "_rlnClassDistribution"


@dataclass(frozen=True)
class SourceMap:
    """One input map, in plain types, so that it can be an argument of a step.

    Attributes
    ----------
    item_id : int
        Id in its set; 0 for a single volume.
    prefix : str
        Of its output files.
    path : str
        As Scipion names it, without ":mrc".
    index : int
        Place in a stack of volumes, from 1; 0 when the file is one map.
    voxel_size : float, optional
        Å; what the project says.
    origin : tuple of float, optional
        Shifts in Å, where the object has an origin of its own.
    stamp : tuple of int
        Size and time of the file, so that a file that was written anew is computed anew.
    share, particles : float, int, optional
        Of a class: its share of the particles, 0..1, and how many there are.
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

    @property
    def class_info(self) -> Optional[ClassInfo]:
        """What the core is told of a map of a set."""
        return ClassInfo(self.item_id, self.share, self.particles) if self.item_id else None

    @property
    def name(self) -> str:
        """The file's name as users see it."""
        name = os.path.basename(self.path)
        return f"{self.index}@{name}" if self.index else name

    @property
    def location(self) -> Any:
        """As Scipion's image library takes it."""
        return (self.index, self.path) if self.index else self.path


def source_of(volume: Any, *, item_id: int = 0, prefix: str = "", voxel_size: Optional[float] = None) -> SourceMap:
    """The source map of a Volume; `voxel_size` is what its set says, for volumes that say nothing themselves."""
    path = volume.getFileName()
    # Scipion's hint to its own image library that this is no stack.
    path = path[: -len(":mrc")] if path.endswith(":mrc") else path
    origin = tuple(float(shift) for shift in volume.getOrigin().getShifts()) if volume.hasOrigin() else None
    size = volume.getSamplingRate() or voxel_size
    return SourceMap(item_id, prefix, path, volume.getIndex() or 0, float(size) if size else None, origin, _stamp(path))


def is_set(input_object: Any) -> bool:
    """Whether it holds several maps: volumes, or the classes of a 3D classification."""
    return isinstance(input_object, (SetOfVolumes, SetOfClasses3D))


def sources_of(input_object: Any) -> List[SourceMap]:
    """The source maps of a Volume, of a SetOfVolumes, or of the classes of a SetOfClasses3D that have a map."""
    if isinstance(input_object, SetOfClasses3D):
        return _class_maps(input_object)
    if not isinstance(input_object, SetOfVolumes):
        return [source_of(input_object)]
    voxel_size = input_object.getSamplingRate()
    return [
        source_of(item, item_id=item.getObjId(), prefix=SET_PREFIX.format(item.getObjId()), voxel_size=voxel_size)
        for item in input_object.iterItems()
    ]


def _class_maps(classes: SetOfClasses3D) -> List[SourceMap]:
    voxel_size = classes.getSamplingRate()
    found = []
    for item in classes.iterItems():
        if item.hasRepresentative():
            number = item.getObjId()
            # The representative's own sampling rate is not set.
            source = source_of(item.getRepresentative(), prefix=CLASS_PREFIX.format(number))
            distribution = getattr(item, _DISTRIBUTION, None)
            share = None if distribution is None else distribution.get()
            found.append(
                replace(source, item_id=number, voxel_size=float(voxel_size), share=share, particles=item.getSize())
            )
    whole = sum(item.particles for item in found)
    if any(item.share is None for item in found) and whole:
        return [replace(item, share=item.particles / whole) for item in found]
    return found


def distinct_names(sources: Sequence[SourceMap]) -> List[str]:
    """Their names; with the path in the project where several share one, as masks made in Scipion do."""
    names = [source.name for source in sources]
    return [
        name if names.count(name) == 1 else f"{source.index}@{source.path}" if source.index else source.path
        for name, source in zip(names, sources)
    ]


def box_of(source: SourceMap) -> Tuple[int, int, int]:
    """Voxels along z, y, x from the header alone.

    Raises
    ------
    MapError
        If the file is not there or its header cannot be read.
    """
    if not os.path.exists(source.path):
        raise MapError(f"{source.path}: no such file")
    try:
        if core_reads(source):
            header = _header(source.path)
            return int(header.nz), int(header.ny), int(header.nx)
        x, y, z, _ = ImageHandler().getDimensions(source.location)
        return int(z), int(y), int(x)
    except Exception as error:  # both libraries pass on whatever they meet
        raise MapError(f"{source.path}: cannot be read as a map ({error})") from error


def readable_map(source: SourceMap, folder: str) -> str:
    """A file with the map that the core can read: the map's own, or a copy converted to MRC in a folder."""
    if core_reads(source) or not os.path.exists(source.path):
        return source.path
    stem = os.path.splitext(os.path.basename(source.path))[0]
    target = os.path.join(folder, f"{source.prefix}{stem}{source.index or ''}.mrc")
    try:
        ImageHandler().convert(source.location, target)
        with mrcfile.open(target, mode="r+", permissive=True) as mrc:
            # Scipion's converter always writes 1 Å.
            mrc.voxel_size = source.voxel_size or 0
    except Exception as error:  # the core names the file and says what is wrong with it
        logger.warning("%s: not converted to MRC (%s)", source.path, error)
        return source.path
    return target


def readable_mask(source: SourceMap, folder: str) -> str:
    """The same for a mask, whose header must say the project's voxel size: the core compares grids by it.

    A copy keeps the mask's name, for messages; the folder, made when needed, must be its own.
    """
    os.makedirs(folder, exist_ok=True)
    path = readable_map(source, folder)
    try:
        header = _header(path)
        found = float(header.cella.x) / max(1, int(header.mx))
        if not source.voxel_size or abs(found - source.voxel_size) <= VOXEL_SIZE_TOLERANCE * source.voxel_size:
            return path
        mask = read_map(path, voxel_size=source.voxel_size)
    except (MapError, ValueError, OSError):  # the core meets it again, and reports it
        return path
    target = os.path.join(folder, os.path.splitext(os.path.basename(path))[0] + ".mrc")
    write_map(target, mask.data, mask.grid, label="mask")
    return target


def voxels_of(source: SourceMap, output: Optional[str] = None) -> np.ndarray:
    """The values of a map, or of an output on its grid, to be shown; mapped from the file where that can be.

    Raises
    ------
    MapError
        If the file cannot be read, or the output does not have the map's box.
    """
    path = output or source.path
    try:
        if output or core_reads(source):
            if path.lower().endswith(_COMPRESSED):
                return read_map(path, voxel_size=source.voxel_size or 1.0).data
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                voxels = mrcfile.mmap(path, mode="r", permissive=True).data
        else:
            voxels = ImageHandler().read(source.location).getData()
    except (OSError, ValueError, RuntimeError) as error:
        raise MapError(f"{path}: cannot be read as a map ({error})") from error
    if output and voxels.shape != box_of(source):
        raise MapError(f"{source.path}: has another box now than when the run used it; run the protocol again")
    return voxels


def core_reads(source: SourceMap) -> bool:
    """Whether the file is one that the core opens as it is."""
    if source.index:
        return False
    name = source.path.lower()
    if name.endswith(_MRC_SUFFIXES) or name.endswith(_COMPRESSED):
        return True
    try:
        with open(source.path, "rb") as file:
            file.seek(208)
            return file.read(4) == b"MAP "
    except OSError:
        return True


def _stamp(path: str) -> Tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)


def _header(path: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with mrcfile.open(path, header_only=True, permissive=True) as mrc:
            return mrc.header.copy()
