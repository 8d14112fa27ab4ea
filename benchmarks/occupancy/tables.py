# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown tables of the errors of every method."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from benchmarks.occupancy.interval_suite import KINDS, MASSES, UNKNOWABLE
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
    """Return the share of the intervals (0..1) that hold the true occupancy of the chain; NaN without an interval."""
    return _held([item for outcome in outcomes for item in outcome.chains[CALIBRATED]])


def intervals(looked_at: Mapping[str, Sequence[Outcome]], unseen: Mapping[str, Sequence[Outcome]]) -> str:
    """Return a table of how many chains get an interval and how often it holds, by kind of map and by mass.

    Parameters
    ----------
    looked_at, unseen : mapping of str to sequence of Outcome
        Outcomes by the titles of `interval_suite.KINDS`: the maps on which constants were chosen, and others.
    """
    rows = [
        [title, *(cell for group in (looked_at, unseen) for cell in _interval_cells(_read_chains(group[title])))]
        for title in KINDS
    ]
    protein = [title for title, kind in KINDS.items() if kind.nucleic is False and not kind.extension]
    for low, high in MASSES:
        cells = []
        for group in (looked_at, unseen):
            chains = [item for title in protein if title not in UNKNOWABLE for item in _read_chains(group[title])]
            cells += _interval_cells([item for item in chains if low <= item.mass < high])
        limits = f"above {low:.0f}" if high == float("inf") else f"{low:.0f} to {high:.0f}"
        rows.append([f"chains of {limits} kDa, first four kinds", *cells])
    head = ["maps", "tuned: chains", "get one", "it holds", "unseen: chains", "get one", "it holds"]
    return markdown(head, rows)


def _read_chains(outcomes: Sequence[Outcome]) -> List[Reading]:
    """Return the readings of all chains but those of nucleic acid."""
    return [
        item
        for outcome in outcomes
        for item in outcome.chains[CALIBRATED]
        if item.chain not in outcome.case.model.nucleic
    ]


def _interval_cells(chains: Sequence[Reading]) -> List[str]:
    """Return the number of chains, the share that gets an interval, and the share of intervals that hold."""
    given = [item for item in chains if item.interval is not None]
    return [str(len(chains)), f"{len(given) / len(chains):.0%}" if chains else "-", _percent(_held(chains))]


def _held(chains: Sequence[Reading]) -> float:
    """Return the share of the intervals that hold; NaN without an interval."""
    given = [item.covered for item in chains if item.interval is not None]
    return float(np.mean(given)) if given else float("nan")


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{share:.0%}"


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
        [title, *(_errors(group, name) for name in methods), _percent(coverage(group))]
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
            _percent(coverage(group)),
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
