# SPDX-License-Identifier: GPL-3.0-or-later
"""The first section of docs/classes.md and its figure, from the outcomes of the runs."""

from __future__ import annotations

import math
from typing import Sequence

from benchmarks.occupancy.tables import markdown
from benchmarks.page_sections import write_section
from benchmarks.real_data import REPOSITORY
from benchmarks.runs import figure, peer, tables
from benchmarks.runs.measure import MIN_SHARE, Outcome
from benchmarks.runs.particles import VOXEL_SIZE
from benchmarks.runs.scenarios import MIN_MASS
from benchmarks.runs.truth import MIN_PARTICLES, MIN_SEPARATED

PAGE = REPOSITORY / "docs" / "classes.md"
SECTION = "runs"
_CONFIDENCE = 0.95
_PICTURE = REPOSITORY / "docs" / "images" / "occupancy_of_runs.png"


def write(identical: Sequence[Outcome], differing: Sequence[Outcome], seed: int) -> None:
    """Write the section and its figure; parameters as in `text`."""
    figure.draw(differing, _PICTURE)
    write_section(PAGE, SECTION, text(identical, differing, seed))


def text(identical: Sequence[Outcome], differing: Sequence[Outcome], seed: int) -> str:
    """Return the section in Markdown.

    Parameters
    ----------
    identical : sequence of Outcome
        Runs on identical particles.
    differing : sequence of Outcome
        Runs on particles with known differences.
    seed : int
        Seed of the runs.
    """
    missed = tables.bounds_missed(identical, differing)
    drawn = [item.run.particles for item in (*identical, *differing)]
    numbers = [particles.number for particles in drawn]
    return _TEXT.format(
        summary=_summary(identical, differing),
        verdict="**Some bounds are missed:**\n\n" + "\n".join(f"- {line}" for line in missed)
        if missed
        else "All bounds hold.",
        picture=_PICTURE.name,
        identical=len(identical),
        compared=sum(map(tables.is_compared, identical)),
        differing=len(differing),
        fewest=min(numbers, default=0),
        most=max(numbers, default=0),
        noises=" or ".join(f"{noise:g}" for noise in sorted({particles.noise for particles in drawn})),
        voxel_size=f"{VOXEL_SIZE:g}",
        mass=f"{MIN_MASS:g}",
        particles=MIN_PARTICLES,
        separated=f"{MIN_SEPARATED:g}",
        share="half" if MIN_SHARE == 0.5 else f"{MIN_SHARE:.0%}",
        large=f"{tables.LARGE_SPREAD:g}",
        small=f"{tables.SMALL_SPREAD:g}",
        min_found=f"{tables.MIN_FOUND:.0%}",
        max_error=f"{tables.MAX_ERRORS[0]:g}",
        max_error_small=f"{tables.MAX_ERRORS[1]:g}",
        held=f"{tables.MIN_HELD:.0%} to {tables.MAX_HELD:.0%}",
        false=tables.false_regions(identical),
        confidence=_confidence(identical),
        found=tables.found(differing),
        accuracy=tables.accuracy(differing),
        sigmas=f"{peer.SIGMAS:g}",
        volume=f"{peer.MIN_VOLUME:.0f}",
        by_model=tables.by_model(differing),
        peer=tables.against_peer(identical, differing),
        seed=seed,
        runs_identical=tables.runs(identical),
        runs_differing=tables.runs(differing),
    )


def _summary(identical: Sequence[Outcome], differing: Sequence[Outcome]) -> str:
    parts = tables.judged(differing)
    sure = sum(part.sure is not None for part in parts)
    unsure = sum(part.sure is None and part.unsure is not None for part in parts)
    large = tables.readings(differing, tables.LARGE_SPREAD)
    small = tables.readings(differing, tables.SMALL_SPREAD, tables.LARGE_SPREAD)
    false = sum(item.false_sure for item in differing)
    rows = [
        [
            f"sure regions in {sum(map(tables.is_compared, identical))} classifications of identical particles",
            _number_false(identical),
        ],
        [
            f"differences that RELION separated, in {len(differing)} classifications",
            f"{sure} of {len(parts)} have a sure region, {unsure} an unsure one, {len(parts) - sure - unsure} none",
        ],
        ["sure regions where no part differs, in the same classifications", str(false)],
        [
            "mean error of the occupancies",
            f"{_error(tables.mean_error(large))} where true fractions differ by {tables.LARGE_SPREAD:g} and more, "
            f"{_error(tables.mean_error(small))} where they differ by {tables.SMALL_SPREAD:g} to "
            f"{tables.LARGE_SPREAD:g}",
        ],
        [
            "the same by a regression that knows the density of every part",
            ", ".join(_error(tables.mean_error_with_known_parts(readings)) for readings in (large, small)),
        ],
        ["90 % intervals that hold the true fraction", _intervals(differing)],
    ]
    return markdown(["", "result"], rows)


def _error(value: float) -> str:
    """Return a mean error, or words where no region has one."""
    return "none to tell" if math.isnan(value) else f"{value:.3f}"


def _confidence(identical: Sequence[Outcome]) -> str:
    """Say what so many runs without a false region show, in words."""
    number = sum(map(tables.is_compared, identical))
    with_false = sum(item.false_sure > 0 for item in identical)
    if with_false or not number:
        return f"{with_false} of {number} runs with two classes or more have a false sure region."
    most = 1 - (1 - _CONFIDENCE) ** (1 / number)
    return (
        f"No false sure region in {number} runs with two classes or more means that at most {most:.0%} of such "
        f"runs have one (with {_CONFIDENCE:.0%} confidence)."
    )


def _number_false(identical: Sequence[Outcome]) -> str:
    return str(sum(item.false_sure for item in identical) or "none")


def _intervals(differing: Sequence[Outcome]) -> str:
    return tables.intervals_of_classes(tables.readings(differing, 0.0)).text


_TEXT = """## Classifications by RELION

Where the classes of a 3D classification differ, a job reports regions. Each region has an occupancy in every class with
its 90 % interval. A region is *sure* if noise is ruled out as its cause, else *unsure*; only sure regions have a mask.
The table shows the results in classifications that RELION 3.1 did of simulated particles, of which it is known which
particle has which part:

{summary}

{verdict}

![Occupancy of each sure region in each class against the fraction of the class's particles](images/{picture})

*Occupancy of each sure region in each class, against the fraction of the class's particles that have the part. Bars:
90 % intervals. The line is where both are equal.*

### When not to trust regions

- **A region is a difference between the maps**, which is not always a difference in composition. Badly aligned
  particles in one class and parts that have moved cause regions too. Look at the class maps there.
- **RELION may not separate a difference.** If all classes hold the same mixture, they do not differ, and no job can
  find the part. The table below shows how rarely a part is found where the true fractions hardly differ.
- **The occupancy of a class is the fraction of its particles**, not of a state: particles that RELION put into the
  wrong class count. RELION adds uncertain particles to several classes; the true fractions here count each particle
  in its most likely class.
- **Small differences between noisy classes read too large.** RELION sorts particles by their noise too, which adds to a
  difference. Where true fractions differ by less than {large}, errors are larger and the intervals hold less often, as
  the table of errors below shows. This lies in the class maps: a regression that knows the density of every part, which
  no user does, has such errors too.
- **An unsure region is not evidence.** It is a place to look at, or to classify again with more particles.
- **Some part must be fully occupied in all classes**, because it gives their grey scales. If this part reads unequally,
  the job warns; all occupancies and regions are then less certain.
- **Low-pass.** If one class has little detail, all classes are compared at a coarser low-pass, and the job says so.
  Borders are then blurred by half the low-pass, and small parts and neighbours with different patterns merge. Leave
  that class out with `classes`.
- **Small differences in occupancy**, and **small parts** (below {mass} kDa, or thin parts such as single helices, DNA
  strands and loops between other chains) may be missed, or merge with a neighbour.
- **These particles are simpler than real ones**: coarse voxels, white noise, one kind of error in the poses, no junk,
  no flexible parts and no beam-induced motion.

### What was done

- The images are projections of atomic models by `relion_project` (voxels of {voxel_size} Å, contrast transfer function,
  {fewest} to {most} particles), with white noise that has {noises} times the standard deviation of the signal.
- {identical} classifications are of *identical particles*: all chains are in all particles. They were repeated with
  other particles until two or more classes had kept {particles} particles or more in {compared} of them, in half of
  these with a mask. In the other classifications there is nothing to compare.
- In {differing} classifications, one or two parts of {mass} kDa and more are each missing in 30 to 70 % of the
  particles, independently of one another.
- `relion_refine` classifies the particles into 2 to 5 classes, half of the runs with a mask. Half of the runs have
  poses with errors of 2 degrees and 1 Å (standard deviations), and half of these search locally for the poses.
- The classes are compared with the code that jobs run, with default settings.
- The method and its constants were chosen with other runs (seeds 0, 1, 2, 100, 200, 300 and 400). The runs of this
  page (seed {seed}) were not used for that.

### How to read the tables of the runs

- *True fraction*: the fraction of a class's particles that have the part. Each particle counts in its most likely class
  (rlnClassNumber).
- *Separated*: the true fractions of two classes with {particles} particles or more differ by {separated} or more, and
  the part has {mass} kDa or more. Only these differences must be found.
- *On a part*: more than {share} of the region lies within half the low-pass of the part. A region on no part is
  *false*.
- *Error*: the mean of |occupancy - true fraction| over the compared classes of all parts with a sure region.
- *If the parts were known*: the mean error of a linear regression of the class maps on the densities of the parts and
  of the rest of the molecule, smoothed to 20 Å. It shows how well occupancies can be read from these maps.
- *Intervals hold*: the true value lies in the 90 % interval. Several classes of one run share their errors, so these
  shares vary more than those of as many independent values.
- *Difference maps*: a threshold on the difference of two class maps, as it is done by hand in a map viewer: both maps
  normalised to a mean of 0 and a standard deviation of 1, subtracted, and kept above {sigmas} standard deviations of
  the difference in the solvent, in connected pieces of {volume} Å³ and more. Here it knows where the molecule is.

| bound | |
| --- | --- |
| sure regions in classes of identical particles | none |
| separated differences with a sure region | at least {min_found} |
| mean error where true fractions differ by {large} and more | at most {max_error} |
| mean error where they differ by {small} to {large} | at most {max_error_small} |
| 90 % intervals of the occupancies in classes that hold the true fraction | {held} |

### False regions of identical particles

{false}

{confidence}

### Differences that were found

{found}

### Errors of the occupancies, and intervals

{accuracy}

### By a fitted model

The same classes read with the model of the complex ([fitted models](model.md)), its atoms off by 0.5 Å, without
B-factors; chains are the parts. All parts of the classifications with known differences count, whether a region was
found or not. What the intervals hold of the sorting of noise was chosen on this and another seed (400, 24 runs, where
they hold in 91 %).

{by_model}

### Compared with difference maps

{peer}

### Repeat the classifications

```
make runs
```

This command simulates the particles, classifies them with RELION, compares the classes and writes this section. It
takes 20 to 30 minutes on two cores. `make runs RUNS=folder` keeps the runs in a folder and takes those that are there.
Without the real models (OCCUPY_SHARED_DATA names their folder), only the artificial helix bundles are simulated.

### All classifications by RELION

Of identical particles:

{runs_identical}

With known differences:

{runs_differing}
"""
