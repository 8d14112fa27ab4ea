# SPDX-License-Identifier: GPL-3.0-or-later
"""Divide the particles of a classification by its regions: the classes that have a region, and those that have not.

Ours, not in the published program. Works on the comparison's part of report.json; the hosts write the particles.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from occupy_core.comparing.reference_name import relative_to
from occupy_core.settings.classification import HAS_REGION, is_in_between

Report = Mapping[str, Any]

SIDES = ("with", "without")

# Returns the name of the particles on a side of a region, by its number.
NameOf = Callable[[str, int], str]


def add_particle_groups(report: Dict[str, Any], name_of: NameOf, others: Sequence[str] = ()) -> None:
    """Add to each sure region of a comparison which classes have it, which have not, and which are in between.

    Parameters
    ----------
    report : dict
        The comparison's part of report.json. Each sure region gets "particles": by side ("with", "without") the
        "classes" by name, their "numbers", the number of their "particles" (None where it is not known) and the "name"
        of the host's file or output, None for a side without particles; "mixed" names the classes of an occupancy
        between 0.2 and 0.8. The report gets "particles_not_divided", the names in `others`.
    name_of : callable
        Returns the name of the host's file or output: called with the side and the number of the region.
    others : sequence of str
        Names of the classes that were not compared, and so are on neither side.
    """
    report["particles_not_divided"] = list(others)
    for region in report["regions"]:
        if region["sure"]:
            region["particles"] = _groups(region, report["maps"], name_of)


def particle_names(report: Report) -> List[str]:
    """Return the names of the particles with and without each region, in the order of the regions."""
    return [group["name"] for _, _, group in particle_groups(report)]


def particle_groups(report: Report) -> List[Tuple[int, str, Report]]:
    """Return the number of the region, the side ("with", "without") and the group, of all groups with particles."""
    return [
        (region["number"], side, region["particles"][side])
        for region in report["regions"]
        if region.get("particles")
        for side in SIDES
        if region["particles"][side]["name"]
    ]


def particle_lines(report: Report) -> List[str]:
    """Say in a line for each region where the particles with and without it are, and which classes are in between."""
    reference = relative_to(report)
    lines = [_region_line(region, reference) for region in report["regions"] if region.get("particles")]
    others = report.get("particles_not_divided")
    if lines and others:
        was = "it was" if len(others) == 1 else "they were"
        lines.append(f"the particles of {_joined(others)} are in none of these: {was} not compared")
    return lines


def _groups(region: Report, maps: Sequence[Report], name_of: NameOf) -> Dict[str, Any]:
    chosen: Dict[str, List[Report]] = {side: [] for side in SIDES}
    for item, occupancy in zip(maps, region["occupancies"]):
        chosen["with" if occupancy["occupancy"] >= HAS_REGION else "without"].append(item)
    groups: Dict[str, Any] = {}
    for side, items in chosen.items():
        counts = [item["particles"] for item in items]
        total = None if None in counts else sum(counts)
        groups[side] = {
            "classes": [item["name"] for item in items],
            "numbers": [item["number"] for item in items],
            "particles": total,
            "name": name_of(side, region["number"]) if items and total != 0 else None,
        }
    groups["mixed"] = [item["name"] for item in region["occupancies"] if is_in_between(item["occupancy"])]
    return groups


def _region_line(region: Report, reference: str) -> str:
    number, groups = region["number"], region["particles"]
    relative = f", by occupancies relative to {reference}, which may be mixed itself" if reference else ""
    with_it, without_it = (_side_text(groups[side]) for side in SIDES)
    line = f"particles with region {number}{relative}: {with_it}; without it: {without_it}"
    if not groups["mixed"]:
        return line
    values = {item["name"]: item["occupancy"] for item in region["occupancies"]}
    mixed = _joined([f"{name} ({values[name]:.2f})" for name in groups["mixed"]])
    are = "is" if len(groups["mixed"]) == 1 else "are"
    its = "its" if len(groups["mixed"]) == 1 else "their"
    return f"{line}; {mixed} {are} in between: only a part of {its} particles has the region"


def _side_text(group: Report) -> str:
    if not group["name"]:
        return "no class"
    count: Optional[int] = group["particles"]
    known = "those" if count is None else f"{count:,}"
    return f"{known} of {_joined(group['classes'])} ({group['name']})"


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
