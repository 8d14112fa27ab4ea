# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers, Markdown tables and bounds of the comparison of classes in RELION's classifications."""

from __future__ import annotations

import math
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from benchmarks.occupancy.tables import markdown
from benchmarks.runs.measure import Outcome, PartOutcome, Reading
from benchmarks.runs.truth import MIN_SEPARATED
from occupy_core.comparing.occupancies import Interval

LARGE_SPREAD, SMALL_SPREAD = 0.5, 0.15  # differences of the true fractions, by which errors are grouped
MIN_FOUND = 0.95  # share of the separated differences that have a sure region
# Mean errors of the occupancies, at large and at small differences.
MAX_ERRORS = (0.04, 0.06)
MIN_HELD, MAX_HELD = 0.85, 0.97  # share of the 90 % intervals that hold the true fraction


class Held(NamedTuple):
    """How many intervals hold the true value."""

    number: int
    held: int

    @property
    def text(self) -> str:
        """Return the numbers and the share in words."""
        return f"{self.held} of {self.number} ({self.held / self.number:.0%})" if self.number else "-"


def judged(outcomes: Sequence[Outcome]) -> List[PartOutcome]:
    """Return the differences that RELION separated, of 20 kDa or more."""
    return [part for item in outcomes for part in item.parts if part.is_judged]


def readings(outcomes: Sequence[Outcome], low: float, high: float = math.inf, *, sure: bool = True) -> List[Reading]:
    """Return the readings of the sure or unsure regions on parts whose spread is at least `low` and below `high`."""
    chosen = [part.sure if sure else part.unsure for item in outcomes for part in item.parts]
    return [item for item in chosen if item is not None and low <= item.spread < high]


def mean_error(chosen: Sequence[Reading]) -> float:
    """Return the mean of |occupancy - true fraction| over parts and compared classes; NaN without a reading."""
    errors = [abs(one.value - true) for item in chosen for one, true in zip(item.occupancies, item.fractions)]
    return float(np.mean(errors)) if errors else float("nan")


def mean_error_with_known_parts(chosen: Sequence[Reading]) -> float:
    """Return the mean error of a regression that knows the density of every part, as `mean_error`."""
    errors = [abs(one - true) for item in chosen for one, true in zip(item.with_known_parts, item.fractions)]
    return float(np.mean(errors)) if errors else float("nan")


def by_model(outcomes: Sequence[Outcome]) -> str:
    """Return a table of the errors and intervals of a fitted model's occupancies, by the spread of the fractions."""
    groups = (
        (f"true fractions differ by {LARGE_SPREAD:g} and more", LARGE_SPREAD, math.inf),
        (f"by {SMALL_SPREAD:g} to {LARGE_SPREAD:g}", SMALL_SPREAD, LARGE_SPREAD),
        (f"by less than {SMALL_SPREAD:g}", 0.0, SMALL_SPREAD),
        ("**all**", 0.0, math.inf),
    )
    read = [item for outcome in outcomes for item in outcome.by_model if item is not None]
    refused = sum(item is None for outcome in outcomes for item in outcome.by_model)
    rows = []
    for name, low, high in groups:
        chosen = [item for item in read if low <= item.spread < high]
        pairs = [pair for item in chosen for pair in zip(item.occupancies, item.fractions)]
        error = f"{np.mean([abs(one.value - true) for one, true in pairs]):.3f}" if pairs else "-"
        rows.append([name, str(len(chosen)), error, _held(pairs).text])
    rows.append(["the model is refused: it does not lie in any class", str(refused), "-", "-"])
    rows.append(["in classes that do not show the model", str(sum(item.unseen for item in read)), "-", "-"])
    return markdown(["parts", "number", "error of the fitted model", "90 % intervals that hold"], rows)


def intervals_of_classes(chosen: Sequence[Reading]) -> Held:
    """Return how many intervals of the occupancies in classes hold the true fraction."""
    return _held([pair for item in chosen for pair in zip(item.occupancies, item.fractions)])


def intervals_of_differences(chosen: Sequence[Reading]) -> Held:
    """Return how many intervals of the largest difference between two classes hold the true difference."""
    return _held([(item.difference, item.spread) for item in chosen])


def intervals_of_all(chosen: Sequence[Reading]) -> Held:
    """Return how many intervals of the occupancy over all particles hold the fraction of all particles."""
    return _held([(item.of_all, item.fraction_of_all) for item in chosen if item.of_all is not None])


def false_regions(identical: Sequence[Outcome]) -> str:
    """Return a table of the regions in classes of identical particles, by mask, poses and noise."""
    rows = [
        [
            title,
            str(len(group)),
            str(sum(is_compared(item) for item in group)),
            str(sum(item.false_sure for item in group)),
            str(sum(item.false_unsure for item in group)),
            str(sum(item.false_by_peer for item in group)),
        ]
        for title, group in _conditions(identical)
    ]
    head = ["classifications", "runs", "with two classes or more", "sure regions", "unsure regions"]
    return markdown([*head, "pieces of difference maps"], rows)


def found(differing: Sequence[Outcome]) -> str:
    """Return a table of the separated differences that were found, by spread and by conditions."""
    groups: Dict[str, List[PartOutcome]] = {
        f"true fractions differ by {LARGE_SPREAD:g} and more": [
            part for part in judged(differing) if part.spread >= LARGE_SPREAD
        ],
        f"by {MIN_SEPARATED:g} to {LARGE_SPREAD:g}": [part for part in judged(differing) if part.spread < LARGE_SPREAD],
    }
    groups.update((title, judged(group)) for title, group in _conditions(differing))
    others = [part for item in differing for part in item.parts if not part.is_judged]
    groups[f"not separated: by {SMALL_SPREAD:g} to {MIN_SEPARATED:g}"] = [
        part for part in others if part.spread >= SMALL_SPREAD
    ]
    groups[f"not separated: by less than {SMALL_SPREAD:g}"] = [part for part in others if part.spread < SMALL_SPREAD]
    head = ["differences", "number", "sure region", "unsure region", "missed", "found in difference maps"]
    return markdown(head, [[title, *_counts(parts)] for title, parts in groups.items()])


def accuracy(differing: Sequence[Outcome]) -> str:
    """Return a table of the occupancy errors and of the intervals that hold the true values."""
    groups = {
        f"sure, true fractions differ by {LARGE_SPREAD:g} and more": readings(differing, LARGE_SPREAD),
        f"sure, by {SMALL_SPREAD:g} to {LARGE_SPREAD:g}": readings(differing, SMALL_SPREAD, LARGE_SPREAD),
        f"sure, by less than {SMALL_SPREAD:g}": readings(differing, 0.0, SMALL_SPREAD),
        "all sure regions": readings(differing, 0.0),
        "unsure regions": readings(differing, 0.0, sure=False),
    }
    rows = [
        [
            title,
            str(len(chosen)),
            *(f"{error(chosen):.3f}" if chosen else "-" for error in (mean_error, mean_error_with_known_parts)),
            intervals_of_classes(chosen).text,
            intervals_of_differences(chosen).text,
            intervals_of_all(chosen).text,
        ]
        for title, chosen in groups.items()
    ]
    head = [
        "regions",
        "number",
        "mean error of the occupancies",
        "if the parts were known",
        "intervals hold: in classes",
    ]
    return markdown([*head, "differences", "over all particles"], rows)


def runs(outcomes: Sequence[Outcome]) -> str:
    """Return a table with a row for each run."""
    rows = []
    for item in outcomes:
        drawn = item.run.particles
        parts = "; ".join(f"{part.mass:.0f} kDa, {part.spread:.2f}: {_verdict(part)}" for part in item.parts)
        rows.append(
            [
                drawn.model.title.split(",")[0],
                "yes" if item.run.masked else "no",
                poses_of(item),
                f"{drawn.noise:g}",
                ", ".join(map(str, item.particles)),
                f"{item.lowpass:.0f} Å" if is_compared(item) else "-",
                parts or "identical",
                f"{item.false_sure}, {item.false_unsure}, {item.false_by_peer}",
            ]
        )
    head = ["model", "mask", "poses", "noise", "particles of the classes", "low-pass", "parts: spread and result"]
    return markdown([*head, "false: sure, unsure, difference maps"], rows)


def bounds_missed(identical: Sequence[Outcome], differing: Sequence[Outcome]) -> List[str]:
    """Return a sentence for each bound that is missed."""
    missed = [
        f"{item.run.name} ({item.run.particles.model.title}): {item.false_sure} sure regions in classes of identical "
        "particles, expected none"
        for item in identical
        if item.false_sure
    ]
    parts = judged(differing)
    sure = sum(part.sure is not None for part in parts)
    if parts and sure < MIN_FOUND * len(parts):
        missed.append(f"{sure} of {len(parts)} separated differences have a sure region, expected {MIN_FOUND:.0%}")
    groups = (readings(differing, LARGE_SPREAD), readings(differing, SMALL_SPREAD, LARGE_SPREAD))
    names = (f"{LARGE_SPREAD:g} and more", f"{SMALL_SPREAD:g} to {LARGE_SPREAD:g}")
    for name, chosen, limit in zip(names, groups, MAX_ERRORS):
        if mean_error(chosen) > limit:
            missed.append(
                f"the mean error of the occupancies is {mean_error(chosen):.3f} where true fractions differ by {name}, "
                f"expected at most {limit:g} (if the parts were known: {mean_error_with_known_parts(chosen):.3f})"
            )
    held = intervals_of_classes(readings(differing, 0.0))
    if held.number and not MIN_HELD <= held.held / held.number <= MAX_HELD:
        missed.append(
            f"{held.text} of the 90 % intervals of the occupancies in classes hold the true fraction, expected "
            f"{MIN_HELD:.0%} to {MAX_HELD:.0%}"
        )
    return missed


def against_peer(identical: Sequence[Outcome], differing: Sequence[Outcome]) -> str:
    """Return a table of false regions and of differences found, of sure regions and of difference maps."""
    parts = judged(differing)
    rows = []
    for title, group in (("identical particles", identical), ("known differences", differing)):
        ours, by_peer = (sum(getattr(item, name) for item in group) for name in ("false_sure", "false_by_peer"))
        rows.append([f"false regions in {len(group)} runs of {title}", str(ours), str(by_peer), _ratio(by_peer, ours)])
    ours, by_peer = sum(part.sure is not None for part in parts), sum(part.found_by_peer for part in parts)
    rows.append([f"found of {len(parts)} separated differences", str(ours), str(by_peer), _ratio(by_peer, ours)])
    return markdown(["", "sure regions", "difference maps", "ratio"], rows)


def is_compared(outcome: Outcome) -> bool:
    """Return whether two or more classes of a run could be compared."""
    return not math.isnan(outcome.lowpass)


def poses_of(outcome: Outcome) -> str:
    """Return in one word how a run got its poses."""
    if outcome.run.aligned:
        return "aligned"
    return "errors" if any(outcome.run.particles.pose_error) else "exact"


def _conditions(outcomes: Sequence[Outcome]) -> List[Tuple[str, List[Outcome]]]:
    """Return the groups of runs of which tables have a row, with their titles."""
    kinds: Sequence[Callable[[Outcome], str]] = (
        lambda item: "with a mask" if item.run.masked else "without a mask",
        lambda item: {"exact": "exact poses", "errors": "poses with errors", "aligned": "local search"}[poses_of(item)],
        lambda item: f"noise {item.run.particles.noise:g}",
    )
    groups: List[Tuple[str, List[Outcome]]] = []
    for kind in kinds:
        titles = sorted({kind(item) for item in outcomes})
        groups += [(title, [item for item in outcomes if kind(item) == title]) for title in titles]
    return [*groups, ("**all**", list(outcomes))]


def _counts(parts: Sequence[PartOutcome]) -> List[str]:
    verdicts = [_verdict(part) for part in parts]
    by_peer = sum(part.found_by_peer for part in parts)
    return [str(len(parts)), *(str(verdicts.count(word)) for word in ("sure", "unsure", "missed")), str(by_peer)]


def _verdict(part: PartOutcome) -> str:
    if part.sure is not None:
        return "sure"
    return "missed" if part.unsure is None else "unsure"


def _ratio(by_peer: int, ours: int) -> str:
    return f"{by_peer / ours:.2f}" if ours else f"{by_peer} to none"


def _held(pairs: Sequence[Tuple[Interval, float]]) -> Held:
    return Held(len(pairs), sum(interval.low <= true <= interval.high for interval, true in pairs))
