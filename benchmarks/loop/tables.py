# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the benchmark, and the bounds that it holds the methods to."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from benchmarks.loop.measure import contingency
from benchmarks.loop.ways import CONFIDENCE, CONSENSUS, EXTERNAL, MASK, PASSED, PLAIN, TITLES, Outcome

# Least share of the particles in the same class with plain maps by our program as with those of relion_refine itself.
SAME_CLASS = 0.98


def scores_table(outcomes: Sequence[Outcome]) -> str:
    """Return a table: a row for each way; for each problem the accuracies of all seeds, and the means of the rest."""
    problems = list(dict.fromkeys(item.problem for item in outcomes))
    heads = [f"{item.name}, {item.number} particles, noise {item.noise:g}" for item in problems]
    lines = [f"| | {' | '.join(heads)} | time |", f"| --- |{' --- |' * (len(heads) + 1)}"]
    for way, title in TITLES.items():
        of_way = [item for item in outcomes if item.way == way]
        if of_way:
            cells = [_cell([item for item in of_way if item.problem == problem]) for problem in problems]
            seconds = statistics.median(item.seconds for item in of_way)  # some runs wait for other work
            lines.append(f"| {title} | {' | '.join(cells)} | {seconds:.0f} s |")
    return "\n".join(lines)


def identical_table(outcomes: Sequence[Outcome]) -> str:
    """Return a table of the classifications of identical particles: sure regions, sizes of the classes."""
    ways = [way for way in TITLES if any(item.way == way for item in outcomes)]
    lines = ["| identical particles | sure regions | smaller class |", "| --- | --- | --- |"]
    for way in ways:
        of_way = [item for item in outcomes if item.way == way]
        regions = ", ".join(str(item.regions) for item in of_way)
        sizes = ", ".join(f"{_smaller_share(item):.0%}".replace("%", " %") for item in of_way)
        lines.append(f"| {TITLES[way]} | {regions} | {sizes} |")
    return "\n".join(lines)


def passed_text(outcomes: Sequence[Outcome]) -> str:
    """Say how many particles stay in their class where our program gives plain maps."""
    texts = []
    for other, text in ((PLAIN, "without external reconstruction"), (EXTERNAL, "with RELION's own external program")):
        shares = [f"{share:.1%}".replace("%", " %") for share in same_class(outcomes, other)]
        texts += [f"as {text}: {', '.join(shares)}"] if shares else []
    return "; ".join(texts)


def same_class(outcomes: Sequence[Outcome], other: str) -> List[float]:
    """Return the share of the particles, 0..1, in the same class in the way "passed" and another, for each pair."""
    others = {(item.problem, item.aligned, item.seed): item.classes for item in outcomes if item.way == other}
    passed = {(item.problem, item.aligned, item.seed): item.classes for item in outcomes if item.way == PASSED}
    return [
        sum(one == other for one, other in zip(others[key], classes)) / len(classes)
        for key, classes in passed.items()
        if key in others
    ]


def means_table(outcomes: Sequence[Outcome]) -> str:
    """Return a table of mean accuracies, each with its difference from RELION's mask, by seeds, and standard error."""
    found = _differences(outcomes)
    lines = [f"| mean accuracy | {' | '.join(name for name, _ in found)} |", f"| --- |{' --- |' * len(found)}"]
    for way, title in TITLES.items():
        if any(way in of_problem for of_problem in found.values()):
            cells = (str(of_problem[way]) if way in of_problem else "-" for of_problem in found.values())
            lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


@dataclass(frozen=True)
class Difference:
    """Accuracies of one way and one problem, beside those in RELION's mask with the same seeds.

    Attributes
    ----------
    mean : float
        Mean accuracy, 0..1.
    difference, error : float
        Mean difference from RELION's mask, and its standard error; NaN for fewer than two seeds.
    spread : float
        Highest less lowest accuracy over the seeds.
    seeds : int
    """

    mean: float
    difference: float
    error: float
    spread: float
    seeds: int

    def __str__(self) -> str:
        if not self.error > 0:  # RELION's mask itself, or one seed
            return f"{self.mean:.2f}"
        return f"{self.mean:.2f} ({self.difference:+.2f} ± {self.error:.2f}, {self.seeds} seeds)"


def bounds_missed(outcomes: Sequence[Outcome]) -> List[str]:
    """Return the bounds that are missed, in words.

    Plain maps leave the particles in their classes. The mean accuracy of confidence is at least that of RELION's mask;
    that of consensus is above it by more than the seeds spread somewhere, and nowhere below it by more than that.
    """
    shares = same_class(outcomes, PLAIN)
    missed = [f"plain maps: {share:.3f} in the same class" for share in shares if share < SAME_CLASS]
    better = False
    for (name, aligned), ways in _differences(outcomes).items():
        place = f"{name}, {'with' if aligned else 'without'} alignment"
        if MASK not in ways:
            continue
        mask = ways[MASK]
        if CONFIDENCE in ways and ways[CONFIDENCE].mean < mask.mean:
            missed.append(f"{place}: confidence {ways[CONFIDENCE].mean:.3f}, in RELION's mask {mask.mean:.3f}")
        if CONSENSUS in ways:
            better = better or ways[CONSENSUS].mean > mask.mean + mask.spread
            if ways[CONSENSUS].mean < mask.mean - mask.spread:
                missed.append(f"{place}: consensus {ways[CONSENSUS].mean:.3f}, in RELION's mask {mask.mean:.3f}")
    return missed if better or not outcomes else [*missed, "consensus is nowhere better than RELION's mask"]


def _differences(outcomes: Sequence[Outcome]) -> Dict[Tuple[str, bool], Dict[str, Difference]]:
    """Return the differences from RELION's mask by problem, alignment and way."""
    accuracies: Dict[Tuple[str, bool], Dict[str, Dict[int, float]]] = {}
    for item in outcomes:
        if item.scores is not None:
            of_problem = accuracies.setdefault((item.problem.name, item.aligned), {})
            of_problem.setdefault(item.way, {})[item.seed] = item.scores.accuracy
    return {
        key: {way: _difference(of_way, ways.get(MASK, {})) for way, of_way in ways.items()}
        for key, ways in accuracies.items()
    }


def _difference(of_way: Dict[int, float], in_mask: Dict[int, float]) -> Difference:
    values = list(of_way.values())
    mean, spread = statistics.mean(values), max(values) - min(values)
    steps = [value - in_mask[seed] for seed, value in of_way.items() if seed in in_mask]
    if len(steps) < 2:
        return Difference(mean, math.nan, math.nan, spread, len(steps))
    error = statistics.stdev(steps) / math.sqrt(len(steps))
    return Difference(mean, statistics.mean(steps), error, spread, len(steps))


def _cell(outcomes: Sequence[Outcome]) -> str:
    """Return the accuracies of all seeds, and mean adjusted Rand index and recall; a dash where there is no chain."""
    known = [item.scores for item in outcomes if item.scores is not None]
    accuracies = ", ".join("-" if item.scores is None else f"{item.scores.accuracy:.2f}" for item in outcomes)
    if not known:
        return accuracies or "not run"
    index, recall = (statistics.mean(getattr(item, name) for item in known) for name in ("rand_index", "recall"))
    return f"**{accuracies}** ({index:.2f}, {recall:.2f})"


def _smaller_share(outcome: Outcome) -> float:
    """Return the share of the particles in the smaller of two classes; 0 if one has all."""
    counts = contingency(outcome.classes, [0] * len(outcome.classes)).ravel()
    return counts.min() / counts.sum() if len(counts) > 1 else 0.0
