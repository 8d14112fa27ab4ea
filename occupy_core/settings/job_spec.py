# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of a job: maps, settings, output folder; also as JSON."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from occupy_core.errors import JobError
from occupy_core.settings.settings import Settings


@dataclass(frozen=True)
class ClassInfo:
    """Number, share and particles of a map that is a class or an item of a set, as the project knows them.

    Attributes
    ----------
    number : int
        Number of the class, or of the item in its set; from 1.
    share : float, optional
        Share of the particles in the class, 0..1; None for an item of a set that is no classification.
    particles : int, optional
        Number of particles whose most likely class this is.
    """

    number: int
    share: Optional[float] = None
    particles: Optional[int] = None


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
    """

    path: str
    prefix: str = ""
    voxel_size: Optional[float] = None
    class_info: Optional[ClassInfo] = None

    @property
    def is_class(self) -> bool:
        """Whether the map is a class of a classification."""
        return self.class_info is not None and self.class_info.share is not None

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
        item = cls(**{**values, "class_info": ClassInfo(**info) if info else None})
        if not isinstance(item.path, str) or not re.fullmatch(_PREFIX, item.prefix):
            raise ValueError(f"path {item.path!r}, prefix {item.prefix!r}")
        numbers = [item.voxel_size]
        if item.class_info:
            numbers += [item.class_info.number, item.class_info.share, item.class_info.particles]
        for number in numbers:
            if number is not None and not 0 <= number < math.inf:
                raise ValueError(f"{number!r} in the map {item.path}")
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
    """

    maps: Tuple[MapInput, ...]
    output_dir: str
    settings: Settings
    threads: int = 1
    compare: bool = False

    @property
    def inputs(self) -> Tuple[str, ...]:
        """Paths of all files that the job reads."""
        definition = self.settings.solvent_def
        masks = (*((definition,) if definition else ()), *self.settings.target_mask)
        return (*(item.path for item in self.maps), *masks)

    def to_dict(self) -> Dict[str, Any]:
        """Return the job as JSON types; `Job.from_dict` is the inverse."""
        return {
            "maps": [asdict(item) for item in self.maps],
            "output_dir": self.output_dir,
            "settings": self.settings.to_dict(),
            "threads": self.threads,
            "compare": self.compare,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Job:
        """Make a job of the JSON types that `to_dict` returned.

        Raises
        ------
        JobError, SettingsError
            If a part is missing, of the wrong type, or out of range.
        """
        try:
            maps = tuple(MapInput.from_dict(item) for item in values["maps"])
            settings = Settings.from_dict(values["settings"])
            return cls(maps, values["output_dir"], settings, int(values["threads"]), bool(values["compare"]))
        except (KeyError, TypeError, ValueError) as error:
            raise JobError(f"the job was not written by this version of the program: {error!r}") from error


def read_job(path: str) -> Job:
    """Read a job from the JSON file that a host wrote.

    Raises
    ------
    JobError, SettingsError
        If the file cannot be read, or its content is no job.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JobError(f"{path}: cannot be read as a job ({error})") from error
    return Job.from_dict(values)
