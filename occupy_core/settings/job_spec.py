# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job works on: maps, settings, a folder; as JSON too."""

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
    """What the project tells of a map that is one of several.

    Attributes
    ----------
    number : int
        Of the class, or of the item in its set; from 1.
    share : float, optional
        Of the particles, 0..1; None for a map of a set that is no classification.
    particles : int, optional
        How many have this class as their most likely one.
    """

    number: int
    share: Optional[float] = None
    particles: Optional[int] = None


_PREFIX = r"([a-z]+\d{3,}_)?"


@dataclass(frozen=True)
class MapInput:
    """A map to work on.

    Attributes
    ----------
    path : str
    prefix : str
        In front of the names of its outputs; lower-case letters, at least three digits and an underscore, or empty.
    voxel_size : float, optional
        Å, where the project knows it; the header's otherwise.
    class_info : ClassInfo, optional
        When the map is one of several.
    """

    path: str
    prefix: str = ""
    voxel_size: Optional[float] = None
    class_info: Optional[ClassInfo] = None

    @property
    def is_class(self) -> bool:
        """Whether it is a class of a classification."""
        return self.class_info is not None and self.class_info.share is not None

    @property
    def name(self) -> str:
        """What users call it."""
        return f"class {self.class_info.number}" if self.class_info and self.is_class else os.path.basename(self.path)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MapInput:
        """A map from what `dataclasses.asdict` gave.

        Raises
        ------
        ValueError, TypeError
            If it gave nothing like that.
        """
        info = values.get("class_info")
        found = cls(**{**values, "class_info": ClassInfo(**info) if info else None})
        if not isinstance(found.path, str) or not re.fullmatch(_PREFIX, found.prefix):
            raise ValueError(f"path {found.path!r}, prefix {found.prefix!r}")
        numbers = [found.voxel_size]
        if found.class_info:
            numbers += [found.class_info.number, found.class_info.share, found.class_info.particles]
        for number in numbers:
            if number is not None and not 0 <= number < math.inf:
                raise ValueError(f"{number!r} in the map {found.path}")
        if found.voxel_size == 0:
            raise ValueError(f"voxel_size 0 in the map {found.path}")
        return found


@dataclass(frozen=True)
class Job:
    """What to do: maps, settings, the folder for the outputs, how many threads to use, and whether to look for regions
    where the maps differ."""

    maps: Tuple[MapInput, ...]
    output_dir: str
    settings: Settings
    threads: int = 1
    compare: bool = False

    @property
    def inputs(self) -> Tuple[str, ...]:
        """Every file that the job reads."""
        definition = self.settings.solvent_def
        masks = (*((definition,) if definition else ()), *self.settings.target_mask)
        return (*(item.path for item in self.maps), *masks)

    def to_dict(self) -> Dict[str, Any]:
        """The job as JSON types; `Job.from_dict` is its inverse."""
        return {
            "maps": [asdict(item) for item in self.maps],
            "output_dir": self.output_dir,
            "settings": self.settings.to_dict(),
            "threads": self.threads,
            "compare": self.compare,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Job:
        """A job from what `to_dict` gave.

        Raises
        ------
        JobError, SettingsError
            If a part is missing or refused.
        """
        try:
            maps = tuple(MapInput.from_dict(item) for item in values["maps"])
            settings = Settings.from_dict(values["settings"])
            return cls(maps, values["output_dir"], settings, int(values["threads"]), bool(values["compare"]))
        except (KeyError, TypeError, ValueError) as error:
            raise JobError(f"the job is not one that this version wrote: {error!r}") from error


def read_job(path: str) -> Job:
    """Read a job from the JSON file that a host wrote.

    Raises
    ------
    JobError, SettingsError
        If the file cannot be read or holds no job.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JobError(f"{path}: cannot be read as a job ({error})") from error
    return Job.from_dict(values)
