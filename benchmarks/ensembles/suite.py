# SPDX-License-Identifier: GPL-3.0-or-later
"""The ensembles that the benchmark simulates."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Iterator, List, Sequence

from benchmarks.ensembles.measure import Outcome, run
from benchmarks.ensembles.simulate import COUNTS, KINDS, NOISES, Ensemble, draw
from benchmarks.occupancy.suite import Complex

# Seeds that were not looked at while the constants of the method were chosen.
UNSEEN = (304,)

_FEW = 100  # volumes
_COMPONENTS = 4
_PROCESSES = 2


def suite(
    models: Sequence[Complex],
    seed: int,
    *,
    kinds: Sequence[str] = KINDS,
    counts: Sequence[int] = COUNTS,
    noises: Sequence[float] = NOISES,
) -> List[Ensemble]:
    """Draw an ensemble of every kind, number of volumes and noise; the models take turns, and large ensembles' noises.

    Of every kind there is one ensemble of more than a hundred volumes for each such number, and each ensemble of a
    hundred volumes is there a second time, as mixtures of four components.
    """
    drawn: List[Ensemble] = []
    for number, kind in enumerate(kinds):
        for count in counts:
            for noise in noises if count <= _FEW else noises[(number + seed) % len(noises) :][:1]:
                model = models[(len(drawn) + number + seed) % len(models)]
                drawn.append(draw(model, kind, count, noise, seed))
    return drawn + [replace(item, components=_COMPONENTS) for item in drawn if item.count == _FEW]


def run_all(ensembles: Sequence[Ensemble]) -> Iterator[Outcome]:
    """Run ensembles in two processes, and yield their outcomes in turn."""
    with ProcessPoolExecutor(_PROCESSES) as pool:
        yield from pool.map(partial(run, threads=1), ensembles)
