# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a model STAR file, or another list of references: class maps with their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from occupy_core.settings.classification import resolution_of, signal_to_noise
from relion_files.iteration import class_number
from relion_files.project import check_name
from relion_files.star import StarError, Table, read_star

_LABELS = frozenset(
    (
        *("rlnReferenceDimensionality", "rlnPixelSize", "rlnNrClasses", "rlnNrBodies", "rlnTau2FudgeFactor"),
        *("rlnReferenceImage", "rlnClassDistribution", "rlnEstimatedResolution", "rlnSpectralIndex", "rlnSsnrMap"),
    )
)
_MASK = "rlnSolventMaskName"


@dataclass(frozen=True)
class ModelStar:
    """The tables of a model STAR file that tell about its classes.

    Attributes
    ----------
    path : str
        Path of the file.
    general : Table
        The block model_general; without columns if the file has none.
    classes : Table
        The table with rlnReferenceImage, a row for each class.
    tables : dict of str to Table
        All blocks by name, in lower case.
    """

    path: str
    general: Table
    classes: Table
    tables: Dict[str, Table]

    @property
    def is_of_relion(self) -> bool:
        """Whether it is the model STAR file of a refinement, not a list of references made otherwise."""
        return self.classes is self.tables.get("model_classes")

    @property
    def names(self) -> List[str]:
        """Names of the class maps, as they are written."""
        return self.classes.columns["rlnReferenceImage"]

    @property
    def is_2d(self) -> bool:
        """Whether the references are images: RELION writes these into stacks, as 000001@run_it025_classes.mrcs."""
        in_stacks = any("@" in name or name.endswith(".mrcs") for name in self.names)
        return in_stacks or self.general.first("rlnReferenceDimensionality") == "2"

    @property
    def numbers(self) -> List[int]:
        """Numbers of the classes: those in the names of all maps, if they differ, otherwise the row numbers from 1."""
        numbers = [class_number(name) for name in self.names]
        rows = list(range(1, len(numbers) + 1))
        if self.is_of_relion:
            return [row if number is None else number for row, number in zip(rows, numbers)]
        known = [number for number in numbers if number is not None]
        return known if len(set(known)) == len(rows) else rows

    def resolution(self, row: int) -> Optional[float]:
        """Return the resolution of a class in Å; None if the file has none."""
        values = self.classes.numbers("rlnEstimatedResolution")
        return resolution_of(values[row]) if values else None

    def signal_to_noise(self, number: int) -> Optional[Tuple[float, ...]]:
        """Return the signal-to-noise ratio of each Fourier shell of a class; None if a value is missing.

        RELION multiplies rlnSsnrMap by rlnTau2FudgeFactor; the ratio here is without the factor.
        """
        shells = self.tables.get(f"model_class_{number}")
        fudge = self.general.numbers("rlnTau2FudgeFactor")
        if shells is None or not fudge:
            return None
        values = shells.numbers("rlnSsnrMap")
        indices = shells.numbers("rlnSpectralIndex")
        return signal_to_noise(values, fudge[0]) if indices in ([], list(range(len(values)))) else None


def read_model_star(path: str) -> ModelStar:
    """Read a model STAR file, or another STAR file with a list of references.

    Raises
    ------
    StarError
        If the file cannot be read or has no table with references.
    """
    tables = {name.lower(): table for name, table in read_star(path, _LABELS).items()}
    with_references = [table for table in tables.values() if "rlnReferenceImage" in table]
    classes = tables.get("model_classes", with_references[0] if with_references else None)
    if classes is None or not classes.columns.get("rlnReferenceImage"):
        raise StarError(
            f"{path}: has no table of classes with rlnReferenceImage, expected the model STAR file of a 3D "
            "classification, or a list of references"
        )
    return ModelStar(path, tables.get("model_general", Table(path, {})), classes, tables)


def solvent_mask_name(optimiser_star: str) -> Optional[str]:
    """Return the mask that an optimiser STAR file names, as it is written; None if it says that there was none.

    Raises
    ------
    StarError
        If the file cannot be read, does not say it, or names a file that reports cannot hold.
    """
    tables = read_star(optimiser_star, frozenset([_MASK]))
    names = [table.columns[_MASK][0] for table in tables.values() if table.columns.get(_MASK)]
    if not names:
        raise StarError(f"{optimiser_star}: has no {_MASK}, which RELION always writes")
    check_name(optimiser_star, _MASK, names[0])
    return None if names[0] in ("", "None") else names[0]
