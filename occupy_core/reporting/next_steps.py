# SPDX-License-Identifier: GPL-3.0-or-later
"""Say in one sentence what a job found, and what to do next in its host: for the log, Scipion's summary and the PDF."""

from __future__ import annotations

import os
import shlex
from typing import Any, List, Mapping, Sequence, Tuple

from occupy_core.estimate.input_checks import looks_inverted
from occupy_core.reporting import scipion_names
from occupy_core.reporting.ensemble_steps import ensemble_steps, ensemble_text
from occupy_core.reporting.map_steps import map_steps
from occupy_core.reporting.map_summary import SCALE_BINS
from occupy_core.reporting.sorting_steps import (
    SCIPION,
    Sortable,
    averages_of,
    class_weights,
    no_mask_steps,
    select_step,
    sort_step,
    sortable_parts,
    sorting_steps,
    split_by_mixing,
)
from occupy_core.reporting.target_text import target_text
from occupy_core.settings.classification import is_mask_lost, is_weighted_run
from occupy_core.settings.output_names import (
    CHIMERAX,
    FIGURE,
    MODEL_PHENIX,
    MODEL_REFMAC,
)

Report = Mapping[str, Any]

RESULT, NEXT_STEPS = "Result", "Next steps"
_INDEPENDENT = (
    "to judge the regions: split the {} into two random halves, classify each half in a run of its own with "
    "another random seed, and compare the classes of each run: trust a region that both show in the same place"
)
_NAMED = 3  # parts or maps in a sentence


def outcome_blocks(report: Report) -> List[Tuple[str, List[str]]]:
    """Return the result and the next steps in report.json with their headings; none in reports of earlier versions."""
    blocks = [(RESULT, [report["result"]] if report.get("result") else []), (NEXT_STEPS, report.get("next_steps", []))]
    return [(heading, texts) for heading, texts in blocks if texts]


def result_text(report: Report) -> str:
    """Return what a job found, in one sentence for each of: fitted model, comparison; or on its maps.

    Parameters
    ----------
    report : mapping
        Content of report.json.
    """
    inverted = _inverted(report)
    if inverted and len(inverted) == len(report["maps"]):
        of_map = "the map" if len(inverted) == 1 else "all maps"
        return f"not to be trusted: the contrast of {of_map} looks inverted"
    found = (
        [f"the contrast of {', '.join(inverted)} looks inverted: its numbers are not to be trusted"] if inverted else []
    )
    return "; ".join([*found, _found_text(report)])


def _inverted(report: Report) -> List[str]:
    """Return the names of the maps whose contrast looks inverted."""
    return [item["name"] for item in report["maps"] if looks_inverted(item["warnings"])]


def _found_text(report: Report) -> str:
    found = []
    if report["model"]:
        found.append(_model_text(report["model"]))
    if report["comparison"]:
        found.append(_comparison_text(report["comparison"], report["job"]["input_warnings"]))
    elif report.get("ensemble"):
        found.append(ensemble_text(report["ensemble"]))
    elif report["job"]["compare"]:
        found.append("the maps were not compared; a warning says why")
    return "; ".join(found) or _maps_text(report)


def next_steps(report: Report, host: str, folder: str = "") -> List[str]:
    """Return what to click or type next, a sentence each.

    Parameters
    ----------
    report : mapping
        Content of report.json.
    host : str
        "relion" or "scipion".
    folder : str
        Output folder, as the steps name it; by default they name the files without a folder.
    """
    inverted = _inverted(report)
    if not report["maps"]:
        return [*_look_steps(report, host, folder), *ensemble_steps(report, host, folder)]
    if inverted and len(inverted) == len(report["maps"]):
        setting = "Invert contrast" if host == SCIPION else "the parameter invert"
        value = "no" if report["settings"]["invert"] else "yes"
        return [
            *_look_steps(report, host, folder),
            f"to correct the contrast: the same job with {setting}, value {value}",
        ]
    steps = [*_look_steps(report, host, folder), *map_steps(report, host, folder)]
    steps += _model_steps(report, host, folder) if report["model"] else []
    steps += _comparison_steps(report, host, folder) if report["comparison"] else []
    steps += ensemble_steps(report, host, folder) if report.get("ensemble") else []
    steps += no_mask_steps(report) if host == SCIPION else []
    compared = report["comparison"] or report.get("ensemble")
    return steps if report["model"] or compared else [*steps, *_measure_steps(report, host)]


# --------------------------- the result ---------------------------


def _value(item: Report) -> str:
    return f"{item['occupancy']:.2f} ({item['low']:.2f}-{item['high']:.2f})"


def _model_text(model: Report) -> str:
    parts = model["parts"]
    if len(model["maps"]) > 1:
        return _differing_parts_text(model)
    if len(parts) == 1:
        return f"the model has only the part {parts[0]['name']}, which counts as 1 itself"
    shown = [
        (part["occupancies"][0], part["name"]) for part in parts if part["occupancies"][0]["occupancy"] is not None
    ]
    low = sorted((item for item in shown if item[0]["high"] < 1), key=lambda item: item[0]["occupancy"])
    if not low:
        return f"none of the {len(shown)} parts of the model that the map shows is clearly less than fully occupied"
    names = _listed([f"{name} {_value(item)}" for item, name in low])
    rest = "; each of the others may be fully occupied" if len(low) < len(shown) else ""
    verb = "is" if len(low) == 1 else "are"
    return f"{len(low)} of {len(shown)} parts of the model {verb} less than fully occupied: {names}{rest}"


def _differing_parts_text(model: Report) -> str:
    if not model["differences"]:
        return "no part of the model differs between the maps by more than noise explains"
    occupancies = {
        (part["name"], item["name"]): item["occupancy"] for part in model["parts"] for item in part["occupancies"]
    }
    texts = [
        f"{item['part']} is {occupancies[item['part'], item['highest']]:.2f} occupied in {item['highest']} and "
        f"{occupancies[item['part'], item['lowest']]:.2f} in {item['lowest']}"
        for item in model["differences"]
    ]
    verb = "differs" if len(texts) == 1 else "differ"
    return f"{len(texts)} of {len(model['parts'])} parts of the model {verb} between the maps: {_listed(texts)}"


def _comparison_text(comparison: Report, input_warnings: Sequence[str]) -> str:
    from occupy_core.comparing.describe import no_region_text, other_molecules_text, sure_regions  # not for one map

    if other_molecules_text(comparison):
        return other_molecules_text(comparison)

    sure, count = sure_regions(comparison), len(comparison["regions"])
    if not sure:
        unsure = f"; {count} unsure region{'s' * (count > 1)} may be noise" if count else ""
        mask_is_lost = is_mask_lost(input_warnings)
        lost = "; this may be wrong, since the mask of the classification is not known" if mask_is_lost else ""
        return f"{no_region_text(comparison)}{unsure}{lost}"
    regions = _listed([_region_text(region) for region in sure])
    text = f"the maps differ in {len(sure)} region{'s' * (len(sure) > 1)}: {regions}"
    weighted = "; found in maps that were weighted in the loop: no evidence before an independent run shows them too"
    return f"{text}{weighted}" if is_weighted_run(input_warnings) else text


def _region_text(region: Report) -> str:
    ordered = sorted(region["occupancies"], key=lambda item: -item["occupancy"])
    place = f", on {', '.join(region['parts'][:_NAMED])}" if region.get("parts") else ""
    return (
        f"region {region['number']} ({region['volume_cubic_angstrom']:,.0f} Å^3{place}) is {_value(ordered[0])} "
        f"occupied in {ordered[0]['name']} and {_value(ordered[-1])} in {ordered[-1]['name']}"
    )


def _maps_text(report: Report) -> str:
    maps = report["maps"]
    if len(maps) == 1:
        return _map_text(maps[0])
    known = sorted((item["median_scale"], item["name"]) for item in maps if item["median_scale"] is not None)
    if not known:
        return f"no voxel of the {len(maps)} maps is confidently more than solvent"
    (least, lowest), (most, highest) = known[0], known[-1]
    scale = "one scale for all" if report["shared_reference"] else "each map on its own scale"
    return f"the median local scale is from {least:.2f} in {lowest} to {most:.2f} in {highest} ({scale})"


def _map_text(item: Report) -> str:
    if item["targets"]:
        return _listed([target_text(target) for target in item["targets"]])
    counts = item["scale_histogram"]["confident_voxels"]
    if item["median_scale"] is None or not sum(counts):
        return "no voxel of the map is confidently more than solvent"
    below = 100 * sum(counts[: SCALE_BINS // 2]) / sum(counts)
    text = f"{below:.0f} % of the density that is no solvent reads below 0.5, where 1 is the best region of the map"
    if item["derived"]["mode"] == "resolution":
        return f"{text}: these parts are less occupied, more flexible or less well resolved"
    return f"{text}: these parts are less than half as dense, as at low occupancy"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _NAMED
    return "; ".join([*texts[:_NAMED], *([f"and {more} more"] if more > 0 else [])])


# --------------------------- the next steps ---------------------------


def _look_steps(report: Report, host: str, folder: str) -> List[str]:
    if host == SCIPION:
        return ["to look: Analyze results, with the pages (Report) and ChimeraX"]
    session = shlex.quote(os.path.join(folder, CHIMERAX))  # a word of the shell
    pages = f"open {os.path.join(folder, FIGURE)} (Display); " if report["settings"]["figures"] else ""
    return [f"to look: {pages}with ChimeraX, in a shell, type: chimerax {session}"]


def _measure_steps(report: Report, host: str) -> List[str]:
    """Return how to measure occupancies, for a job that has measured none."""
    several, calibrated = len(report["maps"]) > 1, report["settings"]["normalisation"] == "calibrated"
    steps = []
    if host == SCIPION:
        if not calibrated:
            steps.append("to read occupancies all over the map: Normalisation calibrated, Scale mode occupancy")
        steps.append("to measure the occupancy of chains: the protocol model occupancy, with a fitted model")
        return [*steps, "to find where the maps differ: the protocol compare classes"] if several else steps
    if not calibrated:
        steps.append("to read occupancies all over the map: the same job with the parameter preset, value occupancy")
    return [*steps, "to measure the occupancy of chains: the same job with the parameter model, value fitted_model.cif"]


def _model_steps(report: Report, host: str, folder: str) -> List[str]:
    """Return the steps on the parts of the model; regions come first where both tell the same particles apart."""
    model, comparison = report["model"], report["comparison"] or {}
    parts = sortable_parts(report, host, folder)
    if comparison.get("focused", False):
        differing = {item["part"] for item in model["differences"]}
        steps = [select_step(part, host, focused=True) for part in parts if part.name in differing][:1]
    else:
        has_regions = any(region["sure"] for region in comparison.get("regions", ()))
        steps = [] if has_regions else _steps_on_parts(model, parts, host)
    files = [os.path.join(folder, name) for name in (MODEL_REFMAC, MODEL_PHENIX) if name in model["outputs"]]
    if len(files) == 2 and _has_occupancies_to_refine(model):
        place = " (in the run's extra folder)" if host == SCIPION else ""
        steps.append(f"to refine the occupancies: {files[0]} in servalcat or Refmac, {files[1]} in Phenix{place}")
    return steps


def _has_occupancies_to_refine(model: Report) -> bool:
    """Return whether a part has an occupancy below 1, as the log writes it, in a map."""
    return any(
        item["occupancy"] is not None and f"{item['occupancy']:.2f}" != "1.00"
        for part in model["parts"]
        for item in part["occupancies"]
    )


def _steps_on_parts(model: Report, parts: Sequence[Sortable], host: str) -> List[str]:
    """Return how the particles are sorted by the part that is most mixed in a class, or else how to select classes."""
    mixed, others = split_by_mixing(parts)
    if mixed and mixed[0].mask:
        return [sort_step(mixed[0], host)]
    if mixed:
        setting = "Masks of parts" if host == SCIPION else "the parameter model_masks"
        return [
            f"to sort the {mixed[0].averages_of} by {mixed[0].name}: run again with {setting}, value {mixed[0].name}"
        ]
    differing = [item["part"] for item in model["differences"]][:1]
    return [select_step(part, host) for part in others if part.name in differing]


def _comparison_steps(report: Report, host: str, folder: str) -> List[str]:
    from occupy_core.comparing.describe import sure_regions

    if report["comparison"].get("other_molecules"):
        return ["check that the compared maps are the right files: none may be of another molecule, turned or mirrored"]
    sure = sure_regions(report["comparison"])[:_NAMED]
    if sure:
        compared = report["comparison"]["maps"]
        weights = class_weights(compared)
        pose_of = next((item["name"] for item in compared if item["input"] == report["comparison"]["reference"]), None)
        regions = []
        for region in sure:
            in_scipion = scipion_names.REGION_MASK.format(region["number"])
            mask = in_scipion if host == SCIPION else os.path.join(folder, region["mask"])
            name = ((region.get("particles") or {}).get("with") or {}).get("name")
            particles = name if name is None or host == SCIPION else os.path.join(folder, name)
            name = f"region {region['number']}"
            regions.append(
                Sortable(name, mask, region["occupancies"], weights, particles, averages_of(report), pose_of)
            )
        steps = sorting_steps(regions, host, focused=report["comparison"].get("focused", False))
        return (
            [_INDEPENDENT.format(averages_of(report)), *steps]
            if is_weighted_run(report["job"]["input_warnings"])
            else steps
        )
    if report["model"]:
        return []
    model = "the protocol model occupancy" if host == SCIPION else "the same job with the parameter model"
    return [
        "to look for smaller differences: classify again within a mask around the part that may differ; with a fitted "
        f"model: {model}"
    ]
