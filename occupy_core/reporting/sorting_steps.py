# SPDX-License-Identifier: GPL-3.0-or-later
"""Say if a part or region is still mixed in the classes, and what to do: sort its particles, or select a class."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from occupy_core.reporting import scipion_names
from occupy_core.settings.classification import HAS, HAS_REGION, PARTICLES, SUBTOMOGRAMS, is_in_between

Report = Mapping[str, Any]

# Å from the centre of a molecule where a turn counts as a shift: tells which of several poses lies nearest. Ours.
_ARM = 50.0

SCIPION = "scipion"  # the host for which steps name outputs of protocols; any other is RELION

CENTRE_NOT = "'Do center subtracted images on mask?' No"  # a field of RELION's form, and of Scipion's

# From subtracted particles to the original ones, in RELION (labels of 3.1 to 5) and in Scipion, whose plugin for RELION
# does not revert.
_WAY_BACK = (
    "(if the particles were subtracted) Particle subtraction with 'OR revert to original particles?' Yes and {}, which "
    "writes original.star",
    "(if the particles were subtracted) the protocol subset with the particles from before the subtraction as Full set "
    "of items and {} as Other set",
)

_FURTHER = "to look for further differences: a focused classification with"

# Scipion starts a scheduled protocol when all its inputs exist, and ends the wait in no other way.
_NO_REGION_MASK = (
    f"no region is sure, so there is no {scipion_names.REGION_MASK.format(1)}: protocols that use it cannot start, and "
    "wait without end where they are scheduled; choose Stop from on the first of them"
)


@dataclass(frozen=True)
class Sortable:
    """A part of a fitted model or a sure region of a comparison.

    Attributes
    ----------
    name : str
        Its name in a sentence.
    mask : str or None
        Its mask, as the host names it; None where none was written.
    occupancies : sequence of mapping
        Report of its occupancy in each map: "name", "low", "occupancy" and "high", None where a map does not show it.
    weights : mapping of str to float
        Weight of each map by name, such as the number of its particles; 1 for a map without one.
    particles : str or None
        The particles of the classes that have it, as the host names them; None where they were not written.
    averages_of : str
        "particles" or "subtomograms", which the maps are averages of.
    relative_to : str
        The class that the occupancies are relative to, after a focused classification; empty where they are not.
    is_region : bool
        Whether it is a sure region.
    reference : str
        The map in whose pose the mask lies, as the host names it; empty where that is not known.
    in_other_poses : sequence of str
        Names of the classes that are in another pose than the mask.
    are_classes : bool
        Whether the maps are classes of a classification; otherwise nothing is known of their particles.
    """

    name: str
    mask: Optional[str]
    occupancies: Sequence[Report]
    weights: Mapping[str, float]
    particles: Optional[str] = None
    averages_of: str = PARTICLES
    relative_to: str = ""
    is_region: bool = False
    reference: str = ""
    in_other_poses: Sequence[str] = ()
    are_classes: bool = True

    @property
    def shown(self) -> List[Report]:
        """Occupancies in the maps that show it."""
        return [item for item in self.occupancies if item["occupancy"] is not None]

    @property
    def mixing(self) -> float:
        """Mean of occupancy x (1 - occupancy) over the particles, 0..0.25: the variance that sorting can remove.

        Of several classes, one counts as 0 if nearly all its particles lack it or nearly all have it
        (`is_in_between`). A map that shows a part of a model also counts as 0 if the 90 % interval of the occupancy
        reaches 0 or 1; a sure region differs between the classes, so its occupancies alone tell, as they do in the log.
        """
        several, total, weights = len(self.shown) > 1, 0.0, 0.0
        for item in self.shown:
            value, weight = item["occupancy"], self.weights.get(item["name"], 1.0)
            mixed = is_in_between(value) if several else True
            mixed = mixed and (self.is_region or (item["low"] > 0 and item["high"] < 1))
            total += weight * value * (1 - value) if mixed else 0.0
            weights += weight
        return total / weights if weights else 0.0

    @property
    def is_clear(self) -> bool:
        """Whether nearly all particles have it in each of the classes that count as having it."""
        return not any(HAS_REGION <= item["occupancy"] < HAS for item in self.shown)

    @property
    def lowest(self) -> float:
        """Lowest occupancy in a map."""
        return min(item["occupancy"] for item in self.shown)

    @property
    def classes_with_it(self) -> List[str]:
        """Names of the classes in which nearly all particles have it; else of the class with the highest occupancy."""
        full = [item["name"] for item in self.shown if item["occupancy"] >= HAS]
        return full or [max(self.shown, key=lambda item: item["occupancy"])["name"]]


def class_weights(maps: Sequence[Report]) -> Mapping[str, float]:
    """Return the share of the particles, or else their number, by the name of the map; none unless all are known.

    Parameters
    ----------
    maps : sequence of mapping
        "maps" of a comparison or of a model in report.json.
    """
    for key in ("share", "particles"):
        if all(item.get(key) is not None for item in maps):
            return {item["name"]: item[key] for item in maps}
    return {}


def averages_of(report: Report) -> str:
    """Return what the maps are averages of: "particles" or "subtomograms"; particles in reports of earlier versions."""
    return report["job"].get("averages_of", PARTICLES)


def sortable_parts(report: Report, host: str, folder: str) -> List[Sortable]:
    """Return the parts of the model that a map shows, with their masks as the host names them."""
    model = report["model"]
    masked = [part["name"] for part in model["parts"] if part["mask"]]
    weights, reference = class_weights(model["maps"]), _map_in_pose_of_model(model, host)
    items = []
    for part in model["parts"]:
        mask = part["mask"] and os.path.join(folder, part["mask"])
        if mask and host == SCIPION:
            mask = scipion_names.PART_MASK.format(masked.index(part["name"]) + 1)
        occupancies, kind = part["occupancies"], averages_of(report)
        items.append(Sortable(part["name"], mask, occupancies, weights, averages_of=kind, reference=reference))
    return [item for item in items if item.shown]


def _map_in_pose_of_model(model: Report, host: str) -> str:
    """Return the map that lies nearest to the pose of the model, in which the masks of its parts lie."""
    shown = {item["name"] for part in model["parts"] for item in part["occupancies"] if item["occupancy"] is not None}
    moves = [
        (item["shift_angstrom"] + _ARM * math.radians(item["rotation_degrees"]), number)
        for number, item in enumerate(model["maps"])
        if item["name"] in shown and item.get("shift_angstrom") is not None
    ]
    return map_text(model["maps"][min(moves)[1]], host) if moves else ""


def map_text(item: Report, host: str) -> str:
    """Return a map as a step names it; `item` has its "name" and "input"."""
    named = f"the map of {item['name']}"
    return named if host == SCIPION else f"{named} ({item['input']})"


def sorting_steps(items: Sequence[Sortable], host: str, *, focused: bool) -> List[str]:
    """Return a step for each part or region, those that are mixed first.

    A mixed one whose particles were written gets a second step, if these nearly all have it. The masks of the others
    are named too.

    After a focused classification (`focused`), the particles of mixed ones are classified again, and each is followed
    by the selection of the classes that have it: a second subtraction of the same particles gains nothing.
    """
    mixed, others = split_by_mixing(items)
    if focused:
        again = [_again_step(item) for item in mixed]
        return again + [select_step(item, host, focused=True) for item in (*mixed, *others)]
    steps = [sort_step(item, host) for item in mixed if item.mask]
    clear = [item for item in mixed if item.particles and item.is_clear]
    steps += [select_step(item, host) for item in (*clear, *others)]
    masks = [item.mask for item in others if item.mask]
    if not masks:
        return steps
    moved = any(item.in_other_poses for item in others)
    refined = f", of {others[0].averages_of} refined against {others[0].reference}: {_poses_text(others[0])}"
    return [*steps, f"{_FURTHER} {' or '.join(masks)} as Reference mask{refined if moved else ''}"]


def split_by_mixing(items: Sequence[Sortable]) -> Tuple[List[Sortable], List[Sortable]]:
    """Return the items that are mixed in a class, the most mixed and then the least occupied first, and the others."""
    mixed = sorted((item for item in items if item.mixing > 0), key=lambda item: (-round(item.mixing, 6), item.lowest))
    return mixed, [item for item in items if not item.mixing > 0]


def sort_step(item: Sortable, host: str) -> str:
    """Return how the particles are sorted by a part or region, with its mask.

    Subtomograms are classified as they are: subtraction from them was not tried. Both hosts move subtracted particles
    to the centre of the mask by default: masks and references then lie elsewhere.
    """
    what, mask = item.name, item.mask
    refine = ""
    if item.in_other_poses:
        refine = (
            f"3D auto-refine of all {item.averages_of} with {item.reference} as reference ({_poses_text(item)}), then "
        )
    if item.averages_of == SUBTOMOGRAMS:
        return subtomogram_step(what, str(mask), refine)
    where_it_is = f"with {mask} as mask of the signal to keep and {CENTRE_NOT}"
    of_classes = len(item.occupancies) > 1
    if host == SCIPION:
        reference = item.reference or ("a map of these classes" if of_classes else "this map")
        of_these = " of the refined particles" if refine else ""
        return (
            f"to sort the particles by {what}: {refine}subtract projection{of_these} {where_it_is}, then RELION's 3D "
            f"classification without alignment, with {reference} as reference and Reference mask {mask}"
        )
    source, reference = "classification", item.reference or "a class map of the classification"
    if not of_classes:
        source, reference = "refinement of this map (its run_optimiser.star)", "this map"
    if not item.are_classes:
        source = "refinement of all particles"
    source = "that refinement (its run_optimiser.star)" if refine else f"the {source}"
    return (
        f"to sort the particles by {what}: {refine}a Subtract job {where_it_is}, on {source}, then Class3D of its "
        f"particles_subtracted.star without alignment, with {reference} as Reference map and Reference mask {mask}"
    )


def _poses_text(item: Sortable) -> str:
    """Say why particles must be refined against the map in whose pose a mask lies."""
    are = "is" if len(item.in_other_poses) == 1 else "are"
    return f"{' and '.join(item.in_other_poses)} {are} in another pose than the mask"


def _again_step(item: Sortable) -> str:
    """Return how the particles are sorted further after a focused classification."""
    return (
        f"to sort the {item.averages_of} by {item.name} further: classify them again within the mask of this "
        "classification, with more classes or iterations"
    )


def subtomogram_step(what: str, mask: str, refine: str = "") -> str:
    """Return how subtomograms are sorted by a part or region; `refine` names what is to be done before, if anything."""
    return (
        f"to sort the subtomograms by {what}: {refine}a 3D classification of them without alignment, Reference mask "
        f"{mask}"
    )


def select_step(item: Sortable, host: str, *, focused: bool = False) -> str:
    """Return how the particles of the classes that have a part or region are selected, or named, and refined.

    After a focused classification, the way from subtracted particles back to the original ones is named too.
    """
    start = f"to refine the {item.averages_of} that have {item.name}"
    if item.particles and not focused:
        return f"{start}: 3D auto-refine of {item.particles}"
    in_scipion, classes = host == SCIPION, " and ".join(item.classes_with_it)
    if not item.are_classes:
        select, chosen = f"the particles of {classes}, from the program that made these maps", "these particles"
    elif item.particles:
        select, chosen = item.particles, "that output" if in_scipion else "that file"
    elif in_scipion:
        select = (
            f"a subset of the {item.averages_of} of {classes} (Analyze results of the classification, Create subset)"
        )
        chosen = "that subset"
    else:
        select, chosen = f"Subset selection of {classes} of the classification", "the particles.star of that selection"
    may_be_subtracted = focused and item.averages_of == PARTICLES
    back = f", then {_WAY_BACK[in_scipion].format(chosen)}" if may_be_subtracted else ""
    caveat = f"; check first: {item.relative_to} may hold {item.averages_of} without it" if item.relative_to else ""
    return f"{start}: {select}{back}, then 3D auto-refine{caveat}"


def no_mask_steps(report: Report) -> List[str]:
    """Return what becomes of Scipion's protocols that use the mask of a region, without a sure one."""
    from occupy_core.comparing.describe import sure_regions  # not for one map

    if not report["job"]["compare"] or report.get("ensemble"):
        return []
    return [] if report["comparison"] and sure_regions(report["comparison"]) else [_NO_REGION_MASK]
