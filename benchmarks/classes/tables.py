# SPDX-License-Identifier: GPL-3.0-or-later
"""What the comparison of classes found, in tables and in words."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np

from benchmarks.classes.measure import LEAST_COVERAGE, LEAST_SHARE, Match, Outcome
from benchmarks.occupancy.tables import markdown

MOST_NOISE = 0.2  # of the best class, up to which the bounds must hold
MOST_ERROR = 0.1


def noise_of(outcome: Outcome) -> float:
    """Of the best class."""
    return outcome.scenario.conditions[0].noise


def counted(outcomes: Sequence[Outcome]) -> List[Outcome]:
    """Those of noise that bounds count for."""
    return [item for item in outcomes if noise_of(item) <= MOST_NOISE]


def beyond(outcomes: Sequence[Outcome]) -> List[Outcome]:
    """Those of more noise, which are shown and not counted."""
    return [item for item in outcomes if noise_of(item) > MOST_NOISE]


def by_noise(outcomes: Sequence[Outcome]) -> str:
    """A row for each noise, one for all that bounds may count for, and one for those above."""
    groups = [(f"{noise:g}", [item for item in outcomes if noise_of(item) == noise]) for noise in _noises(outcomes)]
    groups += [(f"**up to {MOST_NOISE:g}**", counted(outcomes)), ("**above**", beyond(outcomes))]
    rows = []
    for title, group in groups:
        if not group:
            continue
        matches = _matches(group)
        counts = [str(sum(getattr(item, name) for item in group)) for name in ("fragments", "merged", "false_regions")]
        rows.append([title, found(group), _error_text(group), _lowest(matches), *counts])
    head = ["noise", "found", "occupancy error", "lowest coverage, share", "more regions on it", "joined to another"]
    return markdown([*head, "false regions"], rows)


def by_classification(outcomes: Sequence[Outcome]) -> str:
    """A row for each simulated classification."""
    rows = []
    for item in outcomes:
        best = item.scenario.conditions[0]
        rows.append(
            [
                item.scenario.model.title.split(",")[0],
                str(len(item.scenario.conditions)),
                f"{best.noise:g}",
                f"{best.resolution:g} Å, {item.scenario.kind}",
                f"{item.lowpass:.3g} Å",
                found([item]),
                _lowest(item.matches),
                _error_text([item]),
                str(item.false_regions),
            ]
        )
    head = ["model", "classes", "noise", "best map", "low-pass", "found", "lowest coverage, share", "occupancy error"]
    return markdown([*head, "false regions"], rows)


def bounds_missed(different: Sequence[Outcome], same: Sequence[Outcome]) -> List[str]:
    """What must hold and does not, in words."""
    within = counted(different)
    missed = not_found(within)
    if within and not error(within) <= MOST_ERROR:
        missed.append(f"the mean occupancy error is {error(within):.3f}, expected at most {MOST_ERROR}")
    for item in same:
        if item.regions:
            noises = ", ".join(f"{how.noise:.2f}" for how in item.scenario.conditions)
            missed.append(
                f"{item.scenario.model.title}: {item.regions} regions in classes that do not differ "
                f"(noise {noises}; {item.scenario.kind})"
            )
    return missed


def not_found(outcomes: Sequence[Outcome]) -> List[str]:
    """Each difference that has no region as it must be, in words."""
    return [
        f"{item.scenario.model.title}, noise {noise_of(item):g}, {item.scenario.kind}: chains "
        f"{'+'.join(match.difference.chains)} ({match.difference.mass:.0f} kDa; occupancies "
        f"{', '.join(f'{value:g}' for value in match.difference.pattern)}): coverage {match.coverage:.2f} (expected "
        f"{LEAST_COVERAGE:g}), share {match.share:.2f} (expected {LEAST_SHARE:g})"
        for item in outcomes
        for match in item.matches
        if not match.is_found
    ]


def found(outcomes: Sequence[Outcome]) -> str:
    """How many differences are found, of how many."""
    matches = _matches(outcomes)
    return f"{sum(match.is_found for match in matches)} of {len(matches)}"


def false_regions(outcomes: Sequence[Outcome]) -> int:
    """How many regions lie mostly on nothing that differs."""
    return sum(item.false_regions for item in outcomes)


def error(outcomes: Sequence[Outcome]) -> float:
    """Mean occupancy error of the differences that have a region; NaN where none has."""
    errors = [match.error for match in _matches(outcomes) if match.occupancies]
    return float(np.mean(errors)) if errors else float("nan")


def _error_text(outcomes: Sequence[Outcome]) -> str:
    value = error(outcomes)
    return "-" if np.isnan(value) else f"{value:.3f}"


def _lowest(matches: Sequence[Match]) -> str:
    if not matches:
        return "-"
    return f"{min(match.coverage for match in matches):.2f}, {min(match.share for match in matches):.2f}"


def _matches(outcomes: Sequence[Outcome]) -> List[Match]:
    return [match for item in outcomes for match in item.matches]


def _noises(outcomes: Sequence[Outcome]) -> List[float]:
    return sorted({noise_of(item) for item in outcomes})
