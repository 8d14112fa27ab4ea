# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/classes.md, from the outcomes of the benchmark."""

from __future__ import annotations

from typing import Sequence

from benchmarks.classes import scenarios, tables
from benchmarks.classes.measure import LEAST_COVERAGE, LEAST_SHARE, Outcome
from benchmarks.real_data import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "classes.md"


def write(different: Sequence[Outcome], harder: Sequence[Outcome], same: Sequence[Outcome], seed: int) -> None:
    """Write the document."""
    DOCUMENT.write_text(text(different, harder, same, seed), encoding="utf-8")


def text(different: Sequence[Outcome], harder: Sequence[Outcome], same: Sequence[Outcome], seed: int) -> str:
    """The document in Markdown; bounds count for what is `different`, and not for what is `harder`."""
    missed = tables.bounds_missed(different, same)
    voxels = " or ".join(f"{resolution:g} Å (voxels of {size:g} Å)" for resolution, size in scenarios.GRIDS)
    return _TEXT.format(
        found=tables.found(different),
        error=f"{tables.error(different):.2f}",
        false_beside=tables.false_regions(different),
        classifications=len(different),
        most_noise=f"{scenarios.NOISES[-1]:g}",
        found_harder=tables.found(harder),
        error_harder=f"{tables.error(harder):.2f}",
        false_harder=tables.false_regions(harder),
        classifications_harder=len(harder),
        most_noise_harder=f"{scenarios.HARDER_NOISES[-1]:g}",
        missed_harder=_listed(tables.not_found(harder)) or "- none",
        false=sum(item.regions for item in same),
        sets=len(same),
        verdict="**Some bounds are missed:**\n\n" + _listed(missed) if missed else "All bounds hold.",
        most_error=f"{tables.MOST_ERROR:g}",
        mass=f"{scenarios.LEAST_MASS:g}",
        voxels=voxels,
        coverage=f"{LEAST_COVERAGE:.0%}",
        share=f"{LEAST_SHARE:.0%}",
        seed=seed,
        by_noise=tables.by_noise(different),
        by_classification=tables.by_classification(different),
        by_noise_harder=tables.by_noise(harder),
        by_classification_harder=tables.by_classification(harder),
    )


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


_TEXT = """# What the comparison of classes finds

Where the classes of a 3D classification differ, a job reports regions, each with a mask and its occupancy in every
class. In simulated classifications, in which it is known what differs, it found

| what was simulated | differences of {mass} kDa and more found | mean occupancy error | false regions |
| --- | --- | --- | --- |
| chains present or absent, noise up to {most_noise} | **{found}** | {error} | {false_beside} |
| harder: any occupancy, noise up to {most_noise_harder} (no bound) | {found_harder} | {error_harder} | {false_harder} |
| {sets} sets of classes that do not differ | - | - | {false} |

{verdict}

## What was simulated

- {classifications} classifications of 3 to 5 classes, from the atomic models in the tables below. In each, one to three
  groups of touching chains are present in some classes and absent in others; all other chains are whole.
- Classes are as unequal as particle numbers make them: the best one has the noise of the table and a resolution of
  {voxels};
  the others have up to 1.8 times its noise and up to 3 Å less resolution. Half of the classifications have flat
  solvent outside a sphere (*flat*), a third are weighted by signal and noise as RELION's class maps are
  (*regularised*). *Noise* is the standard deviation of the solvent relative to full density.
- {classifications_harder} *harder* ones, made in the same way, in which a group may also be at 0.2 to 0.9 in a class,
  as where states are mixed in it, and in which the best class may have a noise of {most_noise_harder}.
- {sets} sets of 2 to 5 classes of the same particles, with the same unequal noise (up to {most_noise_harder} in the
  best) and resolution.
- The job's own code compares them, with default settings.

## How to read this

- *Found*: the region covers at least {coverage} of the chains that differ, and at least {share} of the region lies on
  them or within the kernel radius (half the low-pass) of them. *Coverage* and *share* are these two.
- *Occupancy error*: mean over the classes of |occupancy of the region - truth|.
- *False regions* lie mostly on nothing that differs.
- *More regions on it*: beside the one that overlaps a difference most. *Joined to another*: differences that share
  their region with a heavier one.

| what counts: chains present or absent, and classes that do not differ | |
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
  that is off. So may one that only the noisiest class shows.
- **Small differences of occupancy** (a part that is fainter by a third in one class, say) show less than noise does
  sooner than large ones; regions may then be missed, or be joined to a neighbour.
- **Small parts** (below {mass} kDa, or thin ones such as single helices, DNA strands and loops among other chains) may
  be missed or be joined to a neighbour.
- **Simulated maps are kinder than real ones**: no alignment errors, no particles of other states in a class, noise that
  is the same everywhere.

Not found in the harder classifications:

{missed_harder}

## Make it again

```
make classes
```

simulates the classifications (seed {seed}) and writes this page. Constants of the method were chosen with seeds 0 to 5,
11, 12 and 20 to 23 in view; with seeds 30 to 33, run for the first time after that, 116 of 122 differences of chains
present or absent were found; the regions of the other six reach too far beyond them.
`python -m benchmarks.classes my_model.cif --seed 3` takes other models and draws, and writes nothing. Without the real
models (`OCCUPY_SHARED_DATA` names their folder) it takes the made-up helix bundles alone.

## Tables

### Chains present or absent, by noise

{by_noise}

### Chains present or absent, by classification

{by_classification}

### Harder, by noise

{by_noise_harder}

### Harder, by classification

{by_classification_harder}
"""
