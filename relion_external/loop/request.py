# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the STAR file in which RELION asks for the reconstruction of one class."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from occupy_core.errors import JobError
from relion_files.star import Table, read_star

_ENDING = "_external_reconstruct.star"
_NAME = re.compile(
    r"(?P<stem>.*)_it(?P<iteration>\d{3,9})(?P<half>_half[12])?_(?P<what>class|body)(?P<number>\d{3,9})",
    re.DOTALL | re.ASCII,
)
_ARRAYS = ("rlnExtReconsDataReal", "rlnExtReconsDataImag", "rlnExtReconsWeight")
RESULT, _RESULT_STAR = "rlnExtReconsResult", "rlnExtReconsResultStarfile"
GENERAL = "external_reconstruct_general"  # the block with these labels
_LABELS = frozenset(
    (
        *(*_ARRAYS, RESULT, _RESULT_STAR, "rlnOriginalImageSize", "rlnReferenceDimensionality"),
        *("rlnPixelSize", "rlnParticleDiameter"),
    )
)


@dataclass(frozen=True)
class Request:
    """Request of RELION for the reconstruction of one class: its files, box and iteration.

    Attributes
    ----------
    star : str
        Path of the STAR file. All other paths are as RELION wrote them, from the working folder.
    arrays : three str
        Files of the Fourier sums: real part, imaginary part, weight.
    result : str
        File for the map.
    result_star : str, optional
        File that RELION reads too if it exists.
    box : int
        Side of the map, voxels.
    dimensions : int
        3 for a map, 2 for a class average.
    root : str
        Path of the files of this class without their endings, such as Class3D/job003/run_it005_class002.
    stem : str
        Path of the run's files up to the iteration, such as Class3D/job003/run; empty if the name is another.
    iteration, number : int
        Number of the iteration and of the class; 0 if the name does not have them.
    part : str
        "half" for a half of Refine3D, "body" for a body of a multi-body refinement, else empty.
    voxel_size, diameter : float, optional
        Å; from RELION 4.0.1 on.
    """

    star: str
    arrays: Tuple[str, ...]
    result: str
    result_star: Optional[str]
    box: int
    dimensions: int
    root: str
    stem: str
    iteration: int
    number: int
    part: str
    voxel_size: Optional[float]
    diameter: Optional[float]

    @property
    def name(self) -> str:
        """Iteration and class in words."""
        if not self.iteration:
            return os.path.basename(self.root)
        return f"iteration {self.iteration}, {'body' if self.part == 'body' else 'class'} {self.number}"


def read_request(star: str) -> Request:
    """Read the STAR file of a request.

    Raises
    ------
    StarError
        If the file cannot be read.
    JobError
        If it lacks what the reconstruction needs.
    """
    tables: Dict[str, Table] = read_star(star, _LABELS)
    table = tables.get(GENERAL)
    needed = (*_ARRAYS, RESULT, "rlnOriginalImageSize")
    missing = [label for label in needed if table is None or not table.first(label)]
    if table is None or missing:
        raise JobError(
            f"{star}: has no {', '.join(missing)} in data_{GENERAL}, expected the STAR file that "
            "relion_refine --external_reconstruct writes for each class"
        )
    root = star[: -len(_ENDING)] if star.endswith(_ENDING) else os.path.splitext(star)[0]
    match = _NAME.fullmatch(root) if star.endswith(_ENDING) else None
    return Request(
        star=star,
        arrays=tuple(table.first(label) or "" for label in _ARRAYS),
        result=table.first(RESULT) or "",
        result_star=table.first(_RESULT_STAR),
        box=table.count("rlnOriginalImageSize"),
        dimensions=table.count("rlnReferenceDimensionality") if "rlnReferenceDimensionality" in table else 3,
        root=root,
        stem=match["stem"] if match else "",
        iteration=int(match["iteration"]) if match else 0,
        number=int(match["number"]) if match else 0,
        part="" if match is None else "half" if match["half"] else "body" if match["what"] == "body" else "",
        voxel_size=_positive(table, "rlnPixelSize"),
        diameter=_positive(table, "rlnParticleDiameter"),
    )


def _positive(table: Table, label: str) -> Optional[float]:
    """Return a number above 0; None for any other value."""
    values = table.numbers(label)
    return values[0] if values and values[0] and values[0] > 0 else None
