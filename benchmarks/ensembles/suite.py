# SPDX-License-Identifier: GPL-3.0-or-later
"""The ensembles that the benchmark simulates."""

from __future__ import annotations

from typing import List, Sequence

from benchmarks.ensembles.simulate import COUNTS, KINDS, NOISES, Ensemble, draw
from benchmarks.occupancy.suite import Complex

# Seeds that were not looked at while the constants of the method were chosen.
UNSEEN = (100, 101)


def suite(
    models: Sequence[Complex],
    seed: int,
    *,
    kinds: Sequence[str] = KINDS,
    counts: Sequence[int] = COUNTS,
    noises: Sequence[float] = NOISES,
) -> List[Ensemble]:
    """Draw an ensemble of every kind, number of volumes and noise; the models take turns."""
    drawn: List[Ensemble] = []
    for kind in kinds:
        for count in counts:
            for noise in noises:
                model = models[(len(drawn) + seed) % len(models)]
                drawn.append(draw(model, kind, count, noise, seed))
    return drawn
