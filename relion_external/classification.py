# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a RELION 3D classification: class maps, shares, particle counts, signal-to-noise ratios, solvent mask."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Tuple

from occupy_core.maps.grid import LARGEST_VOXEL, SMALLEST_VOXEL
from occupy_core.settings.classification import (
    missing_optimiser_text,
    unknown_mask_text,
    unusable_mask_text,
)
from relion_external.chosen_file import star_with_references
from relion_external.particle_counts import count_particles, count_warnings
from relion_files.iteration import CLEANED_UP, hint_text, iteration_of, star_beside
from relion_files.model_star import ModelStar, read_model_star, solvent_mask_name
from relion_files.project import NamedFiles, check_name, named_files
from relion_files.star import StarError, shown

_SHARE = "rlnClassDistribution"
_LONGEST_NAME = 1000  # characters of a name in a message
_ROUNDING = 0.01  # by which written shares may exceed 1, alone or together


@dataclass(frozen=True)
class ClassMap:
    """One class of a classification.

    Attributes
    ----------
    number : int
        RELION's number of the class, from 1.
    path : str
        Path of the class map.
    share : float, optional
        Share of the particles, 0..1 (rlnClassDistribution); None for a list of references without shares.
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
    share: Optional[float]
    particles: Optional[int]
    resolution: Optional[float] = None
    ssnr: Optional[Tuple[float, ...]] = None


@dataclass(frozen=True)
class Classification:
    """The classes of one iteration of a 3D classification, or of a list of references.

    Attributes
    ----------
    model_star : str
        Path of the iteration's model STAR file, or of the list of references.
    classes : tuple of ClassMap
        All classes, in the order of the model STAR file.
    voxel_size : float, optional
        Voxel size in Å; None if the model STAR file has none.
    solvent_mask : str, optional
        Path of the mask that the classification was done in (rlnSolventMaskName in the optimiser STAR file); None if
        it had none, if the file does not exist, or without an optimiser STAR file.
    warnings : tuple of str
        Shares that contradict the particle counts; why the solvent mask is not known.
    data_star : str, optional
        Path of the data STAR file, which has the class of each particle; None if it does not exist or has none.
    """

    model_star: str
    classes: Tuple[ClassMap, ...]
    voxel_size: Optional[float]
    solvent_mask: Optional[str] = None
    warnings: Tuple[str, ...] = ()
    data_star: Optional[str] = None

    def select_classes(self, numbers: str) -> Tuple[ClassMap, ...]:
        """Return the classes with these numbers, in the order of the numbers.

        Parameters
        ----------
        numbers : str
            "all", or numbers separated by commas, such as "1,3" (the setting `classes`).

        Raises
        ------
        StarError
            If the classification has no class of such a number.
        """
        if numbers == "all":
            return self.classes
        by_number = {item.number: item for item in self.classes}
        wanted = [int(word) for word in numbers.split(",")]
        for number in wanted:
            if number not in by_number:
                raise StarError(
                    f"{self.model_star}: has no class {number}, expected one of {', '.join(map(str, by_number))}"
                )
        return tuple(by_number[number] for number in sorted(set(wanted)))


def read_classification(path: str) -> Classification:
    """Read the classes of one iteration of a 3D classification by RELION 1.3 to 5, or a list of references.

    Parameters
    ----------
    path : str
        The data, model or optimiser STAR file of the iteration, or one of its class maps; or what else
        `star_with_references` takes.

    Raises
    ------
    StarError
        If the file does not lead to 3D class maps that all exist, or its numbers contradict each other.
    """
    model = read_model_star(star_with_references(path))
    files = named_files(model.path, model.names)
    _check_is_classification(model, files)
    numbers = model.numbers
    shares = _shares(model)
    data_star = star_beside(model.path, "data") if model.is_of_relion else ""
    counts = _counts(model, data_star)
    # The map of a class without particles is not read, so it may be missing.
    are_empty = [counts[number] == 0 for number in numbers] if counts else [share == 0 for share in shares]
    paths = _class_maps(model, files, are_empty)
    classes = tuple(
        ClassMap(
            number,
            paths[row],
            shares[row] if shares else None,
            counts[number] if counts else None,
            model.resolution(row),
            model.signal_to_noise(number),
        )
        for row, number in enumerate(numbers)
    )
    warnings = count_warnings(data_star, dict(zip(numbers, shares)), counts) if os.path.exists(data_star) else []
    mask, mask_warnings = _solvent_mask(model, files, paths)
    known = data_star if counts else None
    return Classification(model.path, classes, _voxel_size(model), mask, (*warnings, *mask_warnings), known)


def _check_is_classification(model: ModelStar, files: NamedFiles) -> None:
    """Refuse references that are no class maps, a table that is cut off, and two classes of one number."""
    hint = hint_text(model.path, files.project or "") if model.is_2d else ""
    if model.is_2d:
        raise StarError(f"{model.path}: is of a 2D classification, expected a 3D one{hint}")
    general = model.general
    if general.first("rlnReferenceDimensionality") and general.count("rlnReferenceDimensionality") != 3:
        raise StarError(
            f"{model.path}: rlnReferenceDimensionality is {shown(general.first('rlnReferenceDimensionality') or '')}, "
            "expected 3, for 3D maps"
        )
    if "model_bodies" in model.tables or (general.first("rlnNrBodies") and general.count("rlnNrBodies") > 1):
        raise StarError(
            f"{model.path}: is of a multi-body refinement, whose maps are bodies of one structure, expected the "
            "classes of a 3D classification; to process one body, give its map with --in_3dref"
        )
    rows = len(model.names)
    if model.is_of_relion and general.first("rlnNrClasses") and general.count("rlnNrClasses") != rows:
        raise StarError(
            f"{model.path}: has {rows} class{'es' * (rows != 1)}, but rlnNrClasses is {general.count('rlnNrClasses')}, "
            "expected the same; the file is cut off or edited"
        )
    _check_distinct(model, "class number", list(map(str, model.numbers)))


def _class_maps(model: ModelStar, files: NamedFiles, are_empty: Sequence[bool]) -> List[str]:
    """Return the paths of the class maps, which differ, as their numbers do; those of classes with particles exist."""
    for name in model.names:
        check_name(model.path, "rlnReferenceImage", name)
    paths = files.find_all(model.names, [name for name, is_empty in zip(model.names, are_empty) if is_empty])
    for name, path in zip(model.names, paths):
        if path is None and files.other_kind(name):
            raise StarError(
                f"{model.path}: found {files.other_kind(name)} under the name {name[:_LONGEST_NAME]}, expected a class "
                "map; put the map in its place"
            )
        if path is None:
            place = "beside the STAR file or in the working folder"
            if files.project is not None:
                place = f"in its project {os.path.abspath(files.project)} or beside the STAR file"
            raise StarError(
                f"{model.path}: the class map {name[:_LONGEST_NAME]} does not exist {place} any more, or not yet "
                f"({CLEANED_UP}); choose another iteration, or put the class maps back"
                f"{hint_text(model.path, files.project or '')}"
            )
    known = [path for path in paths if path is not None]
    _check_distinct(model, "map", list(map(os.path.realpath, known)))
    return known


def _check_distinct(model: ModelStar, what: str, values: Sequence[str]) -> None:
    """Refuse two rows with the same value."""
    rows: Dict[str, int] = {}
    for row, value in enumerate(values):
        first = rows.setdefault(value, row)
        if first < row:
            raise StarError(
                f"{model.path}: the rows {first + 1} and {row + 1} of its classes have one {what}, {value}, expected a "
                "row for each class; remove one of them"
            )


def _shares(model: ModelStar) -> List[float]:
    """Return the share of each class; empty for a list of references without shares."""
    if _SHARE not in model.classes and not model.is_of_relion:
        return []
    if _SHARE not in model.classes:
        raise StarError(f"{model.path}: its table of classes has no {_SHARE}, expected the share of each class, 0..1")
    shares = [model.classes.number(_SHARE, row) for row in range(len(model.names))]
    for row, share in enumerate(shares):
        if not 0 <= share <= 1 + _ROUNDING:
            text = shown(model.classes.columns[_SHARE][row])
            raise StarError(f"{model.path}: {_SHARE} of class {model.numbers[row]} is {text}, expected a share, 0..1")
    if sum(shares) > 1 + _ROUNDING:
        way_out = "" if model.is_of_relion else "; without this column the maps are compared as a set of maps"
        raise StarError(
            f"{model.path}: the values of {_SHARE} add up to {sum(shares):.4g}, expected 1, or less for a part of the "
            f"classes{way_out}"
        )
    return [min(share, 1.0) for share in shares]


def _counts(model: ModelStar, data_star: str) -> Optional[Dict[int, int]]:
    """Return the number of particles of each class; None if it is not known."""
    if not model.is_of_relion or not os.path.exists(data_star):
        return None
    own = iteration_of(model.path)
    for name in model.names:
        other = iteration_of(name)
        if None not in (own, other) and own != other:
            raise StarError(
                f"{model.path}: is named as iteration {own}, but names maps of iteration {other} ({shown(name)}), "
                f"expected its own; so the particles in {os.path.basename(data_star)} may be in other classes"
            )
    return count_particles(data_star, model.numbers)


def _voxel_size(model: ModelStar) -> Optional[float]:
    """Return the voxel size in Å; None if the model STAR file has none."""
    text = model.general.first("rlnPixelSize")
    if text is None:
        return None
    size = model.general.number("rlnPixelSize")
    if not SMALLEST_VOXEL <= size <= LARGEST_VOXEL:
        raise StarError(
            f"{model.path}: rlnPixelSize is {shown(text)}, expected a number of Å above 0, from "
            f"{SMALLEST_VOXEL:g} to {LARGEST_VOXEL:g}; correct it there, or give one map with --in_3dref and --angpix"
        )
    return size


def _solvent_mask(model: ModelStar, files: NamedFiles, paths: Sequence[str]) -> Tuple[Optional[str], Tuple[str, ...]]:
    """Return the path of the mask that the optimiser STAR file names, if it exists, and warnings.

    A file that does not exist or cannot be read is no error: the classes can be processed without it.
    """
    optimiser_star = star_beside(model.path, "optimiser")
    if not model.is_of_relion:
        return None, ()
    if not os.path.exists(optimiser_star):
        several = len(model.names) > 1  # one class is compared with nothing
        return None, (missing_optimiser_text(optimiser_star),) if several else ()
    try:
        name = solvent_mask_name(optimiser_star)
    except StarError as error:
        return None, (unknown_mask_text(str(error)),)
    if name is None:
        return None, ()
    try:
        path = replace(files, star=optimiser_star).find_of_job(name, dict(zip(model.names, paths)))
    except StarError as error:
        return None, (unknown_mask_text(str(error)),)
    if path is not None:
        return path, ()
    kind = files.other_kind(name)
    problem = f"is {kind}, expected a map" if kind else "does not exist"
    return None, (unusable_mask_text(name, optimiser_star, problem),)
