# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the model STAR file beside class maps tells of each class: its resolution and signal-to-noise ratios."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from relion_files import iteration
from relion_files.model_star import read_model_star
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


def numbers_of_maps(paths: Sequence[str]) -> List[ClassNumbers]:
    """Return the numbers of maps that lie beside RELION's STAR files; those of other maps are unknown.

    Parameters
    ----------
    paths : sequence of str
        Paths of class maps of any runs, and of other maps.
    """
    models: Dict[str, Dict[int, ClassNumbers]] = {}
    found = []
    for path in paths:
        model_star, number = model_star_of_map(path) or ("", 0)
        if model_star and model_star not in models:
            models[model_star] = read_class_numbers(model_star)
        found.append(models.get(model_star, {}).get(number, ClassNumbers()))
    return found


def model_star_of_map(class_map: str) -> Optional[Tuple[str, int]]:
    """Return the path of the model STAR file beside a class map and the number of the class; None without such a file.

    A link, as Scipion makes for imported classes, is followed to the folder of the map itself.
    """
    for path in (class_map, os.path.realpath(class_map)):
        number, model_star = iteration.class_number(path), iteration.model_star_of(path)
        if number is not None and model_star is not None and os.path.exists(model_star):
            return model_star, number
    return None


def read_class_numbers(model_star: str) -> Dict[int, ClassNumbers]:
    """Return the numbers of the classes in a model STAR file, by class number.

    A number that is missing, NaN or infinite is None; a file that cannot be read has no class.
    """
    try:
        model = read_model_star(model_star)
    except StarError as error:
        logger.info("%s", error)
        return {}
    return {
        number: ClassNumbers(model.resolution(row), model.signal_to_noise(number))
        for row, number in enumerate(model.numbers)
    }
