# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the list of class maps that a user means by a file of a RELION project."""

from __future__ import annotations

import os
from typing import Optional

from relion_files.iteration import hint_text, is_of_half, model_star_of, refined_maps
from relion_files.project import named_files
from relion_files.star import StarError, read_star, shown

_REFERENCES = "rlnReferenceImage"
_PARTICLES_OF_SET = "rlnTomoParticlesFile"  # in an optimisation set of RELION 5
# Columns of the tables of this program that name its own outputs as references.
_OWN_COLUMNS = ("occupyInputMap", "occupyRegionNumber")
# For STAR files that are no list of class maps: what they are.
_KINDS = {
    "rlnJobTypeLabel": "holds the settings of a job",
    "rlnJobType": "holds the settings of a job",
    "rlnPipeLineProcessName": "holds the jobs of a project",
    "rlnPipeLineJobCounter": "holds the jobs of a project",
    "rlnFinalResolution": "holds the result of a PostProcess job, which is of one map",
    "rlnImageName": "lists particles without their class maps",
    "rlnMicrographMovieName": "lists movies",
    "rlnMicrographName": "lists micrographs",
    "rlnTomoName": "lists tomograms",
}

_EXPECTED = (
    "expected a file of a Class3D job: its run_itNNN_data.star, _model.star, _optimiser.star or a class map (the "
    "particles of a Select job no longer name their class maps), or a STAR file that lists maps as rlnReferenceImage"
)


def star_with_references(path: str) -> str:
    """Return the path of the STAR file that lists the maps which a file of a project stands for.

    Parameters
    ----------
    path : str
        A STAR file or class map of an iteration: its model STAR file is returned. A STAR file that lists references,
        such as the class_averages.star of a Select job: itself. An optimisation set: what its particles lead to.

    Raises
    ------
    StarError
        If the file does not exist or leads to no list of references; the message names files that do, where there are
        some.
    """
    if not os.path.exists(path):
        raise StarError(f"{path}: no such file{_hint(path)}")
    if os.path.isdir(path):
        raise _error(path, "is a folder")
    model_star = model_star_of(path)
    if model_star is not None and is_of_half(model_star):
        raise _of_refinement(path, "is of one half of the particles of a 3D auto-refinement")
    if model_star is not None and os.path.exists(model_star):
        return model_star
    if refined_maps(os.path.dirname(path)) and model_star is not None:
        raise _of_refinement(path, "is of an iteration of a 3D auto-refinement")
    if not path.lower().endswith(".star"):
        raise _error(path, _without_model(model_star))
    tables = read_star(path, frozenset((_REFERENCES, _PARTICLES_OF_SET, *_OWN_COLUMNS, *_KINDS))).values()
    labels = {label for table in tables for label in table.columns}
    if labels & set(_OWN_COLUMNS):
        raise _error(path, "is a table of this program, which lists its outputs")
    if _REFERENCES in labels:
        return path
    if _PARTICLES_OF_SET in labels:
        names = [name for table in tables for name in table.columns.get(_PARTICLES_OF_SET, ())]
        return _of_optimisation_set(path, names[0] if names else "")
    kinds = [text for label, text in _KINDS.items() if label in labels]
    raise _error(path, kinds[0] if kinds and model_star is None else _without_model(model_star))


def _of_optimisation_set(path: str, name: str) -> str:
    """Return the model STAR file beside the particles that an optimisation set names."""
    particles = named_files(path, [name]).find(name)
    if particles is None:
        raise _error(path, f"names the particles {shown(name)}, which do not exist")
    model_star = model_star_of(particles)
    if model_star is None or not os.path.exists(model_star):
        raise _error(path, f"names the particles {shown(name)}, which are not those of a classification")
    return model_star


def _of_refinement(path: str, problem: str) -> StarError:
    names = refined_maps(os.path.dirname(path))
    maps = " or ".join(os.path.join(os.path.dirname(path), name) for name in names) or "run_class001.mrc"
    return StarError(
        f"{path}: {problem} (Refine3D), which has no classes, expected a file of a 3D classification; for the "
        f"local scale of one map give {maps} with --in_3dref"
    )


def _without_model(model_star: Optional[str]) -> str:
    if model_star is None:
        return "is not named run_itNNN_data.star"
    return f"has no {os.path.basename(model_star)} in its folder"


def _error(path: str, problem: str) -> StarError:
    return StarError(f"{path}: {problem}, {_EXPECTED}{_hint(path)}")


def _hint(path: str) -> str:
    return hint_text(path, named_files(path, []).project or "")
