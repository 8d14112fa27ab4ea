# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts about a run that users read in Scipion: the plan, the summary, the methods, the maps that failed."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Optional, Sequence

from occupy_core.comparing.describe import comparison_lines, other_molecules_text, sure_regions
from occupy_core.reporting.next_steps import outcome_blocks
from occupy_core.reporting.target_text import target_text
from occupy_core.settings.settings import Settings, descriptions
from occupy_scipion.constants import REFERENCE
from occupy_scipion.form import FIELDS, with_form_labels
from occupy_scipion.report import Report
from occupy_scipion.sentences import capitalised, sentence
from occupy_scipion.texts_ensemble import ensemble_methods_text, ensemble_summary_lines

# The methods text names the occupancies in the target masks only if there are at most this many.
_MAX_TARGETS_IN_METHODS = 5
# Settings that other lines of the summary name, or that do not change any map.
_NOT_AMONG_OTHER_SETTINGS = (
    *("mode", "amplify", "attenuate", "sigmoid", "pivot", "exclude_solvent", "lowpass", "kernel_size", "target_mask"),
    *("figures", "preset"),
)


def plan_text(settings: Settings) -> str:
    """Return what a run with these settings will do, in one line."""
    return f"Local scale in {settings.resolved_mode} mode. {_modifications_text(settings.to_dict())}"


def failed_lines(report: Report) -> List[str]:
    """Return one line that names the maps that failed; none if none failed."""
    failed = report["failed"]
    if not failed:
        return []
    names = ", ".join(os.path.basename(item["input"]) for item in failed)
    return [f"{len(failed)} of {len(failed) + len(report['maps'])} maps failed and were left out: {names}"]


def summary_lines(report: Report) -> List[str]:
    """Return the lines of a run's summary: comparison, settings, failed maps, warnings and values of each map."""
    maps, failed = report["maps"], report["failed"]
    of_ensemble = ensemble_summary_lines(report["ensemble"]) if report.get("ensemble") else []
    if not maps:  # the volumes of an ensemble are compared only
        warnings = _warning_lines([*report["warnings"], *report["ensemble"]["warnings"]])
        version = f"OccuPy for Scipion and RELION {report['version']}"
        return [*outcome_lines(report), *of_ensemble, *warnings, "", version]
    lines = [
        *outcome_lines(report),
        *of_ensemble,
        *_comparison_lines(report),
        _parameters_text(maps[0]),
        _modifications_text(report["settings"]),
    ]
    others = _other_settings(report["settings"])
    if others:
        lines.append(f"Other settings: {others}.")
    if failed:
        lines += ["", f"*{len(failed)} of {len(maps) + len(failed)} maps failed and were left out:*"]
        lines += [item["reason"] for item in failed]
    lines += _warning_lines(report["warnings"])
    several = len(maps) + len(failed) > 1
    for item in maps:
        lines += ["", f"*{_map_name(item)}*" if several else f"Map: {_map_name(item)}"]
        if item["derived"] != maps[0]["derived"]:
            lines.append(_parameters_text(item))
        lines.append(_values_text(item))
        lines += [_target_line(target) for target in item["targets"]]
        lines += _warning_lines(item["warnings"])
    lines += ["", f"OccuPy for Scipion and RELION {report['version']}"]
    return lines


def outcome_lines(report: Report) -> List[str]:
    """Return the result and the next steps of a run, and an empty line; nothing for reports of earlier versions."""
    lines = []
    for heading, texts in outcome_blocks(report):
        lines += [f"*{heading}:*", *map(sentence, texts)]
    return [*lines, ""] if lines else []


def methods_text(report: Report) -> str:
    """Return a paragraph for the methods section of a paper, with the values that the run used."""
    settings = report["settings"]
    if not report["maps"]:
        return ensemble_methods_text(report)
    sentences = [_estimate_sentence(report)]
    if settings["solvent_def"]:
        sentences.append("The solvent model was fitted within a solvent definition.")
    if settings["nlrc"]:
        sentences.append("The zero of the scale was moved to the edge of the solvent noise.")
    occupancies = _target_occupancies(report["maps"])
    if 0 < len(occupancies) <= _MAX_TARGETS_IN_METHODS:
        sentences.append(
            "Relative to the best region of the map, taken to be fully occupied, the occupancy, as the median of the "
            f"local scale with its 90 % interval, was {_joined(occupancies)}."
        )
    if report["comparison"] is not None:
        sentences.append(_comparison_sentence(report["comparison"]))
    sentences += _modification_sentences(settings)
    if settings.get("subtraction_mask"):
        sentences.append(
            "Masks for particle subtraction were made from the fraction that the modification leaves of each voxel."
        )
    return " ".join(sentences)


# --------------------------- the maps ---------------------------


def _map_name(item: Mapping[str, Any]) -> str:
    prefix = item["prefix"].rstrip("_")
    name = os.path.basename(item["input"])
    return f"{prefix}: {name}" if prefix else name


def _is_calibrated(item: Mapping[str, Any]) -> bool:
    return item["reference"].get("normalisation") == "calibrated"


def _parameters_text(item: Mapping[str, Any]) -> str:
    derived = item["derived"]
    tau = "" if _is_calibrated(item) else f", tau {derived['tau']:.4g}"
    return (
        f"Local scale in {derived['mode']} mode: low-pass {derived['lowpass_angstrom']:.3g} Å, kernel "
        f"of radius {derived['kernel_radius_voxels']:.3g} voxels ({derived['kernel_voxels']} voxels in all){tau}."
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


def _warning_lines(warnings: Sequence[str]) -> List[str]:
    return [f"Warning: {with_form_labels(text)}" for text in warnings]


def _estimate_sentence(report: Report) -> str:
    maps = report["maps"]
    derived = maps[0]["derived"]
    subject = "the map" if len(maps) == 1 else f"{len(maps)} maps"
    return (
        f"The local scale of {subject} was estimated with OccuPy [{REFERENCE}] (scipion-em-occupy "
        f"{report['version']}) in {derived['mode']} mode at a low-pass cutoff of "
        f"{derived['lowpass_angstrom']:.3g} Å, as the maximum over a kernel of {derived['kernel_voxels']} voxels "
        f"(radius {derived['kernel_radius_voxels']:.3g} voxels of {derived['voxel_size_angstrom']:.4g} Å) "
        f"{_reference_text(report)}."
    )


def _reference_text(report: Report) -> str:
    """Return what the kernel maximum was divided by, as the end of a sentence."""
    settings, derived = report["settings"], report["maps"][0]["derived"]
    if settings["normalisation"] == "calibrated":
        # The zero of a map without solvent is zero density.
        zeros = [item["reference"]["zero"] for item in report["maps"]]
        used = {"its value in solvent noise": any(zeros), "zero density": not all(zeros)}
        zero = " or ".join(text for text, is_used in used.items() if is_used)
        return f"on a calibrated scale, where 0 is {zero} and 1 its value in the best region"
    if settings["normalisation"] == "tiled":
        size = settings["tile_size"]
        return f"relative to the highest percentile tau = {derived['tau']:.4g} in tiles of {size} voxels a side"
    return f"relative to full scale ({settings['normalisation']} normalisation, tau = {derived['tau']:.4g})"


# --------------------------- target masks ---------------------------


def _target_name(target: Mapping[str, Any]) -> str:
    return target.get("name") or os.path.basename(target["mask"])


def _target_line(target: Mapping[str, Any]) -> str:
    # The core's text begins with the name of the file that it read, which may be a copy under another name.
    return f"Target {_target_name(target)}{target_text({**target, 'mask': ''})}"


def _target_occupancies(maps: Sequence[Mapping[str, Any]]) -> List[str]:
    """Return the occupancy, as text, in each target mask for which it has an interval."""
    return [
        f"{target['scale_median']:.2f} ({low:.2f} to {high:.2f}) within {_target_name(target)}"
        + (f" of {_map_name(item)}" if len(maps) > 1 else "")
        for item in maps
        for target in item["targets"]
        if target["occupancy_interval_90"]
        for low, high in [target["occupancy_interval_90"]]
    ]


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# --------------------------- comparison of classes ---------------------------


def _comparison_lines(report: Report) -> List[str]:
    comparison = report["comparison"]
    if comparison is None:
        return []
    lines = [f"*Compared at a low-pass of {comparison['lowpass_angstrom']:.3g} Å (with 90 % intervals):*"]
    lines += map(capitalised, comparison_lines(comparison))
    return [*lines, *_warning_lines(comparison["warnings"]), ""]


def _comparison_sentence(comparison: Mapping[str, Any]) -> str:
    count = len(sure_regions(comparison))
    if comparison.get("other_molecules"):
        return f"{len(comparison['maps'])} maps were to be compared, but {other_molecules_text(comparison)}."
    regions = "no region differed" if not count else f"{count} region{'s' * (count > 1)} differed"
    return (
        f"The occupancies of {len(comparison['maps'])} classes were compared under one reference (occupancy mode, "
        f"calibrated, low-pass {comparison['lowpass_angstrom']:.3g} Å); {regions} by more than noise explains."
    )


# --------------------------- settings and modifications ---------------------------


def _modifications(settings: Mapping[str, Any]) -> List[str]:
    modifications = []
    for name, word in (("amplify", "amplified"), ("attenuate", "attenuated"), ("sigmoid", "sigmoid")):
        if settings[name] is not None:
            pivot = f" and pivot {settings['pivot']:g}" if name == "sigmoid" else ""
            modifications.append(f"{word} with power {settings[name]:g}{pivot}")
    return modifications


def _modifications_text(settings: Mapping[str, Any]) -> str:
    modifications = _modifications(settings)
    solvent = "solvent excluded" if settings["exclude_solvent"] else "solvent kept"
    if not modifications:
        return f"Modified maps: {solvent}." if settings["exclude_solvent"] else "Modified maps: none."
    return f"Modified maps: {', '.join(modifications)}; {solvent}."


def _modification_sentences(settings: Mapping[str, Any]) -> List[str]:
    modifications = _modifications(settings)
    matched = ", and matched to the histogram of the input" if settings.get("hist_match") else ""
    if modifications:
        text = f"({', '.join(modifications)}) and {_confidence_text(settings)}{matched}"
        return [f"The density was modified by the local scale {text}."]
    if settings["exclude_solvent"]:
        return [f"Solvent was excluded by multiplication with the confidence of the solvent model{matched}."]
    return []


def _confidence_text(settings: Mapping[str, Any]) -> str:
    """Return how the modified density was combined with the input, as part of a sentence."""
    if settings["omit_confidence"]:
        return "used in all voxels, whatever their confidence"
    if settings["exclude_solvent"]:
        return "multiplied by the confidence, which excludes solvent"
    return "mixed with the input by the confidence, which leaves solvent unchanged"


def _other_settings(settings: Mapping[str, Any]) -> str:
    """Return the settings that differ from their defaults and that no other line of the summary names."""
    defaults = Settings().to_dict()
    changed = [
        f"{descriptions()[name].label} {_value_text(value)}"
        for name, value in settings.items()
        if name in FIELDS and name not in _NOT_AMONG_OTHER_SETTINGS and value != defaults[name]
    ]
    return "; ".join(changed)


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return os.path.basename(value) if isinstance(value, str) and os.sep in value else str(value)
