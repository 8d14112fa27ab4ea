# SPDX-License-Identifier: GPL-3.0-or-later
"""Input maps of a Scipion project, and their files in a format that the core can read."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, List, Optional, Sequence, Tuple

import mrcfile
import numpy as np
from pwem.emlib.image import ImageHandler
from pwem.objects import EMSet, SetOfClasses3D, SetOfVolumes

from occupy_core.errors import MapError
from occupy_core.input_files import open_regular_file
from occupy_core.maps.grid import VOXEL_SIZE_TOLERANCE
from occupy_core.maps.header import EXPECTED_FORMAT, read_header
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from occupy_core.settings.job_spec import ClassInfo
from occupy_scipion.constants import CLASS_PREFIX, SET_PREFIX
from relion_files.project import without_format

logger = logging.getLogger(__name__)

_MRC_SUFFIXES = (".mrc", ".map", ".ccp4", ".rec")
_COMPRESSED = (".gz", ".bz2")
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


def is_set(input_object: Any) -> bool:
    """Return whether an input holds several maps: a SetOfVolumes or a SetOfClasses3D."""
    return isinstance(input_object, (SetOfVolumes, SetOfClasses3D))


def sources_of(input_object: Any) -> List[SourceMap]:
    """Return the source maps of a Volume, a SetOfVolumes or a SetOfClasses3D; classes without a map are left out."""
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


def box_of(source: SourceMap) -> Tuple[int, int, int]:
    """Return the map's box (z, y, x), voxels, from the header alone.

    Raises
    ------
    MapError
        If the file does not exist or its header cannot be read.
    """
    if not os.path.exists(source.path):
        raise MapError(removed_text(source.path))
    try:
        if core_can_read(source):
            return read_header(source.path).shape
        x, y, z, _ = ImageHandler().getDimensions(source.location)
        return int(z), int(y), int(x)
    except MapError:
        raise
    except Exception as error:  # Scipion's library raises errors of many kinds
        raise MapError(f"{source.path}: cannot be read as a map ({error})") from error


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


def readable_map(source: SourceMap, folder: str) -> str:
    """Return the path of a file that the core can read: the map's own, or an MRC copy of the map in `folder`."""
    if core_can_read(source) or not os.path.exists(source.path):
        return source.path
    stem = os.path.splitext(os.path.basename(source.path))[0]
    target = os.path.join(folder, f"{source.prefix}{stem}{source.index or ''}.mrc")
    try:
        with suppress(FileNotFoundError):
            os.unlink(target)  # Scipion's converter would write through a link of this name
        ImageHandler().convert(source.location, target)
        with mrcfile.open(target, mode="r+", permissive=True) as mrc:
            # Scipion's converter always writes a voxel size of 1 Å.
            mrc.voxel_size = source.voxel_size or 0
    except Exception as error:  # the core then reports the original file and its problem
        logger.warning("%s: not converted to MRC (%s)", source.path, error)
        return source.path
    return target


def readable_mask(source: SourceMap, folder: str) -> str:
    """Return the path of a mask's file that the core can read and whose header has the project's voxel size.

    The core compares the grids of map and mask, which it reads from the headers.

    Parameters
    ----------
    source : SourceMap
        The mask.
    folder : str
        Folder for a copy, used for this mask alone: the copy keeps the mask's name, which messages show. Created if
        needed.
    """
    os.makedirs(folder, exist_ok=True)
    path = readable_map(source, folder)
    try:
        header = read_header(path).header
        header_size = float(header.cella.x) / max(1, int(header.mx))
        if not source.voxel_size or abs(header_size - source.voxel_size) <= VOXEL_SIZE_TOLERANCE * source.voxel_size:
            return path
        mask = read_map(path, voxel_size=source.voxel_size)
    except (MapError, ValueError, OSError):  # the core reads the file too, and reports the error
        return path
    target = os.path.join(folder, os.path.splitext(os.path.basename(path))[0] + ".mrc")
    write_map(target, mask.data, mask.grid, label="mask")
    return target


def voxels_of(source: SourceMap, output: Optional[str] = None) -> np.ndarray:
    """Return the values of a map, or of one of its outputs, for display, as an array (z, y, x).

    An uncompressed MRC file is memory-mapped.

    Parameters
    ----------
    source : SourceMap
        The map.
    output : str, optional
        Path of an output on the map's grid, to be read instead.

    Raises
    ------
    MapError
        If the file cannot be read, or if the output has another box than the map.
    """
    path = output or source.path
    if not os.path.exists(path):
        raise MapError(f"{path}: was removed since the run; run the protocol again" if output else removed_text(path))
    try:
        if output or core_can_read(source):
            if path.lower().endswith(_COMPRESSED):
                return read_map(path, voxel_size=source.voxel_size or 1.0).data
            read_header(path)  # raises MapError for a file that is not what its header says
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                voxels = mrcfile.mmap(path, mode="r", permissive=True).data
        else:
            voxels = ImageHandler().read(source.location).getData()
    except (OSError, ValueError, RuntimeError) as error:
        raise MapError(f"{path}: cannot be read as a map ({error})") from error
    if output and voxels.shape != box_of(source):
        raise MapError(f"{source.path}: its box has changed since the run; run the protocol again")
    return voxels


def core_can_read(source: SourceMap) -> bool:
    """Return whether the core can open the map's file without conversion."""
    if source.index:
        return False
    name = source.path.lower()
    if name.endswith(_MRC_SUFFIXES) or name.endswith(_COMPRESSED):
        return True
    try:
        with open_regular_file(source.path, expected=EXPECTED_FORMAT, error=MapError) as file:
            file.seek(208)
            return file.read(4) == b"MAP "
    except (OSError, MapError):
        return True  # the core reports what is wrong


def file_stamp(path: str) -> Tuple[int, int]:
    """Return the size and modification time of a file; zeros if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
