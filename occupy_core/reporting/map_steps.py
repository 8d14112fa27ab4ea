# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what the modified maps and the subtraction masks of a job are for."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping

from occupy_core.reporting import scipion_names
from occupy_core.reporting.sorting_steps import CENTRE_NOT, SCIPION, averages_of
from occupy_core.settings.classification import PARTICLES
from occupy_core.settings.output_names import MAP_OUTPUTS, SUBTRACTION_MASKS

Report = Mapping[str, Any]

# The next step with each kind of modified map.
_MODIFIED_FOR = {
    "amplified": "to build weak parts into the map: take {}; refine and classify with the unmodified map",
    "attenuated": "to see what is fully occupied: open {}; weak parts are missing in it, so do not build into it",
    "sigmoid": "to see the parts above the pivot without the weaker ones: open {}; build into the unmodified map",
    "solvent_excluded": "to look at the map without solvent: open {}; refine and classify with the unmodified map",
}


def map_steps(report: Report, host: str, folder: str) -> List[str]:
    """Return the steps that modified maps and subtraction masks are for."""
    first = report["maps"][0]
    names: Dict[str, str] = {}
    for kind in (*_MODIFIED_FOR, *SUBTRACTION_MASKS.values()):
        if kind in first["outputs"]:
            names[kind] = scipion_names.MAP_NAMES[kind][bool(first["prefix"])]
            if host != SCIPION:
                names[kind] = os.path.join(folder, first["outputs"][kind])
    steps = [text.format(names[kind]) for kind, text in _MODIFIED_FOR.items() if kind in names]
    masks = [name for kind, name in names.items() if MAP_OUTPUTS[kind].is_mask]
    if masks and averages_of(report) == PARTICLES:  # not tried with subtomograms
        job = "subtract projection" if host == SCIPION else "a Subtract job"
        steps.append(
            f"to subtract weak parts from the particles: {job} with {masks[0]} as mask of the signal to keep and "
            f"{CENTRE_NOT}"
        )
    return steps
