# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the occupancies of the sure regions against the fractions of the particles that have the part."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import numpy as np

from benchmarks.runs.measure import Outcome
from benchmarks.runs.tables import LARGE_SPREAD, SMALL_SPREAD, readings


def draw(differing: Sequence[Outcome], path: Path) -> None:
    """Write the figure: a point for each sure region and compared class, with its 90 % interval.

    Parameters
    ----------
    differing : sequence of Outcome
        Runs with known differences.
    path : Path
        A PNG file.
    """
    from matplotlib.figure import Figure

    groups = (
        (LARGE_SPREAD, np.inf, f"{LARGE_SPREAD:g} and more", "C0", "o"),
        (SMALL_SPREAD, LARGE_SPREAD, f"{SMALL_SPREAD:g} to {LARGE_SPREAD:g}", "C1", "s"),
        (0.0, SMALL_SPREAD, f"less than {SMALL_SPREAD:g}", "C3", "^"),
    )
    figure = Figure(figsize=(5.6, 5.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, zorder=0)
    for low, high, title, colour, marker in groups:
        chosen = readings(differing, low, high)
        if not chosen:
            continue
        true = np.array([fraction for item in chosen for fraction in item.fractions])
        limits = np.array([interval for item in chosen for interval in item.occupancies])
        errors = np.abs(limits[:, [0, 2]] - limits[:, [1]]).T
        style = {"fmt": marker, "color": colour, "markersize": 4.5, "elinewidth": 0.8, "alpha": 0.75, "linewidth": 0}
        axes.errorbar(true, limits[:, 1], yerr=errors, label=title, **style)
    axes.set(xlabel="fraction of the class's particles that have the part", ylabel="occupancy of the sure region")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(title="largest difference\nof the fractions", loc="upper left", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
