# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown tables and sentences about what was found in simulated ensembles."""

from __future__ import annotations

from typing import Callable, List, Sequence, Tuple

import numpy as np

from benchmarks.ensembles.cost import Size
from benchmarks.ensembles.measure import Match, Outcome
from benchmarks.occupancy.tables import markdown
from benchmarks.soak import Soak

MIN_CORRELATION = 0.98
MAX_NOISE = 0.1  # the bounds do not apply to noisier volumes


def matches_of(outcomes: Sequence[Outcome]) -> List[Match]:
    """Return the simulated parts that come and go, of all ensembles."""
    return [match for item in outcomes for match in item.matches]


def by_kind(outcomes: Sequence[Outcome]) -> str:
    """Return a table with a row for each kind of ensemble."""
    return _table(outcomes, "ensembles", lambda item: item.ensemble.kind)


def by_noise(outcomes: Sequence[Outcome]) -> str:
    """Return a table with a row for each noise."""
    return _table(outcomes, "noise", lambda item: f"{item.ensemble.noise:g}")


def by_count(outcomes: Sequence[Outcome]) -> str:
    """Return a table with a row for each number of volumes."""
    return _table(outcomes, "volumes", lambda item: str(item.ensemble.count))


def by_components(outcomes: Sequence[Outcome]) -> str:
    """Return a table with a row for each kind of ensemble whose volumes are mixtures of a few components."""
    return _table(mixtures(outcomes), "ensembles", lambda item: item.ensemble.kind)


def mixtures(outcomes: Sequence[Outcome], *, are_mixtures: bool = True) -> List[Outcome]:
    """Return the outcomes of ensembles whose volumes are mixtures of a few components, or of the others."""
    return [item for item in outcomes if bool(item.ensemble.components) == are_mixtures]


def by_ensemble(outcomes: Sequence[Outcome]) -> str:
    """Return a table with a row for each ensemble."""
    rows = []
    for item in outcomes:
        ensemble = item.ensemble
        rows.append(
            [
                ensemble.kind + f", {ensemble.components} components" * bool(ensemble.components),
                ensemble.model.title.split(",")[0],
                str(ensemble.count),
                f"{ensemble.noise:g}",
                _found(item.matches),
                _correlations(item.matches),
                item.motion or "-",
                str(item.false_parts),
                str(item.false_motions),
            ]
        )
    head = ["kind", "model", "volumes", "noise", "parts found", "correlations", "motion is said to"]
    head += ["false parts", "false motions"]
    return markdown(head, rows)


def costs(measured: Sequence[Tuple[Size, Soak]]) -> str:
    """Return a table of time, memory and open files of jobs."""
    rows = [
        [
            f"{size.count} of {size.box}^3",
            f"{done.seconds:.0f} s",
            f"{done.memory:.0f} MB",
            str(done.open_files),
            "-" if size.seconds == float("inf") else f"{size.seconds:g} s, {size.memory:g} MB",
        ]
        for size, done in measured
    ]
    return markdown(["volumes", "time", "peak memory", "open files", "bound"], rows)


def bounds_missed(outcomes: Sequence[Outcome], measured: Sequence[Tuple[Size, Soak]]) -> List[str]:
    """Return a sentence for each bound that is missed."""
    missed = []
    for item in outcomes:
        name = _name(item)
        if item.ensemble.components and item.ensemble.kind != "neither":
            continue
        if item.false_parts:
            missed.append(f"{name}: {item.false_parts} parts with occupancies where nothing comes and goes")
        if item.ensemble.noise > MAX_NOISE:
            continue
        for match in item.matches:
            chains = "+".join(match.chains)
            if not match.is_found:
                why = "is said to move" if match.is_called_moving else f"is not found (coverage {match.coverage:.2f})"
                missed.append(f"{name}: the part {chains} {why}")
            elif not match.correlation > MIN_CORRELATION:
                missed.append(
                    f"{name}: the occupancies of {chains} correlate by {match.correlation:.3f} with the truth"
                )
    for size, done in measured:
        name = f"{size.count} volumes of {size.box}^3"
        if done.status:
            missed.append(f"{name}: the job failed")
        if done.seconds > size.seconds:
            missed.append(f"{name}: {done.seconds:.0f} s, expected at most {size.seconds:g}")
        if done.memory > size.memory:
            missed.append(f"{name}: {done.memory:.0f} MB, expected at most {size.memory:g}")
        if done.open_files > size.open_files:
            missed.append(f"{name}: {done.open_files} open files, expected at most {size.open_files}")
    return missed


def _table(outcomes: Sequence[Outcome], title: str, key: Callable[[Outcome], str]) -> str:
    names = list(dict.fromkeys(map(key, outcomes)))
    rows = []
    for name in names:
        group = [item for item in outcomes if key(item) == name]
        matches = matches_of(group)
        read = [match for match in matches if match.is_found]
        said = [item.motion for item in group if item.motion]
        rows.append(
            [
                name,
                str(len(group)),
                _found(matches),
                f"{np.median([match.correlation for match in read]):.4f}" if read else "-",
                f"{min(match.correlation for match in read):.3f}" if read else "-",
                f"{np.mean([match.error for match in read]):.3f}" if read else "-",
                f"{np.mean([match.inside for match in read]):.0%}" if read else "-",
                ", ".join(
                    f"{said.count(word)} {word}" for word in ("moves", "nothing", "comes and goes") if word in said
                )
                or "-",
                str(sum(item.false_parts for item in group)),
                str(sum(item.false_motions for item in group)),
            ]
        )
    head = [
        *(title, "number", "parts found", "median correlation", "lowest", "mean error", "in the interval"),
        *("what moves is said to", "false parts", "false motions"),
    ]
    return markdown(head, rows)


def _found(matches: Sequence[Match]) -> str:
    return f"{sum(match.is_found for match in matches)} of {len(matches)}" if matches else "-"


def _correlations(matches: Sequence[Match]) -> str:
    return ", ".join("-" if np.isnan(item.correlation) else f"{item.correlation:.3f}" for item in matches) or "-"


def _name(item: Outcome) -> str:
    ensemble = item.ensemble
    mixture = f", {ensemble.components} components" * bool(ensemble.components)
    return f"{ensemble.model.title}, {ensemble.kind}{mixture}, {ensemble.count} volumes, noise {ensemble.noise:g}"
