# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for ChimeraX that open the mean map of each cluster and the masks of the parts of an ensemble."""

from __future__ import annotations

from typing import Any, List, Mapping

from occupy_core.reporting.chimerax_words import quoted

Report = Mapping[str, Any]

# Colours of the parts and regions on the pages (matplotlib's C0 to C9), in the order of their numbers.
PART_COLOURS = "#1f77b4 #ff7f0e #2ca02c #d62728 #9467bd #8c564b #e377c2 #7f7f7f #bcbd22 #17becf".split()
_TRANSPARENCY = 60  # percent


def ensemble_commands(ensemble: Report, first: int = 1, *, shows_means: bool = True) -> List[str]:
    """Return commands that open the mean maps, of which the first is shown, and the parts as transparent surfaces.

    All mean maps have the level that is above the noise of each, so that what looks weaker in one of them is weaker.

    Parameters
    ----------
    ensemble : mapping
        The ensemble's part of report.json.
    first : int
        Number of the first model in ChimeraX.
    shows_means : bool
        Whether the first mean map is shown; otherwise all are hidden.
    """
    lines: List[str] = []
    level = max((cluster["surface_level"] for cluster in ensemble["clusters"]), default=0.0)
    number = first
    for cluster in ensemble["clusters"]:
        lines += [
            f"# #{number}: mean of cluster {cluster['number']}, {cluster['volumes']} volumes",
            f"open {quoted(cluster['mean'])}",
            f"volume #{number} style surface step 1 limitVoxelCount false level {level:.6g}",
            f"color #{number} #c8c8c8 target s",
            *([f"hide #{number} models"] if number > first or not shows_means else []),
            "",
        ]
        number += 1
    for part in ensemble["parts"]:
        kind = "moves" if part["moves"] else "comes and goes"
        lines += [
            f"# #{number}: part {part['number']}, which {kind}",
            f"open {quoted(part['mask'])}",
            f"volume #{number} style surface step 1 limitVoxelCount false level 0.5",
            f"color #{number} {PART_COLOURS[(part['number'] - 1) % len(PART_COLOURS)]} target s",
            f"transparency #{number} {_TRANSPARENCY} target s",
            "",
        ]
        number += 1
    return lines
