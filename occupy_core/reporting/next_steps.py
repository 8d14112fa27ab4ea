# SPDX-License-Identifier: GPL-3.0-or-later
"""Say in one sentence what a job found, and what to do next in its host: for the log, Scipion's summary and the PDF."""

from __future__ import annotations

import os
import shlex
from typing import Any, List, Mapping, Sequence, Tuple

from occupy_core.estimate.input_checks import looks_inverted
from occupy_core.reporting.ensemble_steps import ensemble_steps, ensemble_text
from occupy_core.reporting.map_steps import map_steps
from occupy_core.reporting.map_summary import SCALE_BINS
from occupy_core.reporting.sorting_steps import (
    SCIPION,
    Sortable,
    no_mask_steps,
    select_step,
    sort_step,
    sortable_parts,
    split_by_mixing,
)
from occupy_core.reporting.target_text import target_text
from occupy_core.reporting.wording import listed, value_text
from occupy_core.settings.output_names import (
    CHIMERAX,
    FIGURE,
    MODEL_PHENIX,
    MODEL_REFMAC,
)

Report = Mapping[str, Any]

RESULT, NEXT_STEPS = "Result", "Next steps"


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
    if not inverted:
        return _found_text(report)
    if report["job"].get("focus_mask"):  # all classes of one classification have one contrast
        about = (
            f"{', '.join(inverted)}: no density within the mask of the classification, as where a class lacks the part"
        )
    else:
        about = f"the contrast of {', '.join(inverted)} looks inverted: its numbers are not to be trusted"
    return f"{about}; {_found_text(report)}"


def _inverted(report: Report) -> List[str]:
    """Return the names of the maps whose contrast looks inverted."""
    return [item["name"] for item in report["maps"] if looks_inverted(item["warnings"])]


def _found_text(report: Report) -> str:
    found = []
    if report["model"]:
        found.append(_model_text(report["model"]))
    if report["comparison"]:
        from occupy_core.reporting.comparison_steps import comparison_text  # a job on one map does not load it

        found.append(comparison_text(report["comparison"], report["job"]["input_warnings"]))
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
    if report["comparison"]:
        from occupy_core.reporting.comparison_steps import comparison_steps  # a job on one map does not load it

        steps += comparison_steps(report, host, folder)
    steps += ensemble_steps(report, host, folder) if report.get("ensemble") else []
    steps += no_mask_steps(report) if host == SCIPION else []
    compared = report["comparison"] or report.get("ensemble")
    return steps if report["model"] or compared else [*steps, *_measure_steps(report, host)]


# --------------------------- the result ---------------------------


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
    names = listed([f"{name} {value_text(item)}" for item, name in low])
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
    return f"{len(texts)} of {len(model['parts'])} parts of the model {verb} between the maps: {listed(texts)}"


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
        return listed([target_text(target) for target in item["targets"]])
    counts = item["scale_histogram"]["confident_voxels"]
    if item["median_scale"] is None or not sum(counts):
        return "no voxel of the map is confidently more than solvent"
    below = 100 * sum(counts[: SCALE_BINS // 2]) / sum(counts)
    text = f"{below:.0f} % of the density that is no solvent reads below 0.5, where 1 is the best region of the map"
    if item["derived"]["mode"] == "resolution":
        return f"{text}: these parts are less occupied, more flexible or less well resolved"
    return f"{text}: these parts are less than half as dense, as at low occupancy"


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
