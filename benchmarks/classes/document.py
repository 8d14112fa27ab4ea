# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/classes.md, from the outcomes of the benchmark."""

from __future__ import annotations

from typing import List, Mapping, Sequence

from benchmarks.classes import scenarios, tables
from benchmarks.classes.measure import LEAST_COVERAGE, LEAST_SHARE, Outcome
from benchmarks.occupancy.tables import markdown
from benchmarks.real_data import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "classes.md"


# By what was simulated.
Suites = Mapping[str, Sequence[Outcome]]


def write(suites: Suites, same: Sequence[Outcome], seed: int) -> None:
    """Write the document."""
    DOCUMENT.write_text(text(suites, same, seed), encoding="utf-8")


def missed(suites: Suites, same: Sequence[Outcome]) -> List[str]:
    """What must hold of every suite and does not, in words."""
    lines = [line for outcomes in suites.values() for line in tables.bounds_missed(outcomes, [])]
    return lines + tables.bounds_missed([], same)


def text(suites: Suites, same: Sequence[Outcome], seed: int) -> str:
    """The document in Markdown."""
    lines = missed(suites, same)
    voxels = " or ".join(f"{resolution:g} Å (voxels of {size:g} Å)" for resolution, size in scenarios.GRIDS)
    everything = [item for outcomes in suites.values() for item in outcomes]
    rows = [
        [f"chains {title}", tables.found(within), f"{tables.error(within):.2f}", str(tables.false_regions(within))]
        for title, within in ((title, tables.counted(outcomes)) for title, outcomes in suites.items())
    ]
    rows.append([f"{len(same)} sets of classes that do not differ", "-", "-", str(sum(item.regions for item in same))])
    head = ["what was simulated", f"differences of {scenarios.LEAST_MASS:g} kDa and more found"]
    return _TEXT.format(
        summary=markdown([*head, "mean occupancy error", "false regions"], rows),
        most_error=f"{tables.MOST_ERROR:g}",
        sets=len(same),
        verdict="**Some bounds are missed:**\n\n" + _listed(lines) if lines else "All bounds hold.",
        beyond=_listed(tables.not_found(tables.beyond(everything))) or "- none",
        classifications=len(everything),
        mass=f"{scenarios.LEAST_MASS:g}",
        voxels=voxels,
        coverage=f"{LEAST_COVERAGE:.0%}",
        share=f"{LEAST_SHARE:.0%}",
        most_noise=f"{tables.MOST_NOISE:g}",
        seed=seed,
        unseen=" to ".join(str(seed + item) for item in (scenarios.UNSEEN[0], scenarios.UNSEEN[-1])),
        tables="\n\n".join(
            f"### Chains {title}\n\n{tables.by_noise(outcomes)}\n\n{tables.by_classification(outcomes)}"
            for title, outcomes in suites.items()
        ),
    )


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


_TEXT = """# What the comparison of classes finds

Where the classes of a 3D classification differ, a job reports regions, each with a mask and its occupancy in every
class. In simulated classifications, in which it is known what differs, it found, at noise up to {most_noise}:

{summary}

{verdict}

## What was simulated

- {classifications} classifications of 3 to 5 classes, from the atomic models in the tables below. In each, one to three
  groups of touching chains have a pattern over the classes: present or absent, or, in the last suite, at any
  occupancy, as where states are mixed in a class. All other chains are whole.
- Classes are as unequal as particle numbers make them: the best one has the noise of the table and a resolution of
  {voxels};
  the others have up to 1.8 times its noise and up to 3 Å less resolution. Half of the classifications have flat
  solvent outside a sphere (*flat*), a third are weighted by signal and noise as RELION's class maps are
  (*regularised*). *Noise* is the standard deviation of the solvent relative to full density.
- {sets} sets of 2 to 5 classes of the same particles, with the same unequal noise and resolution.
- The job's own code compares them, with default settings.
- *Unseen* classifications were drawn after the constants of the method had been chosen: what to expect of others.

## How to read this

- *Found*: the region covers at least {coverage} of the chains that differ, and at least {share} of the region lies on
  them or within the kernel radius (half the low-pass) of them. *Coverage* and *share* are these two.
- *Occupancy error*: mean over the classes of |occupancy of the region - truth|; the bound on its mean is {most_error}.
- *False regions* lie mostly on nothing that differs.
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
- **A region may reach too far**, onto what is beside the part that differs, or miss the edges of a thin part: a DNA
  strand beside the other one, in noisy classes, is the hardest case here.
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

Differences that were not found beyond the bounds:

{beyond}

## Make it again

```
make classes
```

simulates the classifications (seed {seed}, unseen ones {unseen}; constants of the method were chosen with seeds 0 to
5, 11, 12, 20 to 23, 30 to 33, 40 to 43, 50, 60, 70, 110, 200 to 205 and 210 to 213 in view, and
classes that do not differ also of 903 to 905 and 912) and writes this page.
`python -m benchmarks.classes my_model.cif --seed 3` takes other
models and draws, and writes nothing. Without the real models (`OCCUPY_SHARED_DATA` names their folder) it takes the
made-up helix bundles alone.

## Tables

{tables}
"""
