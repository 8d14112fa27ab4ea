# SPDX-License-Identifier: GPL-3.0-or-later
"""Divide the particles of a classification by its regions: the classes that have a region, and those that have not.

Of more than ten classes, the particles are divided by the parts that come and go. Ours, not in the published program.
Works on the part of report.json on the comparison or on the ensemble; the hosts write the particles.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from occupy_core.comparing.reference_name import relative_to
from occupy_core.settings.classification import HAS_REGION, is_in_between

Report = Mapping[str, Any]

SIDES = ("with", "without")

# Classes that a sentence names; of more, it gives the number.
_MOST_NAMED = 10

# Returns the name of the particles on a side of a region or part, by its number.
NameOf = Callable[[str, int], str]


class Member(NamedTuple):
    """A class that was compared: its name, its number, how many particles it has (None where that is not known)."""

    name: str
    number: int
    particles: Optional[int]


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
    members = [Member(item["name"], item["number"], item["particles"]) for item in report["maps"]]
    report["particles_not_divided"] = list(others)
    for region in report["regions"]:
        if region["sure"]:
            values = [item["occupancy"] for item in region["occupancies"]]
            region["particles"] = _groups(region["number"], members, values, name_of)


def add_particle_groups_of_parts(
    report: Dict[str, Any], members: Sequence[Member], name_of: NameOf, others: Sequence[str] = ()
) -> None:
    """Add to each part that comes and goes which classes have it, as `add_particle_groups` does for regions.

    Parameters
    ----------
    report : dict
        The ensemble's part of report.json; it and its parts get what a comparison and its regions get.
    members : sequence of Member
        The classes, in the order of the report's "volumes".
    name_of, others
        As in `add_particle_groups`.
    """
    report["particles_not_divided"] = list(others)
    present = [part for part in report["parts"] if not part["moves"]]
    for index, part in enumerate(present):
        values = [volume["occupancies"][index][1] for volume in report["volumes"]]
        part["particles"] = _groups(part["number"], members, values, name_of)


def particle_names(report: Report) -> List[str]:
    """Return the names of the particles with and without each region or part, in their order."""
    return [group["name"] for _, _, group in particle_groups(report)]


def particle_groups(report: Report) -> List[Tuple[int, str, Report]]:
    """Return the number of the region or part, the side ("with", "without") and the group, where it has particles."""
    return [
        (item["number"], side, item["particles"][side])
        for item in _divided(report)
        for side in SIDES
        if item["particles"][side]["name"]
    ]


def particle_lines(report: Report) -> List[str]:
    """Say in a line for each region or part where its particles are, and which classes are in between."""
    divided, reference = _divided(report), relative_to(report) if _has_regions(report) else ""
    lines = [_line(item, unit_of(report), reference, _occupancies(report, item)) for item in divided]
    others = report.get("particles_not_divided")
    if lines and others:
        was = "it was" if len(others) == 1 else "they were"
        lines.append(f"the particles of {_joined(others)} are in none of these: {was} not compared")
    return lines


def classes_text(group: Report) -> str:
    """Name the classes of a group, or say how many there are."""
    names: List[str] = group["classes"]
    return _joined(names) if len(names) <= _MOST_NAMED else f"{len(names)} classes"


def unit_of(report: Report) -> str:
    """Return what the particles of a comparison or ensemble are divided by: "region" or "part"."""
    return "region" if _has_regions(report) else "part"


def _has_regions(report: Report) -> bool:
    return "regions" in report


def _divided(report: Report) -> List[Report]:
    """Return the regions or parts by which the particles were divided."""
    return [item for item in report["regions" if _has_regions(report) else "parts"] if item.get("particles")]


def _groups(number: int, members: Sequence[Member], occupancies: Sequence[float], name_of: NameOf) -> Dict[str, Any]:
    chosen: Dict[str, List[Member]] = {side: [] for side in SIDES}
    for member, occupancy in zip(members, occupancies):
        chosen["with" if occupancy >= HAS_REGION else "without"].append(member)
    groups: Dict[str, Any] = {}
    for side, items in chosen.items():
        counts = [item.particles for item in items]
        total = None if None in counts else sum(count or 0 for count in counts)
        groups[side] = {
            "classes": [item.name for item in items],
            "numbers": [item.number for item in items],
            "particles": total,
            "name": name_of(side, number) if items and total != 0 else None,
        }
    groups["mixed"] = [member.name for member, value in zip(members, occupancies) if is_in_between(value)]
    return groups


def _occupancies(report: Report, item: Report) -> Dict[str, float]:
    """Return the occupancy of a region or part in each class, by the name of the class."""
    if _has_regions(report):
        return {entry["name"]: entry["occupancy"] for entry in item["occupancies"]}
    index = [part["number"] for part in report["parts"] if not part["moves"]].index(item["number"])
    values = {volume["number"]: volume["occupancies"][index][1] for volume in report["volumes"]}
    groups = [item["particles"][side] for side in SIDES]
    return {name: values[number] for group in groups for name, number in zip(group["classes"], group["numbers"])}


def _line(item: Report, unit: str, reference: str, occupancies: Mapping[str, float]) -> str:
    number, groups = item["number"], item["particles"]
    relative = f", by occupancies relative to {reference}, which may be mixed itself" if reference else ""
    with_it, without_it = (_side_text(groups[side]) for side in SIDES)
    line = f"particles with {unit} {number}{relative}: {with_it}; without it: {without_it}"
    mixed: List[str] = groups["mixed"]
    if not mixed:
        return line
    named = [f"{name} ({occupancies[name]:.2f})" for name in mixed]
    text = _joined(named) if len(named) <= _MOST_NAMED else f"{len(named)} classes"
    are = "is" if len(mixed) == 1 else "are"
    its = "its" if len(mixed) == 1 else "their"
    return f"{line}; {text} {are} in between: only a part of {its} particles has the {unit}"


def _side_text(group: Report) -> str:
    if not group["name"]:
        return "no class"
    count: Optional[int] = group["particles"]
    known = "those" if count is None else f"{count:,}"
    return f"{known} of {classes_text(group)} ({group['name']})"


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
