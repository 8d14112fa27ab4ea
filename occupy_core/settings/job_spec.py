# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of a job: maps, settings, output folder; also as JSON."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, Mapping, Optional, Tuple

from occupy_core.errors import JobError
from occupy_core.input_files import read_input_text
from occupy_core.settings.classification import PARTICLES
from occupy_core.settings.settings import Settings


@dataclass(frozen=True)
class ClassInfo:
    """What the project knows about a map that is a class or an item of a set.

    Attributes
    ----------
    number : int
        Number of the class, or of the item in its set; from 1.
    share : float, optional
        Share of the particles in the class, 0..1; None for an item of a set that is no classification.
    particles : int, optional
        Number of particles whose most likely class this is.
    resolution : float, optional
        Resolution of the class in Å, as the classification estimated it.
    ssnr : tuple of float, optional
        Signal-to-noise ratio of the reconstruction by Fourier shell, 0 or more. Shell i, from 0, has the frequency
        i / (side of the box in Å).
    """

    number: int
    share: Optional[float] = None
    particles: Optional[int] = None
    resolution: Optional[float] = None
    ssnr: Optional[Tuple[float, ...]] = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ClassInfo:
        """Make a class info of the dictionary that `dataclasses.asdict` returned, or of its JSON types.

        Raises
        ------
        ValueError, TypeError
            If a name or value is not as expected.
        """
        ssnr = values.get("ssnr")
        info = cls(**{**values, "ssnr": None if ssnr is None else tuple(ssnr)})
        for number in (info.number, info.share, info.particles, info.resolution, *(info.ssnr or ())):
            _check_number(number)
        for count in (info.number, info.particles):
            if count is not None and not isinstance(count, int):
                raise TypeError(f"{count!r}, expected a whole number")
        if info.number is None or info.number < 1 or (info.share or 0) > 1 + _SHARE_ROUNDING:
            raise ValueError(f"number {info.number!r}, share {info.share!r}")
        if info.resolution == 0 or info.ssnr == ():
            raise ValueError(f"resolution {info.resolution!r}, ssnr {info.ssnr!r}")
        if None in (info.ssnr or ()):
            raise ValueError("ssnr has a shell without a value")
        return info


_SHARE_ROUNDING = 0.01  # by which a written share may exceed 1


def _check_number(number: Optional[float]) -> None:
    """Refuse a number that is negative, infinite or NaN, and what is no number; None is allowed."""
    if isinstance(number, bool) or (number is not None and not 0 <= number < math.inf):
        raise ValueError(f"{number!r}, expected a finite number, 0 or more")


# Maps: up to this many are compared pair by pair (`occupy_core.comparing`), whose work grows with the square of their
# number and whose figures show every map. More are compared as an ensemble (`occupy_core.ensembles`), where a variance
# over the maps says more than a pair does. Our choice.
MAX_CLASSES = 10

# Prefix of output names: lower-case letters, at least three digits, an underscore; or empty.
_PREFIX = r"([a-z]+\d{3,}_)?"


@dataclass(frozen=True)
class MapInput:
    """A map file that a job processes.

    Attributes
    ----------
    path : str
    prefix : str
        Prefix of the names of the map's outputs, such as "class001_"; empty for a single map.
    voxel_size : float, optional
        Edge of a voxel, Å, where the project knows it; None takes the header's.
    class_info : ClassInfo, optional
        Present when the map is a class or an item of a set.
    invert : bool
        Whether to multiply the map by -1; `Job` takes it from the settings.
    """

    path: str
    prefix: str = ""
    voxel_size: Optional[float] = None
    class_info: Optional[ClassInfo] = None
    invert: bool = False

    @property
    def is_class(self) -> bool:
        """Whether the map is a class of a classification."""
        return self.class_info is not None and self.class_info.share is not None

    @property
    def is_empty(self) -> bool:
        """Whether the map is a class without particles: its map shows nothing, and may be constant or NaN."""
        info = self.class_info
        return info is not None and (info.particles == 0 or (info.particles is None and info.share == 0))

    @property
    def name(self) -> str:
        """Name of the map in messages: "class 3", or the file's name."""
        return f"class {self.class_info.number}" if self.class_info and self.is_class else os.path.basename(self.path)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MapInput:
        """Make a map input of the dictionary that `dataclasses.asdict` returned.

        Raises
        ------
        ValueError, TypeError
            If a name or value is not as expected.
        """
        info = values.get("class_info")
        item = cls(**{**values, "class_info": None if info is None else ClassInfo.from_dict(info)})
        if not isinstance(item.path, str) or not item.path or not re.fullmatch(_PREFIX, item.prefix):
            raise ValueError(f"path {item.path!r}, prefix {item.prefix!r}")
        if not isinstance(item.invert, bool):
            raise TypeError(f"invert {item.invert!r}, expected true or false")
        _check_number(item.voxel_size)
        if item.voxel_size == 0:
            raise ValueError(f"voxel_size 0 in the map {item.path}")
        return item


@dataclass(frozen=True)
class Job:
    """The specification of a job.

    Attributes
    ----------
    maps : tuple of MapInput
    output_dir : str
        The output folder.
    settings : Settings
    threads : int
        Number of threads; results do not depend on it.
    compare : bool
        Whether to find the regions where the maps differ.
    focus_mask : str, optional
        Path of the mask that the classification was done in; None if it had none or the file is missing.
    input_warnings : tuple of str
        Warnings of the host about the inputs; the reports show them.
    particles : str, optional
        Path of the file of the particles, which the host divides by region; None where it divides none, or the
        particles are in no file.
    host : str
        "relion" or "scipion": which program's clicks and outputs the next steps name.
    averages_of : str
        "particles" or "subtomograms": what the next steps call them, and which programs they name.
    """

    maps: Tuple[MapInput, ...]
    output_dir: str
    settings: Settings
    threads: int = 1
    compare: bool = False
    focus_mask: Optional[str] = None
    input_warnings: Tuple[str, ...] = ()
    particles: Optional[str] = None
    host: str = "relion"
    averages_of: str = PARTICLES

    def __post_init__(self) -> None:
        maps = tuple(replace(item, invert=self.settings.invert) for item in self.maps)
        object.__setattr__(self, "maps", maps)  # a frozen dataclass has no other way

    @property
    def is_ensemble(self) -> bool:
        """Whether more maps are compared than pair by pair: as an ensemble."""
        return self.compare and sum(not item.is_empty for item in self.maps) > MAX_CLASSES

    @property
    def writes_each_map(self) -> bool:
        """Whether the job estimates and writes the local scale of each map too; not for the volumes of an ensemble."""
        return not self.is_ensemble or all(item.is_class for item in self.maps)

    @property
    def shown_maps(self) -> Tuple[MapInput, ...]:
        """The maps without classes that have no particles; all maps if none has particles."""
        return tuple(item for item in self.maps if not item.is_empty) or self.maps

    @property
    def inputs(self) -> Tuple[str, ...]:
        """Paths of all files that the job reads."""
        settings = self.settings
        masks = (settings.solvent_def, *settings.target_mask, self.focus_mask)
        others = (*masks, settings.model, settings.groups_file, self.particles)
        return (*(item.path for item in self.maps), *(path for path in others if path))

    def to_dict(self) -> Dict[str, Any]:
        """Return the job as JSON types; `Job.from_dict` is the inverse."""
        return {
            "maps": [asdict(item) for item in self.maps],
            "output_dir": self.output_dir,
            "settings": self.settings.to_dict(),
            "threads": self.threads,
            "compare": self.compare,
            "focus_mask": self.focus_mask,
            "input_warnings": list(self.input_warnings),
            "particles": self.particles,
            "host": self.host,
            "averages_of": self.averages_of,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Job:
        """Make a job of the JSON types that `to_dict` returned; a focus mask and warnings may be absent.

        Raises
        ------
        JobError, SettingsError
            If a part is missing, of the wrong type, or out of range.
        """
        try:
            maps = tuple(MapInput.from_dict(item) for item in values["maps"])
            settings = Settings.from_dict(values["settings"])
            return cls(
                maps=maps,
                output_dir=values["output_dir"],
                settings=settings,
                threads=int(values["threads"]),
                compare=bool(values["compare"]),
                focus_mask=optional_text(values.get("focus_mask")),
                input_warnings=texts(values.get("input_warnings", ())),
                particles=optional_text(values.get("particles")),
                host=str(values.get("host", "relion")),
                averages_of=str(values.get("averages_of", PARTICLES)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise JobError(f"the job was not written by this version of the program: {error!r}") from error


def optional_text(value: Any) -> Optional[str]:
    """Return a value that is a text, not empty, or None.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if value is not None and not (isinstance(value, str) and value):
        raise TypeError(f"{value!r}, expected a text or null")
    return value


def texts(values: Any) -> Tuple[str, ...]:
    """Return a list of texts as a tuple.

    Raises
    ------
    TypeError
        If it is no list or tuple, or an item is no text.
    """
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{values!r}, expected a list of texts")
    return tuple(values)


def read_job(path: str) -> Job:
    """Read a job from the JSON file that a host wrote.

    Raises
    ------
    JobError, SettingsError
        If the file cannot be read, or its content is no job.
    """
    try:
        values = json.loads(read_input_text(path, expected="the JSON file of a job"))
    except (OSError, ValueError) as error:
        raise JobError(f"{path}: cannot be read as a job ({error})") from error
    return Job.from_dict(values)
