# SPDX-License-Identifier: GPL-3.0-or-later
"""The core's report of a run, and what the user reads of it: summary and methods."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence

from occupy_core.comparing.outputs import comparison_lines
from occupy_core.reporting.report import target_text
from occupy_core.settings.output_names import REPORT
from occupy_core.settings.settings import Settings, descriptions
from occupy_scipion.constants import JOB_FILE, REFERENCE
from occupy_scipion.form import FIELDS, in_form_words

Report = Dict[str, Any]

# In the job's file: the user's names of the target masks.
TARGET_NAMES = "target_names"
# A paper's paragraph lists no more target masks than this.
_MOST_TARGETS = 5


def read_report(folder: str) -> Optional[Report]:
    """The report in a run's folder, with the user's names of the target masks; None when none was delivered."""
    found = _read_json(os.path.join(folder, REPORT))
    if found is not None:
        # Runs of earlier versions have none of these.
        found.setdefault("comparison", None)
        found.setdefault("warnings", [])
        found.setdefault("outputs", [])
    names = (_read_json(os.path.join(folder, JOB_FILE)) or {}).get(TARGET_NAMES, [])
    for item in found["maps"] if found else []:
        # Runs of earlier versions have no targets.
        for target, name in zip(item.setdefault("targets", []), names):
            target["name"] = name
    return found


def output_files(report: Report) -> List[str]:
    """The names of the files that a run delivered, but for the report."""
    compared = report["comparison"]["outputs"] if report["comparison"] else []
    of_maps = [name for item in report["maps"] for name in item["outputs"].values()]
    return [*of_maps, *compared, *report["outputs"]]


def remove_leftovers(folder: str, last: Optional[Report]) -> None:
    """Remove the files of the last run that the present one has not made again."""
    kept = output_files(read_report(folder))
    for name in output_files(last) if last else []:
        path = os.path.join(folder, name)
        if name not in kept and os.path.exists(path):
            os.remove(path)


def plan_text(settings: Settings) -> str:
    """What a run with these settings will do."""
    return f"Local scale in {settings.resolved_mode} mode. {_modifications_text(settings.to_dict())}"


def summary_lines(report: Report) -> List[str]:
    """What came out of a run, fit to be pasted."""
    maps, failed = report["maps"], report["failed"]
    lines = [*_comparison_lines(report), _derived_text(maps[0]), _modifications_text(report["settings"])]
    others = _other_settings(report["settings"])
    if others:
        lines.append(f"Other settings: {others}.")
    if failed:
        lines += ["", f"*{len(failed)} of {len(maps) + len(failed)} maps failed and were left out:*"]
        lines += [item["reason"] for item in failed]
    lines += [f"Warning: {in_form_words(text)}" for text in report["warnings"]]
    several = len(maps) + len(failed) > 1
    for item in maps:
        lines += ["", f"*{_map_name(item)}*" if several else f"Map: {_map_name(item)}"]
        if item["derived"] != maps[0]["derived"]:
            lines.append(_derived_text(item))
        lines.append(_values_text(item))
        lines += [_target_line(target) for target in item["targets"]]
        lines += [f"Warning: {in_form_words(text)}" for text in item["warnings"]]
    lines += ["", f"OccuPy for Scipion and RELION {report['version']}"]
    return lines


def methods_text(report: Report) -> str:
    """A paragraph for a paper, with the values used."""
    maps, settings = report["maps"], report["settings"]
    derived = maps[0]["derived"]
    subject = "the map" if len(maps) == 1 else f"{len(maps)} maps"
    sentences = [
        f"The local scale of {subject} was estimated with OccuPy [{REFERENCE}] (scipion-em-occupy "
        f"{report['version']}) in {derived['mode']} mode at a low-pass cutoff of "
        f"{derived['lowpass_angstrom']:.3g} Å, as the maximum over a kernel of {derived['kernel_voxels']} voxels "
        f"(radius {derived['kernel_radius_voxels']:.3g} voxels of {derived['voxel_size_angstrom']:.4g} Å) "
        f"{_reference_text(report)}."
    ]
    if settings["solvent_def"]:
        sentences.append("The solvent model was fitted within a solvent definition.")
    if settings["nlrc"]:
        sentences.append("The zero of the scale was moved to the edge of the solvent noise.")
    occupancies = _occupancy_list(maps)
    if 0 < len(occupancies) <= _MOST_TARGETS:
        sentences.append(
            f"The occupancy, as the median of the local scale with its 90 % interval, was {_and(occupancies)}."
        )
    if report["comparison"] is not None:
        sentences.append(_comparison_text(report))
    done = _modification_list(settings)
    matched = ", and given the histogram of the input" if settings.get("hist_match") else ""
    if done:
        sentences.append(
            f"The density was modified by the local scale ({', '.join(done)}) and {_blend_text(settings)}{matched}."
        )
    elif settings["exclude_solvent"]:
        sentences.append(f"Solvent was excluded by multiplication with the confidence of the solvent model{matched}.")
    if settings.get("subtraction_mask"):
        sentences.append("Masks for particle subtraction were made of what the modification leaves of each voxel.")
    return " ".join(sentences)


def _comparison_lines(report: Report) -> List[str]:
    found = report["comparison"]
    if found is None:
        return []
    lines = [f"*Compared at a low-pass of {found['lowpass_angstrom']:.3g} Å:*"]
    lines += [line[0].upper() + line[1:] for line in comparison_lines(found)]
    return [*lines, *(f"Warning: {in_form_words(text)}" for text in found["warnings"]), ""]


def _comparison_text(report: Report) -> str:
    """What was compared and found, as a sentence."""
    found = report["comparison"]
    count = len(found["regions"])
    regions = "no region differed" if not count else f"{count} region{'s' * (count > 1)} differed"
    return (
        f"The occupancies of {len(found['maps'])} classes were compared under one reference (occupancy mode, "
        f"calibrated, low-pass {found['lowpass_angstrom']:.3g} Å); {regions} by more than noise explains."
    )


def failed_text(report: Optional[Report]) -> str:
    """One line that names the maps that failed; empty when none did."""
    failed = report["failed"] if report else []
    if not failed:
        return ""
    names = ", ".join(os.path.basename(item["input"]) for item in failed)
    return f"{len(failed)} of {len(failed) + len(report['maps'])} maps failed and were left out: {names}"


def _map_name(item: Mapping[str, Any]) -> str:
    prefix = item["prefix"].rstrip("_")
    name = os.path.basename(item["input"])
    return f"{prefix}: {name}" if prefix else name


def _is_calibrated(item: Mapping[str, Any]) -> bool:
    return item["reference"].get("normalisation") == "calibrated"


def _derived_text(item: Mapping[str, Any]) -> str:
    derived = item["derived"]
    tau = "" if _is_calibrated(item) else f", tau {derived['tau']:.4g}"
    return (
        f"Local scale in {derived['mode']} mode: low-pass {derived['lowpass_angstrom']:.3g} Å, kernel of "
        f"{derived['kernel_voxels']} voxels (radius {derived['kernel_radius_voxels']:.3g}){tau}."
    )


def _values_text(item: Mapping[str, Any]) -> str:
    solvent, reference = item["solvent"], item["reference"]
    zero = f"zero at {_number(reference['zero'])}, " if _is_calibrated(item) else ""
    return (
        f"Reference value {_number(reference['value'])}, {zero}median scale {_number(item['median_scale'], 3)}, "
        f"solvent {_number(solvent['mean'])} ± {_number(solvent['sigma'])}"
    )


def _number(value: Optional[float], digits: int = 4) -> str:
    return "unknown" if value is None else f"{value:.{digits}g}"


def _modification_list(settings: Mapping[str, Any]) -> List[str]:
    done = []
    for name, word in (("amplify", "amplified"), ("attenuate", "attenuated"), ("sigmoid", "sigmoid")):
        if settings[name] is not None:
            pivot = f" and pivot {settings['pivot']:g}" if name == "sigmoid" else ""
            done.append(f"{word} with power {settings[name]:g}{pivot}")
    return done


def _blend_text(settings: Mapping[str, Any]) -> str:
    if settings["omit_confidence"]:
        return "taken in all voxels, whatever their confidence"
    if settings["exclude_solvent"]:
        return "multiplied by the confidence, which excludes solvent"
    return "mixed with the input by the confidence, which keeps solvent as it was"


def _modifications_text(settings: Mapping[str, Any]) -> str:
    done = _modification_list(settings)
    excluded = "solvent excluded" if settings["exclude_solvent"] else "solvent kept"
    if not done:
        return f"Modified maps: {excluded}." if settings["exclude_solvent"] else "Modified maps: none."
    return f"Modified maps: {', '.join(done)}; {excluded}."


def _reference_text(report: Report) -> str:
    """What the kernel maximum is measured against."""
    settings, derived = report["settings"], report["maps"][0]["derived"]
    if settings["normalisation"] == "calibrated":
        # Where a map has no solvent, the core takes zero density.
        zeros = [item["reference"]["zero"] for item in report["maps"]]
        ends = {"its reading in solvent noise": any(zeros), "zero density": not all(zeros)}
        zero = " or ".join(text for text, found in ends.items() if found)
        return f"on a calibrated scale, where 0 is {zero} and 1 its reading in the best region"
    if settings["normalisation"] == "tiled":
        size = settings["tile_size"]
        return f"relative to the highest percentile tau = {derived['tau']:.4g} in tiles of {size} voxels a side"
    return f"relative to full scale ({settings['normalisation']} normalisation, tau = {derived['tau']:.4g})"


def _target_name(target: Mapping[str, Any]) -> str:
    return target.get("name") or os.path.basename(target["mask"])


def _target_line(target: Mapping[str, Any]) -> str:
    # The core's line begins with the file's name, which is not always the user's.
    return f"Target {_target_name(target)}{target_text({**target, 'mask': ''})}"


def _occupancy_list(maps: Sequence[Mapping[str, Any]]) -> List[str]:
    """The occupancy of each target mask that has an interval, in words."""
    return [
        f"{target['scale_median']:.2f} ({low:.2f} to {high:.2f}) within {_target_name(target)}"
        + (f" of {_map_name(item)}" if len(maps) > 1 else "")
        for item in maps
        for target in item["targets"]
        if target["occupancy_interval_90"]
        for low, high in [target["occupancy_interval_90"]]
    ]


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# Said in the summary's other lines already, and what no map depends on.
_SAID = (
    *("mode", "amplify", "attenuate", "sigmoid", "pivot", "exclude_solvent", "lowpass", "kernel_size", "target_mask"),
    "figures",
)


def _other_settings(settings: Mapping[str, Any]) -> str:
    defaults = Settings().to_dict()
    changed = [
        f"{descriptions()[name].label} {_shown(value)}"
        for name, value in settings.items()
        if name in FIELDS and name not in _SAID and value != defaults[name]
    ]
    return "; ".join(changed)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return os.path.basename(value) if isinstance(value, str) and os.sep in value else str(value)


def _read_json(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None
