# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the benchmark, and the bounds that it holds the methods to."""

from __future__ import annotations

import statistics
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


def bounds_missed(outcomes: Sequence[Outcome]) -> List[str]:
    """Return the bounds that are missed, in words."""
    shares = same_class(outcomes, PLAIN)
    missed = [f"plain maps: {share:.3f} in the same class" for share in shares if share < SAME_CLASS]
    better = False
    for (name, aligned), means in _means(outcomes).items():
        place = f"{name}, {'with' if aligned else 'without'} alignment"
        if MASK not in means:
            continue
        mask, spread = means[MASK]
        if CONFIDENCE in means and means[CONFIDENCE][0] < mask:
            missed.append(f"{place}: confidence {means[CONFIDENCE][0]:.3f}, in RELION's mask {mask:.3f}")
        if CONSENSUS in means:
            better = better or means[CONSENSUS][0] > mask + spread
            if means[CONSENSUS][0] < mask - spread:
                missed.append(f"{place}: consensus {means[CONSENSUS][0]:.3f}, in RELION's mask {mask:.3f}")
    return missed if better or not outcomes else [*missed, "consensus is nowhere better than RELION's mask"]


def _means(outcomes: Sequence[Outcome]) -> Dict[Tuple[str, bool], Dict[str, Tuple[float, float]]]:
    """Return mean and spread (highest minus lowest) of the accuracies by problem, alignment and way."""
    found: Dict[Tuple[str, bool], Dict[str, List[float]]] = {}
    for item in outcomes:
        if item.scores is not None:
            ways = found.setdefault((item.problem.name, item.aligned), {})
            ways.setdefault(item.way, []).append(item.scores.accuracy)
    return {
        key: {way: (statistics.mean(values), max(values) - min(values)) for way, values in ways.items()}
        for key, ways in found.items()
    }


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
