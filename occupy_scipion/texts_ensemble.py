# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts about a comparison of many volumes that users read in Scipion: the summary and the methods."""

from __future__ import annotations

from typing import Any, List, Mapping

from occupy_core.ensembles.describe import ensemble_lines
from occupy_scipion.constants import REFERENCE
from occupy_scipion.sentences import sentence

_LISTED_LINES = 40  # parts, clusters and rules in the summary; occupancy_volumes.csv and the PDF have all


def ensemble_summary_lines(ensemble: Mapping[str, Any]) -> List[str]:
    """Return the lines of a run's summary on the parts, the clusters and the rules.

    Parameters
    ----------
    ensemble : mapping
        The ensemble's part of report.json.
    """
    lines = ensemble_lines(ensemble)
    more = len(lines) - _LISTED_LINES
    shown = [sentence(text) for text in lines[:_LISTED_LINES]]
    return [*shown, *([f"And {more} lines more in logfile.pdf."] if more > 0 else []), ""]


def ensemble_methods_text(report: Mapping[str, Any]) -> str:
    """Return a paragraph for the methods section of a paper; `report` is the content of report.json."""
    ensemble = report["ensemble"]
    count = len(ensemble["volumes"])
    parts = sum(not part["moves"] for part in ensemble["parts"])
    return (
        f"{count} volumes were compared with OccuPy for Scipion and RELION (scipion-em-occupy {report['version']}; "
        f"local scale: [{REFERENCE}]) at a low-pass cutoff of {ensemble['lowpass_angstrom']:.3g} Å. They were brought "
        "to one grey scale by the part that all share. Voxels that vary by more than noise were described by "
        f"{len(ensemble['components'])} components of a singular value decomposition, and those that vary alike were "
        f"joined to parts. {parts} parts come and go. Their occupancies in each volume were read from its density "
        "relative to the mean of the volumes in which a part is densest, whose calibrated scale tells its occupancy."
    )
