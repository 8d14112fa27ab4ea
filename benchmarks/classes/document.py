# SPDX-License-Identifier: GPL-3.0-or-later
"""The second section of docs/classes.md, from the outcomes of the benchmark."""

from __future__ import annotations

from typing import List, Mapping, Sequence

from benchmarks.classes import scenarios, tables
from benchmarks.classes.measure import MIN_COVERAGE, MIN_SHARE, Outcome
from benchmarks.occupancy.tables import markdown
from benchmarks.page_sections import write_section
from benchmarks.real_data import REPOSITORY

PAGE = REPOSITORY / "docs" / "classes.md"
SECTION = "classes"


# Outcomes of the classifications with differences, by the title of the suite.
Suites = Mapping[str, Sequence[Outcome]]


def write(suites: Suites, identical_sets: Sequence[Outcome], seed: int) -> None:
    """Write the section; parameters as in `text`."""
    write_section(PAGE, SECTION, text(suites, identical_sets, seed))


def missed_bounds(suites: Suites, identical_sets: Sequence[Outcome]) -> List[str]:
    """Return a sentence for each bound that is missed in any suite; parameters as in `text`."""
    lines = [line for outcomes in suites.values() for line in tables.bounds_missed(outcomes, [])]
    return lines + tables.bounds_missed([], identical_sets)


def text(suites: Suites, identical_sets: Sequence[Outcome], seed: int) -> str:
    """Return the section in Markdown.

    Parameters
    ----------
    suites : mapping of str to sequence of Outcome
        Classifications with differences, by the title of the suite.
    identical_sets : sequence of Outcome
        Sets of classes that do not differ.
    seed : int
        Seed of the benchmark.
    """
    missed = missed_bounds(suites, identical_sets)
    voxels = " or ".join(f"{resolution:g} Å (voxels of {size:g} Å)" for resolution, size in scenarios.GRIDS)
    all_outcomes = [item for outcomes in suites.values() for item in outcomes]
    return _TEXT.format(
        summary=_summary(suites, identical_sets),
        max_error=f"{tables.MAX_ERROR:g}",
        sets=len(identical_sets),
        verdict="**Some bounds are missed:**\n\n" + _listed(missed) if missed else "All bounds hold.",
        not_found=_listed(tables.not_found(tables.above_max_noise(all_outcomes))) or "- none",
        classifications=len(all_outcomes),
        mass=f"{scenarios.MIN_MASS:g}",
        voxels=voxels,
        coverage=f"{MIN_COVERAGE:.0%}",
        share=f"{MIN_SHARE:.0%}",
        max_noise=f"{tables.MAX_NOISE:g}",
        seed=seed,
        unseen=" to ".join(str(seed + item) for item in (scenarios.UNSEEN[0], scenarios.UNSEEN[-1])),
        tables="\n\n".join(
            f"#### Chains {title}\n\n{tables.by_noise(outcomes)}\n\n{tables.by_classification(outcomes)}"
            for title, outcomes in suites.items()
        ),
    )


def _summary(suites: Suites, identical_sets: Sequence[Outcome]) -> str:
    within = {title: tables.within_max_noise(outcomes) for title, outcomes in suites.items()}
    rows = [
        [
            f"chains {title}",
            tables.number_found(outcomes),
            f"{tables.error(outcomes):.2f}",
            str(tables.false_regions(outcomes)),
        ]
        for title, outcomes in within.items()
    ]
    for title, is_chosen in (("", False), (", maps like reconstructions", True)):
        chosen = [item for item in identical_sets if item.scenario.kind.startswith("reconstructed") == is_chosen]
        regions = sum(item.regions for item in chosen)
        name = f"{len(chosen)} sets of classes that do not differ{title}"
        left_out = sum(not item.is_compared for item in chosen)
        name += f" ({left_out} of them left with fewer than two classes)" if left_out else ""
        rows.append([name, "-", "-", str(regions)])
    head = ["simulated classes", f"differences of {scenarios.MIN_MASS:g} kDa and more found"]
    return markdown([*head, "mean occupancy error", "false regions"], rows)


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


_TEXT = """## Simulated class maps

These class maps are computed from atomic models, without a classification: every class has known occupancies, noise and
resolution. The table shows the sure regions, at noise up to {max_noise}:

{summary}

{verdict}

### How the maps are simulated

- {classifications} classifications of 3 to 5 classes were simulated from the atomic models in the tables below. In each
  classification, one to three groups of touching chains have a pattern over the classes: the chains are present or
  absent or, in one suite, have any occupancy, as in classes that mix states. All other chains are fully occupied.
- Classes are unequal, as unequal particle numbers make them. The best class has the noise given in the table, and a
  resolution of {voxels}. The other classes
  have up to 1.8 times the noise of the best class, and a resolution worse by up to 3 Å. Of the maps that are not like
  reconstructions (below), half have flat solvent outside a sphere (*flat*), and in a third the spectrum is weighted by
  signal and noise, as in RELION's class maps (*regularised*). *Noise* is the standard deviation of the solvent relative
  to full density.
- *Maps like reconstructions* have what makes a reconstruction worse than a map computed from atoms: water that the
  molecule displaces, noise with the spectrum of a real reconstruction, a blur by alignment errors of up to 2 degrees
  and 1 Å that differ between the classes, and in half of the sets a soft mask in the shape of the molecule (*masked*).
- {sets} sets of 2 to 5 classes do not differ: all classes of a set have the same occupancies. Noise and resolution of
  these classes are as unequal as in the classifications. Half of these sets are like reconstructions.
- The classes are compared with the code that jobs run, with default settings.
- *Unseen* classifications were drawn after the constants of the method had been chosen. They show what to expect of
  other classifications.

### How to read these tables

- *Found*: the region covers at least {coverage} of the chains that differ (*coverage*), and at least {share} of the
  region lies on these chains or within the kernel radius (half the low-pass) of them (*share*).
- *Occupancy error*: the mean over the classes of |occupancy of the region - true occupancy|. The bound on its mean over
  the differences is {max_error}.
- *False regions*: regions that lie mostly where the classes do not differ.
- *Additional regions*: regions on a difference, other than the one that overlaps it most.
- *Merged differences*: differences that share their region with a heavier difference.
- The bounds apply to noise up to {max_noise}. Noisier classes are listed, but not counted.

| bound | |
| --- | --- |
| differences that must be found | all of {mass} kDa and more |
| mean occupancy error | at most {max_error} |
| regions in classes that do not differ | none |

### What these maps show about trust

- **A region may be too large**, and include neighbours of the part that differs, or miss the edges of a thin part. One
  DNA strand next to the other, in noisy classes, is the hardest case of this benchmark.
- **Very noisy classes** (noise above {max_noise}): a difference may be missed, be split in two, or have an inaccurate
  border. A difference that only the noisiest class shows may be missed too.
- **Simulated maps are easier than real ones**: most have no alignment errors, and none has particles of other states in
  a class, a class in another pose, or noise that is stronger inside the molecule.

Differences that were not found at noise above {max_noise}, where no bound applies:

{not_found}

### Repeat the simulations

```
make classes
```

This command simulates the class maps and writes this section. The seed is {seed}; the unseen classifications have the
seeds {unseen}. The constants of the method were chosen with the seeds 0 to 5, 11, 12, 20 to 23, 30 to 33,
40 to 43, 50, 60, 70, 110, 200 to 205 and 210 to 213, and for classes that do not differ also with 903 to 905 and 912.
`python -m benchmarks.classes my_model.cif --seed 3` uses other models and draws, and writes nothing. Without the real
models (OCCUPY_SHARED_DATA names their folder), only the artificial helix bundles are simulated.

### Tables of the simulated class maps

{tables}
"""
