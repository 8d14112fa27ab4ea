# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the parts of a model as groups of occupancy refinement, for Refmac, servalcat and Phenix.

Refinement programs ask for starting occupancies, and keep one occupancy for each group. The syntax is that of Refmac's
keyword OCCUPANCY, which servalcat reads too (--keyword_file), and of Phenix's refine.occupancies.constrained_group.
"""

from __future__ import annotations

from typing import List, Sequence

import numpy as np

from occupy_core.modelling.atoms.atomic_model import AtomicModel, Residue
from occupy_core.modelling.atoms.groups import Group, Stretch, stretches_of

# Cycles of occupancy refinement that the keywords ask for.
_CYCLES = 5


def refmac_keywords(model: AtomicModel, groups: Sequence[Group]) -> str:
    """Return the keywords by which Refmac and servalcat refine one occupancy for each group."""
    lines = []
    for number, group in enumerate(groups, start=1):
        lines.append(f"! group {number}: {_one_line(group.name)}")
        for first, last in spans(model, group):
            residues = f"residue {_place(first)}"
            if first is not last:
                residues = f"residue from {_place(first)} to {_place(last)}"
            lines.append(f"occupancy group id {number} chain {first.chain} {residues}")
    return "\n".join([*lines, f"occupancy refine ncycle {_CYCLES}"]) + "\n"


def phenix_parameters(model: AtomicModel, groups: Sequence[Group]) -> str:
    """Return the parameters by which Phenix refines one occupancy for each group."""
    lines = ["refinement {", "  refine {", "    strategy = *individual_sites *individual_adp *occupancies"]
    lines.append("    occupancies {")
    for group in groups:
        parts = [_phenix_selection(first, last) for first, last in spans(model, group)]
        if not parts:
            continue
        lines += [
            f"      # {_one_line(group.name)}",
            "      constrained_group {",
            f"        selection = {' or '.join(parts)}",
            "      }",
        ]
    return "\n".join([*lines, "    }", "  }", "}"]) + "\n"


def spans(model: AtomicModel, group: Group) -> List[Stretch]:
    """Return the first and last residue of each stretch of residues of which a group consists.

    Residues with alternative locations are left out: one occupancy for all atoms would give each alternative that of
    the whole group.
    """
    every = np.unique(model.residue_of_atom[group.atoms])
    return stretches_of(model, np.array([n for n in every if not model.residues[n].has_alternatives], dtype=int))


def _phenix_selection(first: Residue, last: Residue) -> str:
    residues = f"resid {_place(first)}"
    if first is not last:
        residues = f"resid {_place(first)} through {_place(last)}"
    return f"(chain {first.chain} and {residues})"


def _place(residue: Residue) -> str:
    return f"{residue.number}{residue.insertion}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
