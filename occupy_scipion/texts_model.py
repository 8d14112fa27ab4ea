# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts about the occupancy of a fitted model that users read in Scipion: the plan, the summary, the methods."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Sequence

from occupy_core.modelling.describe import difference_lines, interval_text, part_text
from occupy_core.settings.settings import Settings
from occupy_scipion.constants import REFERENCE
from occupy_scipion.form import with_form_labels
from occupy_scipion.report import Report
from occupy_scipion.sentences import sentence
from occupy_scipion.texts import outcome_lines

_LISTED_PARTS = 60  # lines; report.json and the viewer have all parts
_LISTED_MAPS = 8  # in the line of a part
_KINDS = {"chain": "chains", "entity": "entities"}
# The methods text names the occupancies only if there are at most this many.
_MAX_PARTS_IN_METHODS = 6


def plan_text(settings: Settings) -> str:
    """Return what a run with these settings will do, in one line."""
    whole = f"1 is the density of {settings.model_whole}" if settings.model_whole else "1 is the best occupied parts"
    return f"Occupancy of the parts of a model ({_kind(settings.model_groups)}); {whole}."


def masked_parts(model: Report) -> List[Mapping[str, Any]]:
    """Return the parts that have a mask, from the model's part of the report."""
    return [part for part in model["parts"] if part["mask"]]


def summary_lines(report: Report, *, frame_note: str = "") -> List[str]:
    """Return the lines of a run's summary: a line for each part, what 1 means, differences, warnings.

    Parameters
    ----------
    report : dict
        As in report.json.
    frame_note : str
        Note about the frame of the model in Scipion, which replaces the warning about the frame of the header.
    """
    model = report["model"]
    name = os.path.basename(model["model"])
    lines = [*outcome_lines(report), f"*Occupancy of the {_kind(model['parts_are'])} of {name}, with 90 % intervals:*"]
    lines += _part_lines(model)
    lines += ["", sentence(model["one_means"])]
    lines += [f"{line}." for line in difference_lines(model)]  # they begin with names of parts
    correlations = ", ".join(f"{item['correlation']:.2f}" for item in model["maps"][:_LISTED_MAPS])
    lines.append(
        f"Fitted at {model['finest_angstrom']:.3g} Å; correlation of the model with "
        f"{'the map' if len(model['maps']) == 1 else 'the maps'}: {correlations}."
    )
    masked = masked_parts(model)
    if masked:
        names = ", ".join(f"{number}: {part['name']}" for number, part in enumerate(masked, start=1))
        lines.append(f"Masks (partMask): {names}.")
    warnings = [text for text in model["warnings"] if text != model["frame_warning"]]
    lines += _warning_lines(warnings)
    lines += [f"Note: {frame_note}."] if frame_note else []
    lines += _warning_lines(report["warnings"])
    for item in report["failed"]:
        lines.append(f"Warning: no local scale: {item['reason']}")
    return [*lines, "", f"OccuPy for Scipion and RELION {report['version']}"]


def methods_text(report: Report) -> str:
    """Return a paragraph for the methods section of a paper, with the values that the run used."""
    model = report["model"]
    maps, parts = model["maps"], model["parts"]
    count = f"the {len(parts)} parts ({_kind(model['parts_are'])})" if len(parts) > 1 else "the only part"
    subject = "the map" if len(maps) == 1 else f"{len(maps)} maps (on one scale)"
    text = (
        f"The occupancies of {count} of the atomic model {os.path.basename(model['model'])} in {subject} were "
        f"estimated with scipion-em-occupy {report['version']}, an extension of OccuPy [{REFERENCE}], by a "
        "least-squares fit of the densities of the parts, computed from their atoms, at "
        f"{model['finest_angstrom']:.3g} Å."
    )
    sentences = [text, sentence(model["one_means"])]
    if len(maps) == 1 and len(parts) <= _MAX_PARTS_IN_METHODS:
        values = ", ".join(f"{part['name']} {interval_text(part['occupancies'][0])}" for part in parts)
        sentences.append(f"The occupancies, with 90 % intervals, were: {values}.")
    elif len(maps) > 1:
        names = list(dict.fromkeys(item["part"] for item in model["differences"]))
        sentences.append(
            f"Between the maps, {', '.join(names) if names else 'no part'} differed by more than noise explains."
        )
    return " ".join(sentences)


def _kind(groups: str) -> str:
    return _KINDS.get(groups, f"parts in {os.path.basename(groups)}")


def _part_lines(model: Report) -> List[str]:
    """Return a line for each part with its occupancies in the first maps, as in logs.

    Scipion's letters differ in width: the columns of a table would not stand below each other.
    """
    parts = model["parts"][:_LISTED_PARTS]
    lines = [part_text({**part, "occupancies": part["occupancies"][:_LISTED_MAPS]}) for part in parts]
    more_parts, more_maps = len(model["parts"]) - len(parts), len(model["maps"]) - _LISTED_MAPS
    lines += [f"and {more_parts} more parts, in report.json"] if more_parts > 0 else []
    return lines + ([f"and {more_maps} more maps, in report.json"] if more_maps > 0 else [])


def _warning_lines(warnings: Sequence[str]) -> List[str]:
    return [f"Warning: {with_form_labels(text)}" for text in warnings]
