# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the STAR files that RELION writes beside a class map: numbers of each class, the files that they name."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from typing import Dict, Optional, Tuple

from relion_files import iteration
from relion_files.model_star import read_model_star
from relion_files.project import named_files
from relion_files.star import StarError

logger = logging.getLogger(__name__)


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
        number, model_star = iteration.class_number(path), iteration.model_star_of(path)
        if number is not None and model_star is not None and os.path.exists(model_star):
            return model_star, number
    return None


def optimiser_star_of(model_star: str) -> str:
    """Return the path of the optimiser STAR file of the same iteration; it may not exist."""
    return iteration.star_beside(model_star, "optimiser")


def read_class_numbers(model_star: str) -> Dict[int, ClassNumbers]:
    """Return the numbers of the classes in a model STAR file, by class number.

    A number that is missing, NaN or infinite is None; a file that cannot be read has no class.
    """
    try:
        model = read_model_star(model_star)
    except StarError as error:
        logger.warning("%s", error)
        return {}
    return {
        number: ClassNumbers(model.resolution(row), model.signal_to_noise(number))
        for row, number in enumerate(model.numbers)
    }


def find_in_optimiser(model_star: str, name: str) -> Optional[str]:
    """Return the path of a file, such as a mask, that the optimiser STAR file beside a model STAR file names.

    The class maps lie beside these files. None if the named file does not exist.

    Raises
    ------
    StarError
        As `NamedFiles.find_of_job`.
    """
    try:
        names = read_model_star(model_star).names
    except StarError:
        names = []
    maps = {name: os.path.join(os.path.dirname(model_star), os.path.basename(name)) for name in names}
    return replace(named_files(model_star, names), star=optimiser_star_of(model_star)).find_of_job(name, maps)
