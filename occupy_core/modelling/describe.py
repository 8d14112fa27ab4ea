# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe the occupancy of a model in words, from its part of report.json, for RELION, Scipion and the PDF."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence

Report = Mapping[str, Any]

_LISTED_PARTS = 40  # lines; the tables and report.json have all parts
_NAMED_WHOLE = 6
_SHORT_PARTS = 8  # parts in a line on a map
_LISTED_STRETCHES, _LISTED_REGIONS = 5, 12
STRETCHES = "least occupied stretches of 40 residues and more, with 90 % intervals"
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


def model_lines(report: Report, comparison: Optional[Report] = None) -> List[str]:
    """Describe the occupancies: a line for each part, what 1 stands for, and which parts differ between maps.

    Parameters
    ----------
    report : mapping
        The model's part of report.json.
    comparison : mapping, optional
        The comparison's part of report.json: a line says on which parts its regions lie.
    """
    parts = report["parts"]
    lines = [part_text(part) for part in parts[:_LISTED_PARTS]]
    more = len(parts) - len(lines)
    lines += [f"and {more} more parts"] if more else []
    lines.append(report["one_means"])
    stretches = stretch_lines(report)
    lines += [*difference_lines(report), *region_lines(comparison)]
    lines += [f"{STRETCHES}:", *stretches] if stretches else []
    return [*lines, correlation_text(report)]


def short_lines(report: Report) -> List[str]:
    """Describe the occupancies in a line for each map, the least occupied parts first, without intervals.

    Parameters
    ----------
    report : mapping
        The model's part of report.json.
    """
    lines = []
    for index, item in enumerate(report["maps"]):
        shown = [(part["occupancies"][index]["occupancy"], part["name"]) for part in report["parts"]]
        known = sorted((value, name) for value, name in shown if value is not None)
        texts = [f"{name} {value:.2f}" for value, name in known[:_SHORT_PARTS]]
        more = len(known) - len(texts)
        texts += [f"and {more} more parts"] if more else []
        lines.append(f"occupancies in {item['name']}, the least first: {', '.join(texts) or 'none'}")
    return [*lines, correlation_text(report)]


def correlation_text(report: Report) -> str:
    """Say at which detail the model was fitted, how well it agrees with the maps, and where it lies."""
    several = len(report["maps"]) > 1
    values = [f"{item['correlation']:.2f}" + f" in {item['name']}" * several for item in report["maps"]]
    return (
        f"model fitted to {report['finest_angstrom']:.3g} Å; correlation of the fitted model with the map, from 30 to "
        f"10 Å or to the finest detail: {', '.join(values)}; frame of the model: {report['frame']}"
    )


def stretch_lines(report: Report) -> List[str]:
    """Describe the least occupied stretches of chains, at most five; none in reports of earlier versions.

    Parameters
    ----------
    report : mapping
        The model's part of report.json.
    """
    several = len(report["maps"]) > 1
    stretches = report.get("least_occupied_stretches", [])
    lines = [
        f"{item['chain']} {item['first']}-{item['last']} ({item['residues']} residues)"
        + f" in {item['name']}" * several
        + f": occupancy {interval_text(item)}"
        for item in stretches[:_LISTED_STRETCHES]
    ]
    more = len(stretches) - len(lines)
    return [*lines, f"and {more} more, in report.json"] if more else lines


def region_lines(comparison: Optional[Report]) -> List[str]:
    """Say in one sentence how the sure regions of a comparison relate to the parts of the model; none without both.

    Parameters
    ----------
    comparison : mapping, optional
        The comparison's part of report.json.
    """
    regions = [item for item in (comparison or {}).get("regions", []) if item["sure"] and "parts" in item]
    if not regions:
        return []
    places = [_place_text(item) for item in regions[:_LISTED_REGIONS]]
    more = len(regions) - len(places)
    places += [f"and {more} more in report.json"] if more else []
    return [
        "regions are where the maps differ, found without the model, and parts are those of the model, each fitted as "
        f"a whole, so that their occupancies may differ: {'; '.join(places)}"
    ]


def _place_text(region: Report) -> str:
    """Say on which parts a region lies; reports of earlier versions do not know the share on the model."""
    if region["parts"]:
        return f"region {region['number']} lies on {', '.join(region['parts'])}"
    share = region.get("share_on_model")
    if share is None:
        return f"region {region['number']} lies beside the model"
    return (
        f"no chain of the model explains region {region['number']}: {100 * share:.0f} % of it lies on the model, which "
        "may lack the part that differs"
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
    if of_all is not None:
        low, high = (part[f"occupancy_of_all_particles_{end}"] for end in ("low", "high"))
        text += f"; {of_all:.2f} ({low:.2f}-{high:.2f}) of all particles"
    if any(item.get("chains_differ") for item in occupancies):
        text += "; its chains differ, and the interval holds all of them: use model_groups chain"
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
