# SPDX-License-Identifier: GPL-3.0-or-later
"""The section of docs/ensembles.md that the benchmark writes."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from benchmarks.ensembles import tables
from benchmarks.ensembles.cost import Size
from benchmarks.ensembles.measure import Outcome
from benchmarks.page_sections import write_section
from benchmarks.real_data import REPOSITORY
from benchmarks.soak import Soak

PAGE = REPOSITORY / "docs" / "ensembles.md"
SECTION = "ensembles"


def write(outcomes: Sequence[Outcome], measured: Sequence[Tuple[Size, Soak]], seeds: Sequence[int]) -> None:
    """Write the section; parameters as in `text`."""
    write_section(PAGE, SECTION, text(outcomes, measured, seeds))


def text(outcomes: Sequence[Outcome], measured: Sequence[Tuple[Size, Soak]], seeds: Sequence[int]) -> str:
    """Return the section in Markdown.

    Parameters
    ----------
    outcomes : sequence of Outcome
    measured : sequence of (Size, Soak)
        Costs of jobs.
    seeds : sequence of int
        Seeds of the ensembles.
    """
    missed = tables.bounds_missed(outcomes, measured)
    independent = tables.mixtures(outcomes, are_mixtures=False)
    volumes = sum(item.ensemble.count for item in outcomes)
    return _TEXT.format(
        ensembles=len(outcomes),
        volumes=f"{volumes:,}",
        by_kind=tables.by_kind(independent),
        by_noise=tables.by_noise(independent),
        by_count=tables.by_count(independent),
        by_components=tables.by_components(outcomes),
        verdict="**Some bounds are missed:**\n\n" + _listed(missed) if missed else "All bounds hold.",
        correlation=f"{tables.MIN_CORRELATION:g}",
        max_noise=f"{tables.MAX_NOISE:g}",
        costs=tables.costs(measured),
        by_ensemble=tables.by_ensemble(outcomes),
        seeds=" and ".join(map(str, seeds)),
    )


def _listed(lines: List[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


_TEXT = """{ensembles} simulated ensembles, {volumes} volumes in all. None of these draws was looked at while the
constants of the method were chosen:

{by_kind}

By noise (the standard deviation of the solvent, relative to full density):

{by_noise}

By the number of volumes:

{by_count}

The ensembles of 100 volumes once more, as a variability analysis or a neural network makes them: each volume is the
mean plus a mixture of the four strongest components of the differences. They are in none of the tables above:

{by_components}

{verdict}

The bounds, at noise up to {max_noise}: every part that comes and goes is found, its occupancies correlate with the
truth by more than {correlation}; and at any noise, no part has occupancies where nothing comes and goes. Of mixtures of
four components only those in which nothing differs have a bound: no part has occupancies.

### How to read these tables

- *Parts found*: a part with occupancies covers at least 70 % of the simulated one, and at least 60 % of it lies on the
  simulated one or within half of the low-pass of it, as in the [benchmark of classes](classes.md).
- *Correlation*, *mean error*: of the occupancies in all volumes with the true ones. *In the interval*: how many of the
  90 % intervals hold the truth. The correlation of a part that is not found is that of the part that overlaps it most.
- *What moves is said to*: move; or nothing is said of it; or, wrongly, to come and go.
- *False parts*: parts with occupancies that lie mostly where no simulated part comes and goes. *False motions*: parts
  said to move that lie mostly where nothing does.

### Time and memory

Complete jobs of the RELION command on two threads, with figures:

{costs}

### How the volumes are simulated

- The volumes are computed from atomic models, at 6 Å with voxels of 2.4 Å, with water that the molecule displaces and
  noise with the spectrum of a real reconstruction. The noise of the volumes of one ensemble differs by up to a factor
  of 1.5, and their grey scales lie between 0.7 and 1.4.
- *composition*: one to three groups of touching chains, of 20 kDa and more each, are present or absent, or have any
  occupancy; some come only together with another, some only without another. *motion*: a group of chains turns about
  its contact with the others, by 12 to 30 degrees from one end to the other. *both*: one group comes and goes and
  another one turns. *neither*: the volumes differ by noise and grey scale alone. In small models, *both* may have no
  room for a group that comes and goes.

### Repeat the simulations

```
make ensembles
```

The seed of these ensembles is {seeds}; the constants were chosen with the seeds 0 to 9, 100,
200, 303 and 3001 to 3003.
`python -m benchmarks.ensembles --seeds 5 --counts 30 --no-cost` draws others, and writes nothing.

### Table of the ensembles

{by_ensemble}
"""
