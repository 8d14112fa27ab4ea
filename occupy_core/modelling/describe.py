# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe the occupancy of a model in words, from its part of report.json, for RELION, Scipion and the PDF."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence

Report = Mapping[str, Any]

_LISTED_PARTS = 40  # lines; the tables and report.json have all parts
_NAMED_WHOLE = 6
UNKNOWN = "–"  # in place of a number


def one_means(whole: Sequence[str], is_given: bool) -> str:
    """Say what an occupancy of 1 stands for.

    Parameters
    ----------
    whole : sequence of str
        Names of the parts that count as fully occupied.
    is_given : bool
        Whether the user named them.
    """
    names = ", ".join(whole[:_NAMED_WHOLE]) + (f" and {len(whole) - _NAMED_WHOLE} more" * (len(whole) > _NAMED_WHOLE))
    if is_given:
        return f"1 is the density of {names}, as the setting model_whole says"
    return (
        f"1 is the density of the best occupied parts ({names}). A map cannot show whether anything is there in every "
        "particle: all occupancies may be too high by one common factor"
    )


def model_lines(report: Report) -> List[str]:
    """Describe the occupancies: a line for each part, what 1 stands for, and which parts differ between maps.

    Parameters
    ----------
    report : mapping
        The model's part of report.json.
    """
    parts = report["parts"]
    lines = [part_text(part) for part in parts[:_LISTED_PARTS]]
    more = len(parts) - len(lines)
    lines += [f"and {more} more parts"] if more else []
    lines.append(report["one_means"])
    return [*lines, *difference_lines(report), correlation_text(report)]


def correlation_text(report: Report) -> str:
    """Say how well the fitted model agrees with the maps, and where it lies."""
    several = len(report["maps"]) > 1
    values = [f"{item['correlation']:.2f}" + f" in {item['name']}" * several for item in report["maps"]]
    return (
        f"correlation of the fitted model with the map, from 30 to 10 Å or {report['finest_angstrom']:.3g} Å: "
        f"{', '.join(values)}; frame of the model: {report['frame']}"
    )


def part_text(part: Report) -> str:
    """Describe one part in a line: residues, mass, occupancies with their 90 % intervals, and local scale by map."""
    occupancies = part["occupancies"]
    if len(occupancies) == 1:
        values = interval_text(occupancies[0])
    else:
        values = ", ".join(f"{interval_text(item)} in {item['name']}" for item in occupancies)
    text = f"{part['name']} ({part['residues']}; {part['mass_kilodalton']:.1f} kDa): occupancy {values}"
    of_all = part["occupancy_of_all_particles"]
    text += "" if of_all is None else f"; {of_all:.2f} of all particles"
    scales = [scale_text(item) for item in occupancies]
    return text if set(scales) == {UNKNOWN} else f"{text}; local scale {', '.join(scales)}"


def scale_text(occupancy: Report) -> str:
    """Return the median local scale at the atoms of a part; a dash where it is unknown, as in earlier reports."""
    value = occupancy.get("local_scale")
    return UNKNOWN if value is None else f"{value:.2f}"


def difference_lines(report: Report) -> List[str]:
    """Say which parts differ between maps by more than noise explains; empty for one map."""
    if len(report["maps"]) < 2:
        return []
    if not report["differences"]:
        return ["no part of the model differs between the maps by more than noise explains"]
    return [
        f"{item['part']} differs by {item['difference']:.2f} ({item['low']:.2f}-{item['high']:.2f}): least occupied in "
        f"{item['lowest']}, most in {item['highest']}"
        for item in report["differences"]
    ]


def interval_text(occupancy: Report) -> str:
    """Return an occupancy with its 90 % interval; "not shown" where the map does not show the part."""
    if occupancy["occupancy"] is None:
        return "not shown"
    return f"{occupancy['occupancy']:.2f} ({occupancy['low']:.2f}-{occupancy['high']:.2f})"
