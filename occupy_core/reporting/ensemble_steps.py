# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what to do next after a comparison of many volumes."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Sequence

from occupy_core.reporting import scipion_names
from occupy_core.reporting.sorting_steps import CENTRE_NOT, SCIPION, averages_of, subtomogram_step
from occupy_core.settings.classification import SUBTOMOGRAMS, is_in_between
from occupy_core.settings.output_names import VOLUMES_TABLE

Report = Mapping[str, Any]


def ensemble_text(ensemble: Report) -> str:
    """Return what was found in one sentence; `ensemble` is the ensemble's part of report.json."""
    from occupy_core.ensembles.describe import found_text  # a job on few maps does not load it

    return found_text(ensemble)


def ensemble_steps(report: Report, host: str, folder: str) -> List[str]:
    """Return what to click or open next, a sentence each.

    Parameters
    ----------
    report : mapping
        Content of report.json.
    host : str
        "relion" or "scipion".
    folder : str
        Output folder, as the steps name it.
    """
    ensemble, in_scipion = report["ensemble"], host == SCIPION
    table = VOLUMES_TABLE if in_scipion else os.path.join(folder, VOLUMES_TABLE)
    place = " (in the run's extra folder)" if in_scipion else ""
    steps = [f"to pick volumes by what they hold: {table}{place}, a row for each volume"]
    present = [part for part in ensemble["parts"] if not part["moves"]]
    mixed = _still_mixed(ensemble, present)
    if mixed:
        first = mixed[0]
        name = scipion_names.PART_MASK.format(first["number"])
        mask = name if in_scipion else os.path.join(folder, first["mask"])
        subtract = "subtract projection" if in_scipion else "a Subtract job"
        classify = "RELION's 3D classification" if in_scipion else "Class3D"
        by_subtraction = (
            f"to sort the particles by part {first['number']}: {subtract} on a refinement of all particles, with "
            f"{mask} as mask of the signal to keep and {CENTRE_NOT}, then {classify} without alignment, Reference mask "
            f"{mask}"
        )
        of_subtomograms = averages_of(report) == SUBTOMOGRAMS
        steps.append(subtomogram_step(f"part {first['number']}", mask) if of_subtomograms else by_subtraction)
    for part in present:
        side = (part.get("particles") or {}).get("with")
        if side and side["name"]:
            named = side["name"] if in_scipion else os.path.join(folder, side["name"])
            what = averages_of(report)
            steps.append(f"to refine the {what} that have part {part['number']}: 3D auto-refine of {named}")
    moving = [str(part["number"]) for part in ensemble["parts"] if part["moves"]]
    if moving:
        steps.append(f"part {', '.join(moving)} moves: follow it by flexible refinement, not by its occupancy")
    return steps


def _still_mixed(ensemble: Report, present: Sequence[Report]) -> List[Report]:
    """Return the parts by which particles can be sorted: of classes, those that only some particles of a class have."""
    if ensemble.get("means_are_over") != "particles":
        return list(present)
    readings = [[volume["occupancies"][index][1] for volume in ensemble["volumes"]] for index in range(len(present))]
    return [part for part, values in zip(present, readings) if any(map(is_in_between, values))]
