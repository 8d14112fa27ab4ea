# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/classes.md, from the outcomes of the benchmark."""

from __future__ import annotations

from typing import Sequence

from benchmarks.classes import scenarios, tables
from benchmarks.classes.measure import LEAST_COVERAGE, LEAST_SHARE, Outcome
from benchmarks.real_data import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "classes.md"


def write(different: Sequence[Outcome], same: Sequence[Outcome], seed: int) -> None:
    """Write the document."""
    DOCUMENT.write_text(text(different, same, seed), encoding="utf-8")


def text(different: Sequence[Outcome], same: Sequence[Outcome], seed: int) -> str:
    """The document in Markdown."""
    within = tables.counted(different)
    missed = tables.bounds_missed(different, same)
    beyond = tables.not_found([item for item in different if item not in within])
    voxels = " or ".join(f"{resolution:g} Å (voxels of {size:g} Å)" for resolution, size in scenarios.GRIDS)
    return _TEXT.format(
        found=tables.found(within),
        error=f"{tables.error(within):.2f}",
        most_error=f"{tables.MOST_ERROR:g}",
        false=sum(item.regions for item in same),
        sets=len(same),
        false_beside=sum(item.false_regions for item in within),
        verdict="**Some bounds are missed:**\n\n" + _listed(missed) if missed else "All bounds hold.",
        beyond=_listed(beyond) or "- none",
        classifications=len(different),
        mass=f"{scenarios.LEAST_MASS:g}",
        voxels=voxels,
        coverage=f"{LEAST_COVERAGE:.0%}",
        share=f"{LEAST_SHARE:.0%}",
        most_noise=f"{tables.MOST_NOISE:g}",
        seed=seed,
        by_noise=tables.by_noise(different),
        by_classification=tables.by_classification(different),
    )


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


_TEXT = """# What the comparison of classes finds

Where the classes of a 3D classification differ, a job reports regions, each with a mask and its occupancy in every
class. In simulated classifications, in which it is known what differs, it found {found} differences of {mass} kDa and
more at noise up to {most_noise}; the occupancies were off by {error} on average; {sets} sets of classes that do not
differ gave {false} regions.

{verdict}

## What was simulated

- {classifications} classifications of 3 to 5 classes, from the atomic models in the table below. In each, one to three
  groups of touching chains have a pattern over the classes (present, absent, or anything between); all other chains
  are whole.
- Classes are as unequal as particle numbers make them: the best one has the noise of the table and a resolution of
  {voxels};
  the others have up to 1.8 times its noise and up to 3 Å less resolution. Half of the classifications have flat
  solvent outside a sphere (*flat*), a third are weighted by signal and noise as RELION's class maps are
  (*regularised*). *Noise* is the standard deviation of the solvent relative to full density.
- {sets} sets of 2 to 5 classes of the same particles, with the same unequal noise and resolution.
- The job's own code compares them, with default settings.

## How to read this

- *Found*: the region covers at least {coverage} of the chains that differ, and at least {share} of the region lies on
  them or within the kernel radius (half the low-pass) of them. *Coverage* and *share* are these two.
- *Occupancy error*: mean over the classes of |occupancy of the region - truth|; the bound on its mean is {most_error}.
- *False regions* lie mostly on nothing that differs: {false_beside} beside the differences at noise up to {most_noise}.
- *More regions on it*: beside the one that overlaps a difference most. *Joined to another*: differences that share
  their region with a heavier one.
- The bounds are for noise up to {most_noise}. Noisier classes are shown, and not counted.

| | |
| --- | --- |
| must be found | all differences of {mass} kDa and more |
| mean occupancy error | at most {most_error} |
| regions in classes that do not differ | none |

## Where not to trust regions

- **A region is a difference between the maps**, not always one of composition. What a class shows because its particles
  are aligned badly, and a part that has moved, are regions too. Look at the class maps there.
- **Something must be whole in all classes**: it tells their grey scales. The job warns when that part reads unequally;
  occupancies are then less sure, and so is every other region.
- **Low-pass.** Where one class has little detail, all are compared at a coarser low-pass (the job says so): borders
  blur by half of it, small parts and neighbours of different pattern run together. Leave that class out with `classes`.
- **Very noisy classes** (noise above {most_noise}): a difference may be missed, be split in two, or have a border
  that is off.
- **Small parts** (below {mass} kDa, or thin ones such as single helices, DNA strands and loops among other chains) may
  be missed or be joined to a neighbour.
- **Simulated maps are kinder than real ones**: no alignment errors, no particles of other states in a class, noise that
  is the same everywhere.

Differences that were not found beyond the bounds:

{beyond}

## Make it again

```
make classes
```

simulates the classifications (seed {seed}; constants of the method were chosen with seeds 0 to 3, 11 and 12 in view)
and writes this page. `python -m benchmarks.classes my_model.cif --seed 3` takes other models and draws, and writes
nothing. Without the real models (`OCCUPY_SHARED_DATA` names their folder) it takes the made-up helix bundles
alone.

## Tables

### By noise

{by_noise}

### By classification

{by_classification}
"""
