# SPDX-License-Identifier: GPL-3.0-or-later
"""The measured section of docs/model.md and its figure."""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np

from benchmarks.model.suite import KINDS, MODEL, PUBLISHED, UNKNOWABLE, Case, ChainReading
from benchmarks.occupancy.suite import CALIBRATED
from benchmarks.occupancy.tables import markdown
from benchmarks.page_sections import write_section
from benchmarks.real_data import REPOSITORY

PAGE = REPOSITORY / "docs" / "model.md"
SECTION = "measured"
_PICTURE = REPOSITORY / "docs" / "images" / "model_truth.png"
# Limits of mass, kDa.
MASSES = ((4.0, 8.0), (8.0, 15.0), (15.0, 30.0), (30.0, float("inf")))
METHODS = (PUBLISHED, CALIBRATED, MODEL)
# Bounds: mean error of all chains and of those of 8 to 15 kDa, ratio to the calibrated scale's, intervals.
MAX_ERROR, MAX_SMALL_ERROR, MAX_RATIO, HELD = 0.03, 0.04, 0.5, (0.85, 0.97)

# Readings by case.
Outcomes = Sequence[Tuple[Case, Sequence[ChainReading]]]


def chains_of(outcomes: Outcomes, is_chosen: Callable[[Case], bool] = lambda case: True) -> List[ChainReading]:
    """Return the readings of the cases that are chosen."""
    return [item for case, chains in outcomes if is_chosen(case) for item in chains]


def knowable(outcomes: Outcomes) -> List[ChainReading]:
    """Return the readings of all kinds of map in which a part is whole."""
    return chains_of(outcomes, lambda case: case.title not in UNKNOWABLE)


def mean_error(chains: Sequence[ChainReading], method: str) -> float:
    """Return the mean of |occupancy - truth|; NaN without a reading."""
    errors = [abs(item.values[method] - item.truth) for item in chains if method in item.values]
    return float(np.mean(errors)) if errors else float("nan")


def held(chains: Sequence[ChainReading]) -> float:
    """Return the share of the intervals that hold the truth."""
    return float(np.mean([item.is_held for item in chains])) if chains else float("nan")


def table(outcomes: Outcomes) -> str:
    """Return the errors of each method and how often intervals hold, by kind of map, of chain and of complex."""
    rows: Dict[str, List[ChainReading]] = {
        title: chains_of(outcomes, lambda case, title=title: case.title == title) for title in KINDS
    }
    known = knowable(outcomes)
    rows["**all but nothing whole**"] = known
    for low, high in MASSES:
        limits = f"above {low:g}" if high == float("inf") else f"{low:g} to {high:g}"
        rows[f"chains of {limits} kDa"] = [item for item in known if low <= item.mass < high]
    rows["chains of nucleic acid"] = [item for item in known if item.is_nucleic]
    beside = [
        item for case, chains in outcomes if case.model.nucleic and case.title not in UNKNOWABLE for item in chains
    ]
    rows["protein beside nucleic acid"] = [item for item in beside if not item.is_nucleic]
    head = ["maps", "chains", *(f"error, {method}" for method in METHODS), "90 % interval holds"]
    return markdown(
        head,
        [
            [
                title,
                str(len(chains)),
                *(_number(mean_error(chains, method)) for method in METHODS),
                _share(held(chains)),
            ]
            for title, chains in rows.items()
            if chains
        ],
    )


def broken_bounds(outcomes: Outcomes) -> List[str]:
    """Return a sentence for each bound that the readings break."""
    known = knowable(outcomes)
    small = [item for item in known if 8 <= item.mass < 15]
    ratio = mean_error(known, MODEL) / mean_error(known, CALIBRATED)
    broken = []
    for name, value, bound in (
        ("mean error", mean_error(known, MODEL), MAX_ERROR),
        ("mean error of chains of 8 to 15 kDa", mean_error(small, MODEL), MAX_SMALL_ERROR),
        ("error relative to the calibrated scale's", ratio, MAX_RATIO),
    ):
        if value > bound:
            broken.append(f"the {name} is {value:.3f}, expected at most {bound:g}")
    for low, high in MASSES:
        share = held([item for item in known if low <= item.mass < high])
        if not HELD[0] <= share <= HELD[1]:
            broken.append(
                f"intervals of chains from {low:g} kDa hold in {share:.0%}, expected {HELD[0]:.0%} to {HELD[1]:.0%}"
            )
    return broken + _broken_by_kind(outcomes)


def _broken_by_kind(outcomes: Outcomes) -> List[str]:
    """Return a sentence for each kind of map in which the chains, or the small ones, are further off than allowed."""
    broken = []
    for title in KINDS:
        chains = [item for case, readings in outcomes if case.title == title for item in readings]
        small = [item for item in chains if 8 <= item.mass < 15]
        for name, chosen, bound in (("", chains, MAX_ERROR), (" of chains of 8 to 15 kDa", small, MAX_SMALL_ERROR)):
            if title not in UNKNOWABLE and chosen and mean_error(chosen, MODEL) > bound:
                error = mean_error(chosen, MODEL)
                broken.append(f"the mean error{name} is {error:.3f} in *{title}*, expected at most {bound:g}")
    return broken


def write(outcomes: Outcomes) -> None:
    """Write the section and its figure, of maps that the method had not seen when its constants were chosen."""
    _draw(knowable(outcomes))
    missed = broken_bounds(outcomes)
    verdict = "**Bounds that are missed:** " + "; ".join(missed) + "." if missed else "All bounds hold."
    text = f"![Occupancy of each chain against the truth](images/{_PICTURE.name})\n\n{table(outcomes)}\n\n{verdict}"
    write_section(PAGE, SECTION, text)


def _draw(chains: Sequence[ChainReading]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(METHODS), 3.5), layout="constrained")
    for axes, method in zip(figure.subplots(1, len(METHODS), sharey=True), METHODS):
        shown = [item for item in chains if method in item.values]
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, zorder=0)
        axes.scatter([i.truth for i in shown], [i.values[method] for i in shown], s=6, alpha=0.25, linewidths=0)
        axes.set(title=method, xlabel="true occupancy", xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    figure.axes[0].set_ylabel("occupancy that is read")
    figure.savefig(_PICTURE, dpi=130)


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.0%}"
