# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the files that RELION's STAR files beside a class map name."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Optional

from relion_files import iteration
from relion_files.model_star import read_model_star
from relion_files.project import named_files
from relion_files.star import StarError


def optimiser_star_of(model_star: str) -> str:
    """Return the path of the optimiser STAR file of the same iteration; it may not exist."""
    return iteration.star_beside(model_star, "optimiser")


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
