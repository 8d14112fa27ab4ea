# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of one iteration of a RELION refinement, by their names: STAR files and class maps."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from occupy_core.errors import OccupyError
from occupy_core.input_files import open_regular_file

# STAR files and class maps of an iteration; its stem is for instance Class3D/job003/run_it025.
_STAR_FILE = re.compile(r"(?P<stem>.*)_(data|model|optimiser|sampling)\.star", re.DOTALL)
_CLASS_MAP = re.compile(r"(?P<stem>.*)_class(?P<number>\d{3,9})\.mrc(\.gz|:mrc)?", re.DOTALL | re.ASCII)
_ITERATION = re.compile(r"_it(?P<iteration>\d{3,9})(_half[12])?$", re.ASCII)
# Iterations of Refine3D have a model STAR file and a map for each half of the particles.
_HALF = re.compile(r"_half[12]$")
_MOST_NAMED = 3  # files in a message
_HEAD = 1 << 16  # bytes of an optimiser STAR file, in which RELION's command stands as a comment
CLEANED_UP = "RELION's clean-up removes the files of all iterations but the last"


def model_star_of(path: str) -> Optional[str]:
    """Return the path of the model STAR file of the iteration that a file belongs to; it may not exist.

    Parameters
    ----------
    path : str
        A data, model, optimiser or sampling STAR file, or a class map; None for a file of another name.
    """
    match = _STAR_FILE.fullmatch(path) or _CLASS_MAP.fullmatch(path)
    return f"{match['stem']}_model.star" if match else None


def star_beside(model_star: str, kind: str) -> str:
    """Return the path of another STAR file of the same iteration, for instance of kind "data"; it may not exist."""
    return f"{model_star[: -len('_model.star')]}_{kind}.star"


def continued_from(optimiser_star: str) -> Optional[str]:
    """Return the first part of the paths of the iteration that a run continued, such as Class3D/job003/run_it008.

    None for a run that was not continued, and where the file cannot be read. RELION writes its command as a comment at
    the top of the optimiser STAR file; paths in it begin at the project folder.
    """
    match = re.search(r"--continue\s+(\S+)_optimiser\.star", _comments_at_top(optimiser_star))
    return match[1] if match else None


@dataclass(frozen=True)
class Reconstruction:
    """Settings with which relion_refine reconstructs the maps of a run.

    Attributes
    ----------
    skips_gridding : bool, optional
        Whether it leaves out gridding, the iterations that even out the weights; None if this is not known.
    free_shells : int
        Number of shells of the lowest frequencies that it does not regularise.
    """

    skips_gridding: Optional[bool] = None
    free_shells: int = 5  # RELION's default, of all versions


def reconstruction_of(optimiser_star: str) -> Reconstruction:
    """Return how relion_refine makes the maps of a run, by its version and its command in the optimiser STAR file.

    RELION 3.1 leaves gridding out with the option --skip_gridding, RELION 4 and 5 unless they have the option
    --dont_skip_gridding. The option --minres_map names the shells that are not regularised. Nothing is known of a file
    that cannot be read.
    """
    comments = _comments_at_top(optimiser_star)
    words, version = comments.split(), re.search(r"RELION optimiser; version (\d+)", comments)
    if version is None:
        return Reconstruction()
    skips = "--skip_gridding" in words if int(version[1]) < 4 else "--dont_skip_gridding" not in words
    shells = re.search(r"\s--minres_map\s+(\d{1,6})\s", f"{comments} ")
    return Reconstruction(skips, int(shells[1])) if shells else Reconstruction(skips)


def _comments_at_top(optimiser_star: str) -> str:
    """Return the comments at the top: the version of RELION and its command; empty for a file that cannot be read."""
    try:
        with open_regular_file(optimiser_star, expected="an optimiser STAR file") as file:
            head = file.read(_HEAD).decode("utf-8", "surrogateescape")
    except (OSError, OccupyError):
        return ""
    return "\n".join(itertools.takewhile(lambda line: line.startswith("#"), head.splitlines()))


def class_number(name: str) -> Optional[int]:
    """Return the number in the name of a class map; None for another name."""
    match = _CLASS_MAP.fullmatch(name)
    return int(match["number"]) if match else None


def iteration_of(path: str) -> Optional[int]:
    """Return the number of the iteration in the name of a STAR file or class map; None without one."""
    match = _STAR_FILE.fullmatch(path) or _CLASS_MAP.fullmatch(path)
    number = _ITERATION.search(match["stem"]) if match else None
    return int(number["iteration"]) if number else None


def is_of_iteration(name: str, star: str) -> bool:
    """Return whether a class map and a STAR file have names of one iteration; their folders do not matter."""
    own, other = _STAR_FILE.fullmatch(os.path.basename(star)), _CLASS_MAP.fullmatch(os.path.basename(name))
    return own is not None and other is not None and own["stem"] == other["stem"]


def complete_iterations(folder: str) -> List[str]:
    """Return, for each iteration in a folder that has class maps, a STAR file to choose: data STAR, else model STAR."""
    names = set(_names_in(folder))
    stems = sorted({match["stem"] for match in map(_CLASS_MAP.fullmatch, names) if match and not _is_half(match)})
    stars = ((f"{stem}_data.star", f"{stem}_model.star") for stem in stems if f"{stem}_model.star" in names)
    return [data if data in names else model for data, model in stars]


def refined_maps(folder: str) -> List[str]:
    """Return the maps of a Refine3D job's folder to choose: the refined map, else the half maps of the last iteration.

    Empty for a folder of another job.
    """
    maps = {name: match for name in sorted(_names_in(folder)) for match in [_CLASS_MAP.fullmatch(name)] if match}
    halves = [name for name, match in maps.items() if _is_half(match)]
    if not halves:
        return []
    final = [name for name, match in maps.items() if not _is_half(match) and iteration_of(name) is None]
    last = max(iteration_of(name) or 0 for name in halves)
    return final or [name for name in halves if (iteration_of(name) or 0) == last]


def is_of_half(model_star: str) -> bool:
    """Return whether a model STAR file is of one half of the particles, as Refine3D writes them in each iteration."""
    match = _STAR_FILE.fullmatch(model_star)
    return match is not None and _is_half(match)


def hint_text(path: str, project: str) -> str:
    """Name STAR files that exist and that may be meant instead of a file, as the end of a message; empty without one.

    Parameters
    ----------
    path : str
        The file, or a folder. Iterations in its folder are named first. That of a file which exists is not named.
    project : str
        Project folder: without an iteration or a refined map beside the file, the last iteration of each Class3D job is
        named.
    """
    own = model_star_of(path) if os.path.exists(path) else None
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    names = _others(folder, own) or refined_maps(folder)
    if names:
        return f"; in {folder or os.curdir} there is {_some(names)}"
    jobs = map(str, sorted(Path(project, "Class3D").glob("job[0-9]*")))
    last = [os.path.join(job, names[-1]) for job in jobs for names in [_others(job, own)] if names]
    return f"; there is {_some(last)}" if last else ""


def _is_half(match: re.Match[str]) -> bool:
    return _HALF.search(match["stem"]) is not None


def _names_in(folder: str) -> List[str]:
    return os.listdir(folder or os.curdir) if os.path.isdir(folder or os.curdir) else []


def _others(folder: str, own: Optional[str]) -> List[str]:
    """Return the complete iterations in a folder, without that of a model STAR file."""
    models = {name: model_star_of(os.path.join(folder, name)) for name in complete_iterations(folder)}
    without = os.path.realpath(own) if own else None
    return [name for name, model in models.items() if model and os.path.realpath(model) != without]


def _some(names: List[str]) -> str:
    """Return the last few of some names."""
    return f"{'..., ' if len(names) > _MOST_NAMED else ''}{', '.join(names[-_MOST_NAMED:])}"
