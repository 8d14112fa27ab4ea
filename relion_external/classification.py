# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a RELION 3D classification: class maps, shares, particle counts, signal-to-noise ratios, solvent mask."""

from __future__ import annotations

import linecache
import os
import re
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from occupy_core.errors import OccupyError
from occupy_core.settings.classification import existing_file, missing_mask_text, resolution_of, signal_to_noise

# STAR files and class maps of an iteration; its stem is for instance Class3D/job003/run_it025.
_STAR_FILE = re.compile(r"^(?P<stem>.*)_(data|model|optimiser|sampling)\.star$")
_CLASS_MAP = re.compile(r"^(?P<stem>.*)_class(?P<number>\d{3})\.mrc(\.gz)?$")


class ClassificationError(OccupyError):
    """A classification cannot be read."""


@dataclass(frozen=True)
class ClassMap:
    """One class of a classification.

    Attributes
    ----------
    number : int
        RELION's number of the class, from 1.
    path : str
        Path of the class map.
    share : float
        Share of the particles, 0..1 (rlnClassDistribution).
    particles : int, optional
        Number of particles whose most likely class is this one; None without a data STAR file.
    resolution : float, optional
        Resolution in Å (rlnEstimatedResolution); None where the model STAR file has none.
    ssnr : tuple of float, optional
        Signal-to-noise ratio by Fourier shell (rlnSsnrMap divided by rlnTau2FudgeFactor, by which RELION multiplies
        it), 0 or more; shell i, from 0, has the frequency i / (side of the box in Å). None where the model STAR file
        lacks a value.
    """

    number: int
    path: str
    share: float
    particles: Optional[int]
    resolution: Optional[float] = None
    ssnr: Optional[Tuple[float, ...]] = None


@dataclass(frozen=True)
class Classification:
    """The classes of one iteration of a 3D classification.

    Attributes
    ----------
    model_star : str
        Path of the iteration's model STAR file.
    classes : tuple of ClassMap
        All classes, in the order of the model STAR file.
    voxel_size : float, optional
        Voxel size in Å; None if the model STAR file has none.
    solvent_mask : str, optional
        Path of the mask that the classification was done in (rlnSolventMaskName in the optimiser STAR file); None if
        it had none, if the file does not exist, or without an optimiser STAR file.
    warnings : tuple of str
        Why the solvent mask is not known.
    """

    model_star: str
    classes: Tuple[ClassMap, ...]
    voxel_size: Optional[float]
    solvent_mask: Optional[str] = None
    warnings: Tuple[str, ...] = ()

    def select_classes(self, numbers: str) -> Tuple[ClassMap, ...]:
        """Return the classes with these numbers, in the order of the numbers.

        Parameters
        ----------
        numbers : str
            "all", or numbers separated by commas, such as "1,3" (the setting `classes`).

        Raises
        ------
        ClassificationError
            If the classification has no class of such a number.
        """
        if numbers == "all":
            return self.classes
        by_number = {item.number: item for item in self.classes}
        wanted = [int(word) for word in numbers.split(",")]
        for number in wanted:
            if number not in by_number:
                raise ClassificationError(
                    f"{self.model_star}: has no class {number}, expected one of {', '.join(map(str, by_number))}"
                )
        return tuple(by_number[number] for number in sorted(set(wanted)))


def is_star_file(path: str) -> bool:
    """Return whether the file's name ends in .star: a STAR file of a classification, not a map."""
    return path.lower().endswith(".star")


def class_prefix(number: int) -> str:
    """Return the first part of the names of a class's output files, such as class001_."""
    return f"class{number:03d}_"


def read_classification(path: str) -> Classification:
    """Read the classes of one iteration of a 3D classification by RELION 1.3 to 5.

    Parameters
    ----------
    path : str
        The data, model or optimiser STAR file of the iteration, or one of its class maps.

    Raises
    ------
    ClassificationError
        If the file does not belong to a 3D classification, or the model STAR file or a class map is missing.
    """
    model_star = _model_star(path)
    tables = _read_star(model_star)
    general, table = _values_of(tables.get("model_general")), tables.get("model_classes")
    if table is None or "rlnReferenceImage" not in table or "rlnClassDistribution" not in table:
        raise ClassificationError(
            f"{model_star}: has no table of classes with rlnReferenceImage and rlnClassDistribution, expected the "
            "model STAR file of a 3D classification"
        )
    references = [str(name) for name in table["rlnReferenceImage"]]
    if any("@" in name for name in references) or int(general.get("rlnReferenceDimensionality", 3)) != 3:
        raise ClassificationError(f"{model_star}: is of a 2D classification, expected a 3D one")
    counts = _particle_counts(_star_file_beside(model_star, "data"))
    classes = []
    for row, name in enumerate(references):
        number = _class_number(name, row)
        classes.append(
            ClassMap(
                number,
                _existing_map(name, model_star),
                float(table["rlnClassDistribution"].iloc[row]),
                None if counts is None else counts.get(number, 0),
                resolution_of(table["rlnEstimatedResolution"].iloc[row]) if "rlnEstimatedResolution" in table else None,
                _signal_to_noise(tables.get(f"model_class_{number}"), general),
            )
        )
    voxel_size = general.get("rlnPixelSize")
    mask, warnings = _solvent_mask(_star_file_beside(model_star, "optimiser"))
    return Classification(model_star, tuple(classes), None if voxel_size is None else float(voxel_size), mask, warnings)


def _model_star(path: str) -> str:
    """Return the model STAR file of the iteration that a STAR file or class map belongs to."""
    if not os.path.exists(path):
        raise ClassificationError(f"{path}: no such file{_complete_iterations_text(path)}")
    match = _STAR_FILE.match(path) or _CLASS_MAP.match(path)
    model_star = f"{match['stem']}_model.star" if match else ""
    if not os.path.exists(model_star):
        problem = (
            f"has no {os.path.basename(model_star)} in its folder" if match else "is not named run_itNNN_data.star"
        )
        raise ClassificationError(
            f"{path}: {problem}, expected a file of a Class3D job: its run_itNNN_data.star, _model.star, "
            "_optimiser.star or a class map (the particles of a Select job no longer name their class maps)"
            f"{_complete_iterations_text(path)}"
        )
    return model_star


def _complete_iterations_text(path: str) -> str:
    """Name the iterations in a file's folder that have a model STAR file and class maps, as the end of a message."""
    folder = Path(path).parent
    maps = [match for match in map(_CLASS_MAP.match, os.listdir(folder) if folder.is_dir() else []) if match]
    stems = sorted({match["stem"] for match in maps if (folder / f"{match['stem']}_model.star").exists()})
    return f"; in {folder} there is {', '.join(f'{stem}_data.star' for stem in stems)}" if stems else ""


def _star_file_beside(model_star: str, kind: str) -> str:
    """Return the path of another STAR file of the same iteration, for instance of kind "data"."""
    return f"{model_star[: -len('_model.star')]}_{kind}.star"


def _read_star(path: str) -> Dict[str, Any]:
    """Return the blocks of a STAR file by name."""
    import starfile  # imported here: loading it takes as long as a whole job on a small map

    linecache.clearcache()  # starfile reads through this cache and would return an older version of the file
    try:
        return starfile.read(path, always_dict=True)
    except Exception as error:  # starfile and pandas raise errors of many kinds
        raise ClassificationError(f"{path}: cannot be read as a STAR file ({error})") from error


def _values_of(block: Any) -> Dict[str, Any]:
    """Return the values of a block with one value by label; some versions of starfile return a table with one row."""
    if block is None or isinstance(block, dict):
        return block or {}
    return block.iloc[0].to_dict() if len(block) else {}


def _signal_to_noise(shells: Any, general: Mapping[str, Any]) -> Optional[Tuple[float, ...]]:
    """Return the signal-to-noise ratios from the table of a class's Fourier shells; None if a value is missing."""
    if shells is None or isinstance(shells, dict) or "rlnSsnrMap" not in shells:
        return None
    if "rlnSpectralIndex" in shells and list(shells["rlnSpectralIndex"]) != list(range(len(shells))):
        return None
    return signal_to_noise(shells["rlnSsnrMap"], general.get("rlnTau2FudgeFactor"))


def _solvent_mask(optimiser_star: str) -> Tuple[Optional[str], Tuple[str, ...]]:
    """Return the path of the mask that an optimiser STAR file names, if it exists, and warnings.

    A file that does not exist or cannot be read is no error: the classes can be processed without it.
    """
    if not os.path.exists(optimiser_star):
        return None, ()
    try:
        name = _values_of(_read_star(optimiser_star).get("optimiser_general")).get("rlnSolventMaskName")
    except ClassificationError as error:
        return None, (f"{error}, so the mask of the classification, if it had one, is not known",)
    name = str(name).strip("\"' ")
    if name in ("", "None", "nan"):  # pandas may read an empty text or None as NaN
        return None, ()
    path = existing_file(name, optimiser_star)
    return path, () if path else (missing_mask_text(name, optimiser_star),)


def _class_number(name: str, row: int) -> int:
    """Return the class number in a class map's name, or else the number of its row, from 1."""
    match = _CLASS_MAP.match(name)
    return int(match["number"]) if match else row + 1


def _existing_map(name: str, model_star: str) -> str:
    """Return the path of a class map: relative to the project, as RELION writes it, or beside the model STAR file."""
    path = existing_file(name, model_star)
    if path is not None:
        return path
    raise ClassificationError(
        f"{model_star}: the class map {name} does not exist, nor a file of this name beside the STAR file; if this "
        f"iteration was cleaned up, choose another{_complete_iterations_text(model_star)}"
    )


def _particle_counts(data_star: str) -> Optional[Dict[int, int]]:
    """Count the particles of each class, by class number; None if the file does not exist or has no classes.

    Reads line by line: the file may have a million particles.
    """
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
