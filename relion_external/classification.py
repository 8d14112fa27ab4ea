# SPDX-License-Identifier: GPL-3.0-or-later
"""From what RELION leaves of a 3D classification to its class maps, with sizes and shares of the classes."""

from __future__ import annotations

import linecache
import os
import re
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from occupy_core.errors import OccupyError

_TABLES = re.compile(r"^(?P<stem>.*)_(data|model|optimiser|sampling)\.star$")
_CLASS_MAP = re.compile(r"^(?P<stem>.*)_class(?P<number>\d{3})\.mrc(\.gz)?$")


class ClassificationError(OccupyError):
    """A classification that cannot be read."""


@dataclass(frozen=True)
class ClassMap:
    """One class.

    Attributes
    ----------
    number : int
        From 1, RELION's.
    path : str
        Of its map.
    share : float
        Of the particles, 0..1 (rlnClassDistribution).
    particles : int, optional
        How many have it as their most likely class; None where there is no data STAR.
    """

    number: int
    path: str
    share: float
    particles: Optional[int]


@dataclass(frozen=True)
class Classification:
    """The classes of one iteration, in order; `voxel_size` in Å, None where the model STAR has none."""

    model_star: str
    classes: Tuple[ClassMap, ...]
    voxel_size: Optional[float]

    def chosen(self, numbers: str) -> Tuple[ClassMap, ...]:
        """The classes that the setting `classes` asks for: "all", or numbers behind commas.

        Raises
        ------
        ClassificationError
            If one is not a class of this classification.
        """
        if numbers == "all":
            return self.classes
        known = {item.number: item for item in self.classes}
        wanted = [int(word) for word in numbers.split(",")]
        for number in wanted:
            if number not in known:
                raise ClassificationError(
                    f"{self.model_star}: has no class {number}, expected one of {', '.join(map(str, known))}"
                )
        return tuple(known[number] for number in sorted(set(wanted)))


def is_table(path: str) -> bool:
    """Whether a file is taken for a STAR file of a classification, not for a map."""
    return path.lower().endswith(".star")


def read_classification(path: str) -> Classification:
    """Read the classes of one iteration of a 3D classification, of RELION 1.3 to 5.

    Parameters
    ----------
    path : str
        Its data, model or optimiser STAR file, or one of its class maps.

    Raises
    ------
    ClassificationError
        If the file does not belong to a 3D classification, or what belongs to it is gone.
    """
    model_star = _model_star(path)
    tables = _read(model_star)
    general, classes = _general(tables), tables.get("model_classes")
    if classes is None or "rlnReferenceImage" not in classes or "rlnClassDistribution" not in classes:
        raise ClassificationError(
            f"{model_star}: has no table of classes with rlnReferenceImage and rlnClassDistribution; is it one?"
        )
    references = [str(name) for name in classes["rlnReferenceImage"]]
    if any("@" in name for name in references) or int(general.get("rlnReferenceDimensionality", 3)) != 3:
        raise ClassificationError(f"{model_star}: is of a 2D classification, expected a 3D one")
    counts = _particles(_sibling(model_star, "data"))
    found = []
    for row, name in enumerate(references):
        number = _number(name, row)
        found.append(
            ClassMap(
                number,
                _map_path(name, model_star),
                float(classes["rlnClassDistribution"].iloc[row]),
                None if counts is None else counts.get(number, 0),
            )
        )
    voxel_size = general.get("rlnPixelSize")
    return Classification(model_star, tuple(found), None if voxel_size is None else float(voxel_size))


def _model_star(path: str) -> str:
    if not os.path.exists(path):
        raise ClassificationError(f"{path}: no such file{_what_there_is(path)}")
    stem = _TABLES.match(path) or _CLASS_MAP.match(path)
    model_star = f"{stem['stem']}_model.star" if stem else ""
    if not os.path.exists(model_star):
        missing = f"found no {os.path.basename(model_star)} beside it" if stem else "is not named run_itNNN_data.star"
        raise ClassificationError(
            f"{path}: {missing}, expected a file of a Class3D job: its run_itNNN_data.star, _model.star, "
            "_optimiser.star or a class map (particles of a Select job do not know the class maps any more)"
            f"{_what_there_is(path)}"
        )
    return model_star


def _what_there_is(path: str) -> str:
    """The iterations in the file's folder that are whole."""
    folder = Path(path).parent
    maps = [match for match in map(_CLASS_MAP.match, os.listdir(folder) if folder.is_dir() else []) if match]
    stems = sorted({match["stem"] for match in maps if (folder / f"{match['stem']}_model.star").exists()})
    return f"; in {folder} there is {', '.join(f'{stem}_data.star' for stem in stems)}" if stems else ""


def _sibling(model_star: str, kind: str) -> str:
    return f"{model_star[: -len('_model.star')]}_{kind}.star"


def _read(path: str) -> Dict[str, Any]:
    import starfile  # here, because it takes as long to load as a small map takes in all

    linecache.clearcache()  # starfile reads through it, and would see what the file was before
    try:
        return starfile.read(path, always_dict=True)
    except Exception as error:  # starfile and pandas pass on whatever they meet
        raise ClassificationError(f"{path}: cannot be read as a STAR file ({error})") from error


def _general(tables: Dict[str, Any]) -> Dict[str, Any]:
    general = tables.get("model_general", {})
    return general if isinstance(general, dict) else general.iloc[0].to_dict()


def _number(name: str, row: int) -> int:
    match = _CLASS_MAP.match(name)
    return int(match["number"]) if match else row + 1


def _map_path(name: str, model_star: str) -> str:
    """Where the map is: as RELION names it, from the project's folder, or beside the model STAR."""
    beside = os.path.join(os.path.dirname(model_star), os.path.basename(name))
    for path in (name, beside):
        for candidate in (path, f"{path}.gz"):
            if os.path.exists(candidate):
                return candidate
    raise ClassificationError(
        f"{model_star}: the class map {name} is neither there nor beside it; was the iteration cleaned away? Choose "
        f"another{_what_there_is(model_star)}"
    )


def _particles(data_star: str) -> Optional[Dict[int, int]]:
    """How many particles each class has; line by line, since the file may hold a million of them."""
    if not os.path.exists(data_star):
        return None
    counts: Counter = Counter()
    column, columns = -1, 0
    with open(data_star, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            word = line.split(None, 1)[0] if line.strip() else ""
            if word.startswith("data_"):
                column, columns = -1, 0
            elif word.startswith("_rln"):
                if word == "_rlnClassNumber":
                    column = columns
                columns += 1
            elif word and column >= 0 and word not in ("loop_",) and not word.startswith("#"):
                values = shlex.split(line) if '"' in line or "'" in line else line.split()
                if len(values) == columns:
                    counts[int(float(values[column]))] += 1
    return dict(counts) or None


def class_prefix(number: int) -> str:
    """In front of the names of a class's outputs."""
    return f"class{number:03d}_"
