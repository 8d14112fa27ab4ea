# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the STAR files that RELION writes beside a class map: numbers of each class, name of the solvent mask."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Pattern, Tuple

from emtable import Table

from occupy_core.settings.classification import resolution_of, signal_to_noise

# A class map; its stem is for instance Runs/000123_ProtRelionClassify3D/extra/relion_it025.
_CLASS_MAP = re.compile(r"^(?P<stem>.*)_class(?P<number>\d{3,})\.mrc(\.gz)?$")
_OF_MODEL = re.compile(r"model_general|model_classes|model_class_\d+")
_OF_OPTIMISER = re.compile(r"optimiser_general")


@dataclass(frozen=True)
class ClassNumbers:
    """Numbers of a class in a model STAR file.

    Attributes
    ----------
    resolution : float, optional
        Resolution in Å (rlnEstimatedResolution).
    ssnr : tuple of float, optional
        Signal-to-noise ratio by Fourier shell (rlnSsnrMap divided by rlnTau2FudgeFactor, by which RELION multiplies
        it), 0 or more; shell i, from 0, has the frequency i / (side of the box in Å).
    """

    resolution: Optional[float] = None
    ssnr: Optional[Tuple[float, ...]] = None


def model_star_of(class_map: str) -> Optional[Tuple[str, int]]:
    """Return the path of the model STAR file beside a class map and the number of the class; None without such a file.

    A link, as Scipion makes for imported classes, is followed to the folder of the map itself.
    """
    for path in (class_map, os.path.realpath(class_map)):
        match = _CLASS_MAP.match(path)
        if match and os.path.exists(f"{match['stem']}_model.star"):
            return f"{match['stem']}_model.star", int(match["number"])
    return None


def optimiser_star_of(model_star: str) -> str:
    """Return the path of the optimiser STAR file of the same iteration; it may not exist."""
    return f"{model_star[: -len('_model.star')]}_optimiser.star"


def read_class_numbers(model_star: str) -> Dict[int, ClassNumbers]:
    """Return the numbers of the classes in a model STAR file, by class number.

    A number that is missing, NaN or infinite is None; a file that cannot be read has no class.
    """
    blocks = _blocks(model_star, _OF_MODEL)
    fudge = next(iter(_column(blocks, "model_general", "rlnTau2FudgeFactor")), None)
    resolutions = _column(blocks, "model_classes", "rlnEstimatedResolution")
    numbers = {}
    for row, name in enumerate(_column(blocks, "model_classes", "rlnReferenceImage")):
        match = _CLASS_MAP.match(name)
        number = int(match["number"]) if match else row + 1
        shells = f"model_class_{number}"
        indices = _column(blocks, shells, "rlnSpectralIndex")
        ordered = indices in ([], [str(index) for index in range(len(indices))])
        ssnr = signal_to_noise(_column(blocks, shells, "rlnSsnrMap"), fudge) if ordered else None
        numbers[number] = ClassNumbers(resolution_of(resolutions[row]) if resolutions else None, ssnr)
    return numbers


def solvent_mask_name(optimiser_star: str) -> Optional[str]:
    """Return the mask that an optimiser STAR file names, as it is written; None without a mask or such a file."""
    blocks = _blocks(optimiser_star, _OF_OPTIMISER)
    name = next(iter(_column(blocks, "optimiser_general", "rlnSolventMaskName")), "")
    return None if name in ("", "None") else name


def _blocks(star: str, wanted: Pattern[str]) -> Mapping[str, str]:
    """Return the text of the blocks of a STAR file whose names match a pattern, by name; empty if it cannot be read.

    The STAR reader takes the first block whose name begins with the name that it looks for, so that model_class may
    find model_classes: it gets each block on its own.
    """
    texts: Dict[str, List[str]] = {}
    block: Optional[List[str]] = None
    try:
        with open(star, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("data_"):
                    name = line.strip()[len("data_") :]
                    block = texts.setdefault(name, []) if wanted.fullmatch(name) else None
                if block is not None:
                    block.append(line)
    except OSError:
        return {}
    return {name: "".join(lines) for name, lines in texts.items()}


def _column(blocks: Mapping[str, str], block: str, label: str) -> List[str]:
    """Return the values below a label of a block, as texts; empty if the block or the label is missing."""
    if block not in blocks:
        return []
    table = Table()
    try:
        table.readStar(io.StringIO(blocks[block]), tableName=block, guessType=False)
        return table.getColumnValues(label)
    except Exception:  # the reader raises errors of many kinds; a missing number is no error
        return []
