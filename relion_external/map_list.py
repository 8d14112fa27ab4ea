# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the maps that --maps names: maps, STAR files with rlnReferenceImage, text files with a name a line."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Dict, List, Optional, Sequence, Tuple

from occupy_core.input_files import read_input_text
from occupy_core.settings.job_spec import ClassInfo, MapInput
from occupy_core.settings.typed_paths import file_problem, name_problem
from relion_external.classification import read_classification
from relion_external.option_values import OptionError
from relion_files.class_numbers import numbers_of_maps

MAP_ENDINGS = (".mrc", ".map", ".ccp4", ".rec", ".mrc.gz", ".map.gz", ".mrc.bz2")
_TEXT_ENDINGS = (".txt", ".lst", ".list", ".dat", ".csv")
_KIND = "a map in MRC or CCP4 format"


def named_maps(paths: Sequence[str], voxel_size: Optional[float]) -> Tuple[MapInput, ...]:
    """Return the maps that --maps names, as the items of a set: numbered from 1, without shares of particles.

    Class maps that lie beside RELION's STAR files have the resolutions that these tell.

    Parameters
    ----------
    paths : sequence of str
        Maps, STAR files or text files; wildcards are replaced already.
    voxel_size : float, optional
        Voxel size in Å that replaces those of the headers and of the STAR files.

    Raises
    ------
    OptionError
        If a text file names no map or one that does not exist, or a map is named twice.
    StarError
        If a STAR file does not lead to 3D maps that exist.
    """
    found: List[MapInput] = []
    for path in paths:
        name = path.lower()
        if name.endswith(".star"):
            listed = read_classification(path)
            found += [MapInput(item.path, voxel_size=listed.voxel_size) for item in listed.classes]
        elif name.endswith(_TEXT_ENDINGS):
            found += [MapInput(line) for line in _lines_of(path)]
        else:
            found.append(MapInput(path))
    _check_distinct([item.path for item in found])
    several, numbers = len(found) > 1, numbers_of_maps([item.path for item in found])
    return tuple(
        replace(
            item,
            prefix=f"map{number:03d}_" if several else "",
            voxel_size=voxel_size or item.voxel_size,
            class_info=ClassInfo(number, resolution=of_class.resolution, ssnr=of_class.ssnr) if several else None,
        )
        for number, (item, of_class) in enumerate(zip(found, numbers), start=1)
    )


def _lines_of(path: str) -> List[str]:
    """Return the maps that a text file names, one a line: relative to the working folder, or to the file's own."""
    try:
        text = read_input_text(path, expected="a text file with the name of a map in each line")
    except (OSError, ValueError) as error:
        raise OptionError(f"--maps: {path}: cannot be read as a list of maps ({error})") from error
    names = [line.strip() for line in text.splitlines()]
    names = [name for name in names if name and not name.startswith("#")]
    if not names:
        raise OptionError(f"--maps: {path}: names no map, expected the name of a map in each line")
    return [_existing(path, number, name) for number, name in enumerate(names, start=1)]


def _existing(path: str, number: int, name: str) -> str:
    problem = name_problem(name)
    if problem:
        raise OptionError(f"--maps: {path}, name {number}: {problem}")
    beside = os.path.join(os.path.dirname(path), name)
    chosen = name if os.path.exists(name) or not os.path.exists(beside) else beside
    problem = file_problem(chosen, _KIND, lambda other: other.lower().endswith(MAP_ENDINGS))
    if problem:
        raise OptionError(f"--maps: {path}, name {number}: {problem}")
    return chosen


def _check_distinct(paths: Sequence[str]) -> None:
    """Refuse a map that is named twice: it would count twice among the volumes."""
    places: Dict[str, str] = {}
    for path in paths:
        first = places.setdefault(os.path.realpath(path), path)
        if first is not path:
            also = "" if first == path else f", also as {first}"
            raise OptionError(f"--maps: names {path} twice{also}, expected each map once; leave one of them out")
