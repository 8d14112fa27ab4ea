# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the files that a STAR file names: in the project that the STAR file belongs to.

RELION names files by their paths from the project folder, and is run there. A STAR file of another project names files
of that project: the working folder may have other files of the same names.
"""

from __future__ import annotations

import filecmp
import os
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Iterable, List, Mapping, Optional, Sequence

from occupy_core.input_files import other_kind
from relion_files.iteration import is_of_iteration, model_star_of, star_beside
from relion_files.star import StarError, shown

_PIPELINE = "default_pipeline.star"  # in every project folder
_NO_NAME = re.compile(r"[\0-\x1f\x7f\ud800-\udfff]")  # surrogates stand for bytes that are no UTF-8
_UNKNOWN = (".", "?")  # words of the STAR and CIF formats for a value that is unknown
_ENDINGS = ("", ".gz")
# RELION and Scipion name a map whose name does not end in .mrc like this: emd_1234.map:mrc.
_FORMAT = ":mrc"


@dataclass(frozen=True)
class NamedFiles:
    """Where the names in a STAR file lead to.

    Attributes
    ----------
    star : str
        Path of the STAR file.
    project : str, optional
        The project folder of the STAR file; empty for the working folder, None if it is not known.
    in_place : bool
        Whether the STAR file lies in the folder that its names tell. A STAR file that was copied does not: files
        of the same names may then lie beside it and in the project.
    """

    star: str
    project: Optional[str]
    in_place: bool = True

    def find(self, name: str) -> Optional[str]:
        """Return the path of a file; None if it does not exist, nor with .gz added.

        Raises
        ------
        StarError
            If the STAR file was copied, and different files of this name lie in two places.
        """
        return self._find_together([name])[0]

    def find_of_job(self, name: str, maps: Mapping[str, str]) -> Optional[str]:
        """Return the path of a file that a job used, such as its mask; None if it does not exist.

        Parameters
        ----------
        name : str
            Its name in a STAR file.
        maps : mapping of str to str
            The names in the STAR file of maps of the job, and the paths of these maps.

        Raises
        ------
        StarError
            If the STAR file was copied and a file of this name lies in a project that does not have these maps; as
            `find`.
        """
        path = self.find(name)
        project = self.project or ""
        if self.in_place or path is None or os.path.isabs(name) or path != _existing(os.path.join(project, name)):
            return path
        is_of_job = bool(maps) and all(_lies_in(project, *item) for item in maps.items())
        if is_of_job or not _is_project(project):
            return path
        raise StarError(
            f"{self.star}: names {shown(name)}, found {path}, which may be another file: its project does not have the "
            "class maps of this iteration; expected it beside the STAR file, or its whole path there"
        )

    def other_kind(self, name: str) -> Optional[str]:
        """Return what has the name of a file but is none: "a named pipe", "a folder"; None where nothing has it."""
        kinds = (other_kind(os.stat(path).st_mode) for path in self._paths(name) if os.path.exists(path))
        return next(filter(None, kinds), None)

    def find_all(self, names: Sequence[str], not_needed: Sequence[str] = ()) -> List[Optional[str]]:
        """Return the paths of maps that belong together: all from one place, None for a file that does not exist.

        Maps of the STAR file's own iteration, all beside it, belong to it: they were copied together.

        Parameters
        ----------
        names : sequence of str
        not_needed : sequence of str
            Names of maps that need not exist. Where only such maps are missing, they get the paths that they would have
            in the project.

        Raises
        ------
        StarError
            If all files exist, but in different places; if maps of the STAR file's iteration lie in another folder,
            and the STAR files of this iteration there have other content or do not exist; as `find`.
        """
        paths = self._find_all(names)
        missing = [name for name, path in zip(names, paths) if path is None]
        if not missing or not set(missing) <= set(not_needed) or len(missing) == len(names):
            return paths
        found = iter(self._find_all([name for name in names if name not in missing]))
        return [os.path.join(self.project or "", name) if name in missing else next(found) for name in names]

    def _find_all(self, names: Sequence[str]) -> List[Optional[str]]:
        own = [name for name in names if not os.path.isabs(name) and is_of_iteration(name, self.star)]
        if not self.in_place and len(own) == len(names):
            folder = os.path.dirname(self.star)
            beside = [_existing(os.path.join(folder, os.path.basename(name))) for name in names]
            if None not in beside:
                return beside
        paths = self._find_together(names)
        for folder in dict.fromkeys(os.path.dirname(path) for name, path in zip(names, paths) if path and name in own):
            self._check_same_run(folder)
        return paths

    def _check_same_run(self, folder: str) -> None:
        """Refuse class maps in a folder whose STAR files of this iteration are not those beside this STAR file."""
        for kind in ("model", "data"):
            star = star_beside(model_star_of(self.star) or self.star, kind)
            there = os.path.join(folder, os.path.basename(star))
            if not os.path.isfile(star) or (os.path.isfile(there) and _is_equal(star, there)):
                continue
            found = "one of other content" if os.path.isfile(there) else "no such file"
            raise StarError(
                f"{star}: names class maps in {folder or os.curdir}, found {found} there, so the maps may be of "
                "another run; expected the STAR file that lies beside its maps; choose that one, or copy the maps too"
            )

    def _find_together(self, names: Sequence[str]) -> List[Optional[str]]:
        """Return the paths in the first place that has all files; where none has all, what exists of them."""
        by_name = [[_existing(path) for path in self._paths(name)] for name in names]
        by_place = [list(paths) for paths in zip(*by_name)]
        chosen = next((paths for paths in by_place if None not in paths), None)
        if chosen is None:
            chosen = [next(filter(None, paths), None) for paths in by_name]
            if names and None not in chosen:
                raise self._scattered(chosen[0], by_place, chosen)
        if not self.in_place:
            for name, path, paths in zip(names, chosen, by_name):
                if not os.path.isabs(name):
                    self._check_equal(path, paths)
        return chosen

    def _check_equal(self, chosen: Optional[str], paths: Sequence[Optional[str]]) -> None:
        """Refuse a file if another place has a file of the same name and other content."""
        for other in filter(None, paths):
            if chosen is not None and not _is_equal(chosen, other):
                expected = (
                    "one file, since the STAR file is not in the folder that it names; move the wrong one away, or "
                    "write whole paths into the STAR file"
                )
                raise self._error(chosen, other, expected)

    def _scattered(
        self, first: Optional[str], by_place: Sequence[Sequence[Optional[str]]], found: Sequence[Optional[str]]
    ) -> StarError:
        """Return the error for files of which no place has all: it names two of them in different places."""
        place = next(paths for paths in by_place if first in paths)
        other = next(path for path, there in zip(found, place) if there is None)
        expected = "all in one project; write whole paths into the STAR file if they belong together"
        return self._error(first, other, expected)

    def _error(self, one: Optional[str], other: Optional[str], expected: str) -> StarError:
        return StarError(f"{self.star}: names files in different places, found {one} and {other}, expected {expected}")

    def _paths(self, name: str) -> List[str]:
        """Return where a file may lie, the likely places first.

        The places: the project folder; the STAR file's folder, with and without the folders in the name; the working
        folder only if the project folder is not known.
        """
        beside = os.path.dirname(self.star)
        paths = [os.path.join(beside, name), os.path.join(beside, os.path.basename(name))]
        return [*paths, name] if self.project is None else [os.path.join(self.project, name), *paths]


def named_files(star: str, names_beside: Iterable[str]) -> NamedFiles:
    """Return where the names in a STAR file lead to.

    Parameters
    ----------
    star : str
        Path of the STAR file.
    names_beside : iterable of str
        Names in it of files that RELION writes into the same folder, such as class maps: the end of the STAR file's
        path that equals the folder of such a name tells the project folder. Without such a name, the project folder is
        the nearest one above the STAR file that has a default_pipeline.star.
    """
    beside = os.path.dirname(star)
    # As written, and with links followed: RELION's alias of a job is a link to a folder of the true name,
    # and a STAR file may be a link to one in another project.
    true = os.path.dirname(os.path.realpath(star))
    star_folders = (beside or os.curdir, os.path.abspath(beside), os.path.realpath(beside), true)
    for folder in dict.fromkeys(os.path.dirname(name) for name in names_beside if not os.path.isabs(name)):
        ends = [_without_end(star_folder, folder) for star_folder in star_folders]
        projects = [project for project in ends if project is not None]
        if projects:
            # A job's folder may be a link to a bare folder on another disk, or to a job of another project.
            known = [project for project in projects if _is_project(project)] or projects[:1]
            return NamedFiles(star, _as_written(known[-1], projects))
    for star_folder in star_folders[1:]:
        nearest = _nearest_project(star_folder)
        if nearest is not None:
            return NamedFiles(star, _as_written(nearest, []), in_place=False)
    return NamedFiles(star, None, in_place=False)


def check_name(star: str, label: str, name: str) -> None:
    """Refuse the name of a file that reports cannot hold, and a word that stands for an unknown name.

    Raises
    ------
    StarError
        If the name has control characters, or bytes that are no UTF-8, or is "." or "?".
    """
    if name in _UNKNOWN:
        raise StarError(
            f"{star}: {label} is {shown(name)}, which is no name, expected the path of a file; write it there"
        )
    if _NO_NAME.search(name):
        raise StarError(
            f"{star}: {label} is {shown(name)}, expected a name in UTF-8 without control characters; rename the file"
        )


def without_format(path: str) -> str:
    """Return the path of a map without the :mrc behind it, by which RELION and Scipion tell its format."""
    return path[: -len(_FORMAT)] if path.endswith(_FORMAT) and not os.path.exists(path) else path


def _existing(path: str) -> Optional[str]:
    path = without_format(path)
    return next((path + ending for ending in _ENDINGS if os.path.isfile(path + ending)), None)


def _lies_in(project: str, name: str, path: str) -> bool:
    """Return whether a project has a map that was found under a name in a STAR file, or an equal copy of it."""
    if os.path.isabs(name):
        nearest = _nearest_project(os.path.dirname(os.path.realpath(path)))
        return nearest is not None and _is_same(nearest, project or os.curdir)
    own = _existing(os.path.join(project, name))
    return own is not None and _is_equal(own, path)


def _is_equal(one: str, other: str) -> bool:
    """Return whether two paths lead to one file, or to files of the same content."""
    return os.path.samefile(one, other) or filecmp.cmp(one, other, shallow=False)


def _without_end(folder: str, end: str) -> Optional[str]:
    """Return a folder without the folders that its path ends with; None if it ends otherwise."""
    parts, last = PurePath(os.path.normpath(folder)).parts, PurePath(os.path.normpath(end)).parts
    if len(last) > len(parts) or parts[len(parts) - len(last) :] != last:
        return None
    return str(PurePath(*parts[: len(parts) - len(last)])) if parts != last else ""


def _is_project(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, _PIPELINE))


def _nearest_project(folder: str) -> Optional[str]:
    """Return the nearest project folder: this one or one above it; None if there is none."""
    return next((place for place in (folder, *map(str, PurePath(folder).parents)) if _is_project(place)), None)


def _as_written(project: str, projects: Sequence[str]) -> str:
    """Return a folder as users write it: empty for the working folder, or the first of some paths that lead to it."""
    same = [folder for folder in ("", *projects) if _is_same(folder or os.curdir, project or os.curdir)]
    return same[0] if same else project


def _is_same(one: str, two: str) -> bool:
    return os.path.exists(one) and os.path.exists(two) and os.path.samefile(one, two)
