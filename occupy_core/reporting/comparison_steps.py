# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what a comparison of classes found, and what to do next."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Sequence

from occupy_core.comparing.describe import no_region_text, other_molecules_text, sure_regions
from occupy_core.comparing.reference_name import reference_map, relative_to
from occupy_core.reporting import scipion_names
from occupy_core.reporting.sorting_steps import SCIPION, Sortable, averages_of, class_weights, map_text, sorting_steps
from occupy_core.reporting.wording import NAMED, listed, value_text
from occupy_core.settings.classification import HAS, is_mask_lost, is_weighted_run

Report = Mapping[str, Any]

_INDEPENDENT = (
    "to judge the regions: split the {} into two random halves, classify each half in a run of its own with "
    "another random seed, and compare the classes of each run: trust a region that both show in the same place"
)


def comparison_text(comparison: Report, input_warnings: Sequence[str]) -> str:
    """Return what a comparison found, in one sentence.

    Parameters
    ----------
    comparison : mapping
        The comparison's part of report.json.
    input_warnings : sequence of str
        Warnings of the host about the classification.
    """
    if other_molecules_text(comparison):
        return other_molecules_text(comparison)
    sure, count = sure_regions(comparison), len(comparison["regions"])
    if not sure:
        unsure = f"; {count} unsure region{'s' * (count > 1)} may be noise" if count else ""
        mask_is_lost = is_mask_lost(input_warnings)
        lost = "; this may be wrong, since the mask of the classification is not known" if mask_is_lost else ""
        return f"{no_region_text(comparison)}{unsure}{lost}"
    regions = listed([_region_text(region) for region in sure])
    text = f"the maps differ in {len(sure)} region{'s' * (len(sure) > 1)}: {regions}"
    reference = relative_to(comparison)
    if reference:
        text += f"; occupancies are relative to {reference}, which counts as 1 and may be mixed itself"
    weighted = "; found in maps that were weighted in the loop: no evidence before an independent run shows them too"
    return f"{text}{weighted}" if is_weighted_run(input_warnings) else text


def _region_text(region: Report) -> str:
    ordered = sorted(region["occupancies"], key=lambda item: -item["occupancy"])
    place = f", on {', '.join(region['parts'][:NAMED])}" if region.get("parts") else ""
    return (
        f"region {region['number']} ({region['volume_cubic_angstrom']:,.0f} Å^3{place}) is {value_text(ordered[0])} "
        f"occupied in {ordered[0]['name']} and {value_text(ordered[-1])} in {ordered[-1]['name']}"
    )


def comparison_steps(report: Report, host: str, folder: str) -> List[str]:
    """Return what to click or type next after a comparison, a sentence each; parameters as of `next_steps`."""
    if report["comparison"].get("other_molecules"):
        return ["check that the compared maps are the right files: none may be of another molecule, turned or mirrored"]
    sure = sure_regions(report["comparison"])[:NAMED]
    if sure:
        reference, kind = relative_to(report["comparison"]), averages_of(report)
        steps = [_INDEPENDENT.format(kind)] if is_weighted_run(report["job"]["input_warnings"]) else []
        steps += [_check_step(sure[0], reference, kind)] if reference else []
        regions = [_sortable(region, report, host, folder) for region in sure]
        return [*steps, *sorting_steps(regions, host, focused=bool(reference))]
    if report["model"]:
        return []
    model = "the protocol model occupancy" if host == SCIPION else "the same job with the parameter model"
    return [
        "to look for smaller differences: classify again within a mask around the part that may differ; with a fitted "
        f"model: {model}"
    ]


def _sortable(region: Report, report: Report, host: str, folder: str) -> Sortable:
    comparison, in_scipion = report["comparison"], host == SCIPION
    number, maps, reference = region["number"], comparison["maps"], reference_map(comparison)
    particles = ((region.get("particles") or {}).get("with") or {}).get("name")
    return Sortable(
        name=f"region {number}",
        mask=scipion_names.REGION_MASK.format(number) if in_scipion else os.path.join(folder, region["mask"]),
        occupancies=region["occupancies"],
        weights=class_weights(maps),
        particles=particles if particles is None or in_scipion else os.path.join(folder, particles),
        averages_of=averages_of(report),
        relative_to=relative_to(comparison),
        is_region=True,
        reference=map_text(reference, host),
        in_other_poses=[item["name"] for item in maps if item.get("in_another_pose")],
        are_classes=any(item["name"] != os.path.basename(item["input"]) for item in maps),
    )


def _check_step(region: Report, reference: str, kind: str) -> str:
    """Return how to find out, after a focused classification, if the class that counts as 1 is itself mixed.

    Sorting does not change how many particles have a part: the mean over them, before and after, tells the factor.
    """
    name, mean = f"region {region['number']}", region["occupancy_of_all_particles"]
    start = f"to check if {reference} is mixed"
    classify = "classify again within this mask, with more classes or iterations"
    if not mean:
        return (
            f"{start}: add up the number of {kind} x occupancy of {name} over the classes, here and in the comparison "
            f"before this sorting, for the same {kind}; if the sum is larger here, {reference} is mixed: {classify}"
        )
    return (
        f"{start}: take the occupancy of all {kind} that the comparison before this sorting, of the same {kind}, has "
        f"for this part, and divide it by {mean:.2f}, the mean of {name} here; if the quotient is below {HAS:g}, "
        f"{reference} is mixed: multiply the occupancies here by the quotient, and {classify}"
    )
