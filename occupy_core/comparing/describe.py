# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe a comparison of classes in words, from its part of report.json, for RELION, Scipion and the PDF."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence

from occupy_core.comparing.particle_groups import particle_lines
from occupy_core.comparing.reference_name import reference_map, relative_to

Report = Mapping[str, Any]

# Unsure regions that texts list; the tables and report.json have all of them.
_LISTED_UNSURE = 8

_UNSURE_HEADING = "unsure, without a mask:"


def one_means(reference: str, *, focused: bool = False) -> str:
    """Say what an occupancy of 1 stands for.

    Parameters
    ----------
    reference : str
        Name of the reference class.
    focused : bool
        Whether the classification was done within a mask around a part of the molecule.
    """
    if focused:
        return (
            f"1 is the density of {reference} within the mask of the classification: all occupancies are relative to "
            f"{reference}, which may itself hold particles without a region, and may be too high by one common factor"
        )
    return (
        f"1 is the density of {reference} where it is most complete. The maps cannot show whether anything is there in "
        "every particle: all occupancies may be too high by one common factor"
    )


def comparison_lines(report: Report) -> List[str]:
    """Describe a comparison: a line for each sure region, and lines on what the numbers mean and on unsure regions.

    Parameters
    ----------
    report : mapping
        The comparison's part of report.json.
    """
    sure = sure_regions(report)
    regions = [region_text(region, relative_to(report)) for region in sure]
    if other_molecules_text(report):
        return [other_molecules_text(report), *regions, *comparison_notes(report)]
    if not sure:
        return [no_region_text(report), *comparison_notes(report)]
    return [*regions, *comparison_notes(report)]


def comparison_notes(report: Report) -> List[str]:
    """Return what a chart of the occupancies does not show.

    That is what 1 stands for, changes, the signed difference of two classes, where the particles with and without each
    region are, and the unsure regions.

    Parameters
    ----------
    report : mapping
        The comparison's part of report.json.
    """
    meaning = [report["one_means"]] if report["one_means"] and report["regions"] else []
    changes = _change_lines(report["regions"])
    return [*meaning, *changes, *difference_lines(report), *particle_lines(report), *_unsure_lines(report["regions"])]


def no_region_text(report: Report) -> str:
    """Say that classes do not differ, by the names of the classes in the comparison's part of report.json."""
    names = ", ".join(item["name"] for item in report["maps"])
    region = "sure region" if report["regions"] else "region"
    return f"no {region} where {names} differ by more than noise explains"


def other_molecules_text(report: Report) -> str:
    """Say which maps do not show the molecule of the reference class; empty if all do, and for earlier reports."""
    others = report.get("other_molecules")
    if not others:
        return ""
    reference = reference_map(report)["name"]
    return (
        f"the maps do not show one molecule in one pose ({', '.join(others)} against {reference}): their occupancies "
        "cannot be compared"
    )


def sure_regions(report: Report) -> List[Report]:
    """Return the sure regions in the comparison's part of report.json."""
    return [region for region in report["regions"] if region["sure"]]


def region_text(region: Report, reference: str = "") -> str:
    """Describe a region in one line: size, and occupancies with their 90 % intervals.

    Parameters
    ----------
    region : mapping
        An item of "regions" in the comparison's part of report.json.
    reference : str
        The class that the occupancies are relative to (`relative_to`); empty where they are not.
    """
    occupancies = ", ".join(
        f"{_with_interval(item['occupancy'], item['low'], item['high'])} in {item['name']}"
        for item in region["occupancies"]
    )
    relative = f"relative to {reference}, " if reference else ""
    text = f"region {region['number']}: {region['volume_cubic_angstrom']:,.0f} Å^3; {relative}occupancy {occupancies}"
    of_all = region["occupancy_of_all_particles"]
    if of_all is None:
        return text
    low, high = (region[f"occupancy_of_all_particles_{end}"] for end in ("low", "high"))
    mean = _with_interval(of_all, low, high)
    return f"{text}; mean over all particles {mean}" if reference else f"{text}; {mean} of all particles"


def difference_lines(report: Report) -> List[str]:
    """Describe the signed difference of two classes in one line; no line without one."""
    found = report.get("difference")
    if not found:
        return []
    (first, second), (more, less) = found["classes"], found["volumes_cubic_angstrom"]
    level = f"{found['shown_at_sigmas']:g} sigma"
    return [
        f"{first} minus {second} ({found['map']}): {more:,.0f} Å^3 above {level}, where {first} has more, and "
        f"{less:,.0f} Å^3 below -{level}, where {second} has more; from {found['lowest']:.1f} to "
        f"{found['highest']:.1f} sigma"
    ]


def region_note(region: Report) -> str:
    """Say in one line why a region is unsure, whether its part moved, and whether it is flexible; empty if none holds.

    Parameters
    ----------
    region : mapping
        An item of "regions" in the comparison's part of report.json.
    """
    notes = [f"unsure: {region['doubt']}"] if not region["sure"] else []
    if region["moved_with"] is not None:
        notes.append(f"one part that moved, with region {region['moved_with']}")
    if region["flexible"]:
        notes.append(_flexible_text(region))
    return "; ".join(notes)


def _change_lines(regions: Sequence[Report]) -> List[str]:
    """Name the sure regions that are one part in two places, and those that are flexible."""
    lines = []
    for region in regions:
        partner = region["moved_with"]
        if partner is not None and region["number"] < partner:
            lines.append(f"regions {region['number']} and {partner}: one part that moved")
    flexible = [region for region in regions if region["flexible"] and region["sure"]]
    return lines + [f"region {region['number']}: {_flexible_text(region)}" for region in flexible]


def _unsure_lines(regions: Sequence[Report]) -> List[str]:
    """List the first unsure regions with their reasons."""
    unsure = [region for region in regions if not region["sure"]]
    if not unsure:
        return []
    lines = [_unsure_text(region) for region in unsure[:_LISTED_UNSURE]]
    more = len(unsure) - len(lines)
    return [_UNSURE_HEADING, *lines, *([f"and {more} more"] if more else [])]


def _unsure_text(region: Report) -> str:
    """Describe an unsure region in one line: place, size, difference and reason."""
    x, y, z = region["centre_xyz_angstrom"]
    difference = _with_interval(region["difference"], region["difference_low"], region["difference_high"])
    return (
        f"region {region['number']}: {region['volume_cubic_angstrom']:,.0f} Å^3 at ({x:.0f}, {y:.0f}, {z:.0f}) Å, "
        f"occupancies differ by {difference}; {region['doubt']}"
    )


def _flexible_text(region: Report) -> str:
    lowest = min(region["occupancies"], key=lambda item: item["occupancy"])
    return f"flexible rather than missing in {lowest['name']}"


def _with_interval(value: float, low: Any, high: Any) -> str:
    """Return a value and its interval; reports of earlier versions have no interval."""
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} ({low:.2f}-{high:.2f})"
