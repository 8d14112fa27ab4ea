# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown tables and sentences about the results of the comparison of classes."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np

from benchmarks.classes.measure import MIN_COVERAGE, MIN_SHARE, Match, Outcome
from benchmarks.occupancy.tables import markdown

MAX_NOISE = 0.2  # of the best class; the bounds do not apply to noisier classifications
MAX_ERROR = 0.1  # mean occupancy error


def noise_of(outcome: Outcome) -> float:
    """Return the noise of the best class."""
    return outcome.scenario.conditions[0].noise


def within_max_noise(outcomes: Sequence[Outcome]) -> List[Outcome]:
    """Select the classifications to which the bounds apply."""
    return [item for item in outcomes if noise_of(item) <= MAX_NOISE]


def above_max_noise(outcomes: Sequence[Outcome]) -> List[Outcome]:
    """Select the classifications that are too noisy for the bounds."""
    return [item for item in outcomes if noise_of(item) > MAX_NOISE]


def by_noise(outcomes: Sequence[Outcome]) -> str:
    """Return a table with a row for each noise of the best class, a total up to `MAX_NOISE` and a total above it."""
    groups = [(f"{noise:g}", [item for item in outcomes if noise_of(item) == noise]) for noise in _noises(outcomes)]
    groups += [(f"**up to {MAX_NOISE:g}**", within_max_noise(outcomes)), ("**above**", above_max_noise(outcomes))]
    rows = []
    for title, group in groups:
        if not group:
            continue
        matches = _matches(group)
        counts = [str(sum(getattr(item, name) for item in group)) for name in ("fragments", "merged", "false_regions")]
        rows.append([title, number_found(group), _error_text(group), _lowest(matches), *counts])
    head = ["noise", "found", "occupancy error", "lowest coverage, share", "additional regions", "merged differences"]
    return markdown([*head, "false regions"], rows)


def by_classification(outcomes: Sequence[Outcome]) -> str:
    """Return a table with a row for each simulated classification."""
    rows = []
    for item in outcomes:
        best = item.scenario.conditions[0]
        rows.append(
            [
                item.scenario.model.title.split(",")[0],
                str(len(item.scenario.conditions)),
                f"{best.noise:g}",
                f"{best.resolution:g} Å, {item.scenario.kind}",
                f"{item.lowpass:.3g} Å" if item.is_compared else "-",
                number_found([item]),
                _lowest(item.matches),
                _error_text([item]),
                str(item.false_regions),
            ]
        )
    head = ["model", "classes", "noise", "best map", "low-pass", "found", "lowest coverage, share", "occupancy error"]
    return markdown([*head, "false regions"], rows)


def bounds_missed(different: Sequence[Outcome], identical_sets: Sequence[Outcome]) -> List[str]:
    """Return a sentence for each bound that is missed.

    Parameters
    ----------
    different : sequence of Outcome
        Classifications with differences.
    identical_sets : sequence of Outcome
        Sets of classes that do not differ.
    """
    within = within_max_noise(different)
    missed = not_found(within)
    if within and not error(within) <= MAX_ERROR:
        missed.append(f"the mean occupancy error is {error(within):.3f}, expected at most {MAX_ERROR}")
    for item in identical_sets:
        if item.regions:
            noises = ", ".join(f"{conditions.noise:.2f}" for conditions in item.scenario.conditions)
            missed.append(
                f"{item.scenario.model.title}: {item.regions} regions in classes that do not differ "
                f"(noise {noises}; {item.scenario.kind})"
            )
    return missed


def not_found(outcomes: Sequence[Outcome]) -> List[str]:
    """Return a sentence for each difference that was not found."""
    return [
        f"{item.scenario.model.title}, noise {noise_of(item):g}, {item.scenario.kind}: chains "
        f"{'+'.join(match.difference.chains)} ({match.difference.mass:.0f} kDa; occupancies "
        f"{', '.join(f'{value:g}' for value in match.difference.pattern)}): coverage {match.coverage:.2f} (expected "
        f"{MIN_COVERAGE:g}), share {match.share:.2f} (expected {MIN_SHARE:g})"
        for item in outcomes
        for match in item.matches
        if not match.is_found
    ]


def number_found(outcomes: Sequence[Outcome]) -> str:
    """Return the number of differences found and the number of all differences, as "3 of 4"."""
    matches = _matches(outcomes)
    return f"{sum(match.is_found for match in matches)} of {len(matches)}"


def false_regions(outcomes: Sequence[Outcome]) -> int:
    """Return the number of regions that lie mostly where classes do not differ."""
    return sum(item.false_regions for item in outcomes)


def error(outcomes: Sequence[Outcome]) -> float:
    """Return the mean occupancy error of the differences that have a region; NaN when none has one."""
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
