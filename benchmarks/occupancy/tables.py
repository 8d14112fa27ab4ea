# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown tables of the errors of every method."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from benchmarks.occupancy.measure import Reading, absolute_error, rank_correlation, relative_error
from benchmarks.occupancy.suite import CALIBRATED, CALIBRATED_RESOLUTION, PROTOTYPE, PUBLISHED, TILED, Outcome

METHODS = (PUBLISHED["resolution"], PUBLISHED["occupancy"], TILED, PROTOTYPE, CALIBRATED)
Measure = Callable[[Sequence[Reading]], float]


def mean_measure(outcomes: Sequence[Outcome], method: str, measure: Measure) -> float:
    """Return the mean of a measure over the maps, without maps where it is NaN; NaN when no map is left."""
    values = [measure(item.chains[method]) for item in outcomes if method in item.chains]
    values = [value for value in values if not np.isnan(value)]
    return float(np.mean(values)) if values else float("nan")


def coverage(outcomes: Sequence[Outcome]) -> float:
    """Return the share of the chains (0..1) whose true occupancy lies in the 90 % interval of the calibrated scale."""
    return float(np.mean([item.covered for outcome in outcomes for item in outcome.chains[CALIBRATED]]))


def lower_quartile_of_full_chains(outcomes: Sequence[Outcome]) -> float:
    """Return the mean over all fully occupied chains of the lower quartile of the calibrated scale."""
    chains = [item for outcome in outcomes for item in outcome.chains[CALIBRATED]]
    return float(np.mean([item.lower_quartile for item in chains if item.truth == 1]))


def errors_by(outcomes: Sequence[Outcome], heading: str, key: Callable[[Outcome], str]) -> str:
    """Return a table of the errors of every method, one row for each value of `key` and one for all maps.

    Each cell has the absolute and the relative error; the last column has the coverage of the interval.
    """
    methods = [name for name in METHODS if name in outcomes[0].chains]
    rows = [
        [title, *(_errors(group, name) for name in methods), f"{coverage(group):.0%}"]
        for title, group in _groups(outcomes, key)
    ]
    return markdown([heading, *methods, "interval holds"], rows)


def error_ratio(outcomes: Sequence[Outcome], mode: str, measure: Measure) -> float:
    """Return the error of the calibrated scale divided by that of the published program in one of its modes."""
    return mean_measure(outcomes, CALIBRATED, measure) / mean_measure(outcomes, PUBLISHED[mode], measure)


def error_ratios(outcomes: Sequence[Outcome]) -> str:
    """Return a table of the ratios of absolute and relative errors (`error_ratio`), one row for each noise."""
    rows = []
    for title, group in _groups(outcomes, lambda item: f"{item.case.conditions.noise:g}"):
        pairs = (
            [error_ratio(group, mode, measure) for measure in (absolute_error, relative_error)] for mode in PUBLISHED
        )
        rows.append([title, *(f"{absolute:.2f} / {relative:.2f}" for absolute, relative in pairs)])
    return markdown(["noise", *(f"relative to {name}" for name in PUBLISHED.values())], rows)


def harder(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """Return a table of the errors of the calibrated scale, one row for each harder condition."""
    rows = [
        [
            title,
            _errors(group, CALIBRATED),
            f"{np.mean([item.median - item.truth for one in group for item in one.chains[CALIBRATED]]):+.3f}",
            f"{coverage(group):.0%}",
        ]
        for title, group in outcomes.items()
    ]
    head = ["maps", "calibrated", "mean of median - truth", "interval holds"]
    return markdown(head, rows)


def flexible(outcomes: Mapping[Tuple[float, float], Sequence[Outcome]]) -> str:
    """Return a table of the scale of flexible, fully occupied chains in both modes: mean and lowest median."""
    rows = []
    for (extra_b, noise), group in outcomes.items():
        cells = [f"{extra_b:.0f} Å²", f"{noise:g}"]
        for method in (CALIBRATED, CALIBRATED_RESOLUTION):
            values = [item.median for one in group for item in one.chains[method] if item.flexible]
            cells.append(f"{np.mean(values):.2f} ({min(values):.2f})" if values else "none")
        rows.append(cells)
    head = ["additional B", "noise", "occupancy mode: mean (lowest)", "resolution mode: mean (lowest)"]
    return markdown(head, rows)


def nucleic(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """Return a table of the mean calibrated scale of nucleic acid and of protein in the same complex."""
    rows = []
    for title, group in outcomes.items():
        for outcome in group:
            names = outcome.case.model.nucleic
            medians: Dict[bool, List[float]] = {True: [], False: []}
            for item in outcome.chains[CALIBRATED]:
                medians[item.chain in names].append(item.median)
            resolution = f"{outcome.case.conditions.resolution:g} Å"
            rows.append([title, resolution, *(f"{np.mean(medians[is_nucleic]):.2f}" for is_nucleic in (True, False))])
    return markdown(["occupancies", "resolution", "scale of DNA", "scale of protein"], rows)


def rank_correlations(outcomes: Sequence[Outcome]) -> str:
    """Return a line with the mean rank correlation of each method."""
    methods = [name for name in METHODS if name in outcomes[0].chains]
    return ", ".join(f"{name} {mean_measure(outcomes, name, rank_correlation):.3f}" for name in methods)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _errors(outcomes: Sequence[Outcome], method: str) -> str:
    absolute, relative = (mean_measure(outcomes, method, measure) for measure in (absolute_error, relative_error))
    return f"{absolute:.3f}" if np.isnan(relative) else f"{absolute:.3f} / {relative:.3f}"


def _groups(outcomes: Sequence[Outcome], key: Callable[[Outcome], str]) -> List[Tuple[str, List[Outcome]]]:
    """Return (title, maps) for each value of `key`, and one pair for all maps."""
    groups: Dict[str, List[Outcome]] = {}
    for item in outcomes:
        groups.setdefault(key(item), []).append(item)
    return [*groups.items(), ("**all**", list(outcomes))]
