# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of errors, in Markdown."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from benchmarks.occupancy import measure
from benchmarks.occupancy.measure import Reading
from benchmarks.occupancy.suite import CALIBRATED, CALIBRATED_RESOLUTION, PROTOTYPE, PUBLISHED, TILED, Outcome

METHODS = (PUBLISHED["resolution"], PUBLISHED["occupancy"], TILED, PROTOTYPE, CALIBRATED)
Measure = Callable[[Sequence[Reading]], float]


def mean(outcomes: Sequence[Outcome], method: str, of: Measure) -> float:
    """The mean over maps of a measure, without those that have none; NaN when no map has one."""
    values = [of(item.chains[method]) for item in outcomes if method in item.chains]
    values = [value for value in values if not np.isnan(value)]
    return float(np.mean(values)) if values else float("nan")


def coverage(outcomes: Sequence[Outcome]) -> float:
    """How often the truth lies in the 90 % interval."""
    return float(np.mean([item.covered for outcome in outcomes for item in outcome.chains[CALIBRATED]]))


def lower_quartile_of_whole(outcomes: Sequence[Outcome]) -> float:
    """Mean over all whole chains of the lower quartile of the calibrated scale."""
    chains = [item for outcome in outcomes for item in outcome.chains[CALIBRATED]]
    return float(np.mean([item.lower_quartile for item in chains if item.truth == 1]))


def errors_by(outcomes: Sequence[Outcome], heading: str, key: Callable[[Outcome], str]) -> str:
    """A row for each value of `key` and one for all: the errors of every method, as they stand / after division by a
    whole chain, and how often intervals hold."""
    methods = [name for name in METHODS if name in outcomes[0].chains]
    rows = [
        [title, *(_errors(group, name) for name in methods), f"{coverage(group):.0%}"]
        for title, group in _groups(outcomes, key)
    ]
    return markdown([heading, *methods, "interval holds"], rows)


def ratio(outcomes: Sequence[Outcome], mode: str, of: Measure) -> float:
    """The calibrated error relative to that of the published program in one of its modes."""
    return mean(outcomes, CALIBRATED, of) / mean(outcomes, PUBLISHED[mode], of)


def ratios(outcomes: Sequence[Outcome]) -> str:
    """A row for each noise: the calibrated error relative to the published program's, as they stand / after
    division."""
    rows = []
    for title, group in _groups(outcomes, lambda item: f"{item.case.conditions.noise:g}"):
        pairs = (
            [ratio(group, mode, of) for of in (measure.absolute_error, measure.relative_error)] for mode in PUBLISHED
        )
        rows.append([title, *(f"{absolute:.2f} / {relative:.2f}" for absolute, relative in pairs)])
    return markdown(["noise", *(f"of {name}" for name in PUBLISHED.values())], rows)


def harder(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """A row for each harder condition."""
    rows = [
        [
            title,
            _errors(group, CALIBRATED),
            f"{np.mean([item.median - item.truth for one in group for item in one.chains[CALIBRATED]]):+.3f}",
            f"{coverage(group):.0%}",
        ]
        for title, group in outcomes.items()
    ]
    head = ["maps", "calibrated", "reads too high by", "interval holds"]
    return markdown(head, rows)


def flexible(outcomes: Mapping[Tuple[float, float], Sequence[Outcome]]) -> str:
    """What whole chains read that are flexible, in both modes: mean and lowest."""
    rows = []
    for (extra, noise), group in outcomes.items():
        cells = [f"{extra:.0f} Å²", f"{noise:g}"]
        for method in (CALIBRATED, CALIBRATED_RESOLUTION):
            values = [item.median for one in group for item in one.chains[method] if item.flexible]
            cells.append(f"{np.mean(values):.2f} ({min(values):.2f})" if values else "none")
        rows.append(cells)
    return markdown(["extra B", "noise", "occupancy mode: mean (lowest)", "resolution mode: mean (lowest)"], rows)


def nucleic(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """What nucleic acid and protein read beside each other."""
    rows = []
    for title, group in outcomes.items():
        for outcome in group:
            names = outcome.case.model.nucleic
            readings: Dict[bool, List[float]] = {True: [], False: []}
            for item in outcome.chains[CALIBRATED]:
                readings[item.chain in names].append(item.median)
            resolution = f"{outcome.case.conditions.resolution:g} Å"
            rows.append([title, resolution, *(f"{np.mean(readings[kind]):.2f}" for kind in (True, False))])
    return markdown(["occupancies", "resolution", "DNA reads", "protein reads"], rows)


def rank_correlations(outcomes: Sequence[Outcome]) -> str:
    """One line: the rank correlation of each method."""
    methods = [name for name in METHODS if name in outcomes[0].chains]
    return ", ".join(f"{name} {mean(outcomes, name, measure.rank_correlation):.3f}" for name in methods)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _errors(outcomes: Sequence[Outcome], method: str) -> str:
    absolute, relative = (mean(outcomes, method, of) for of in (measure.absolute_error, measure.relative_error))
    return f"{absolute:.3f}" if np.isnan(relative) else f"{absolute:.3f} / {relative:.3f}"


def _groups(outcomes: Sequence[Outcome], key: Callable[[Outcome], str]) -> List[Tuple[str, List[Outcome]]]:
    groups: Dict[str, List[Outcome]] = {}
    for item in outcomes:
        groups.setdefault(key(item), []).append(item)
    return [*groups.items(), ("**all**", list(outcomes))]
