# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of docs/accuracy.md and its figures, from the outcomes of the benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Optional, Sequence, Tuple

import numpy as np

from benchmarks.occupancy import tables
from benchmarks.occupancy.measure import absolute_error, relative_error
from benchmarks.occupancy.suite import CALIBRATED, NOISES, PUBLISHED, Outcome
from benchmarks.real_data import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "accuracy.md"
_IMAGES = DOCUMENT.parent / "images"
_COLOURS = {PUBLISHED["resolution"]: "#c9a227", PUBLISHED["occupancy"]: "#b5532a", CALIBRATED: "#1f5f8b"}


@dataclass(frozen=True)
class Report:
    """All outcomes of the benchmark.

    Attributes
    ----------
    outcomes : sequence of Outcome
        Outcomes of the default suite.
    harder : mapping of str to sequence of Outcome
        Outcomes of each harder condition.
    flexible : mapping of (additional B-factor in Å^2, noise) to sequence of Outcome
        Outcomes with flexible chains.
    nucleic : mapping of str to sequence of Outcome
        Outcomes of complexes of protein and nucleic acid.
    intervals : two mappings of str to sequence of Outcome
        Outcomes by kind of interval, on the maps on which constants were chosen and on others.
    version : str, optional
        Version of the published program; None when it did not run.
    """

    outcomes: Sequence[Outcome]
    harder: Mapping[str, Sequence[Outcome]]
    flexible: Mapping[Tuple[float, float], Sequence[Outcome]]
    nucleic: Mapping[str, Sequence[Outcome]]
    intervals: Tuple[Mapping[str, Sequence[Outcome]], Mapping[str, Sequence[Outcome]]]
    version: Optional[str]

    def tables(self) -> str:
        """Return all tables, each with a heading."""
        parts = [
            ("By noise", tables.errors_by(self.outcomes, "noise", lambda item: f"{item.case.conditions.noise:g}")),
            *self._error_ratios(),
            ("By model", tables.errors_by(self.outcomes, "model", lambda item: item.case.model.title)),
            (
                "By resolution",
                tables.errors_by(self.outcomes, "resolution", lambda item: f"{item.case.conditions.resolution:g} Å"),
            ),
            ("Rank correlation", tables.rank_correlations(self.outcomes)),
            ("Harder maps", tables.harder(self.harder)),
            ("Flexible chains, all fully occupied", tables.flexible(self.flexible)),
        ]
        if any(self.nucleic.values()):
            parts.append(("Nucleic acid and protein, noise 0.1", tables.nucleic(self.nucleic)))
        parts.append(("How often the interval holds", tables.intervals(*self.intervals)))
        return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts)

    def write(self) -> None:
        """Write the document and its figures."""
        _IMAGES.mkdir(parents=True, exist_ok=True)
        self._draw_truth(_IMAGES / "accuracy_truth.png")
        self._draw_noise(_IMAGES / "accuracy_noise.png")
        our_error = tables.mean_measure(self.outcomes, CALIBRATED, absolute_error)
        published_error = tables.mean_measure(self.outcomes, PUBLISHED["occupancy"], absolute_error)
        text = _TEXT.format(
            version=self.version,
            maps=len(self.outcomes),
            our_error=f"{our_error:.2f}",
            published_error=f"{published_error:.2f}",
            lowest_noise_errors=self._lowest_noise_errors(),
            quartile=f"{tables.lower_quartile_of_full_chains(self.outcomes):.2f}",
            covered=f"{tables.coverage(self.outcomes):.0%}",
            tables=self.tables(),
        )
        DOCUMENT.write_text(text, encoding="utf-8")

    def _error_ratios(self) -> List[Tuple[str, str]]:
        if self.version is None:
            return []
        title = "Error of the calibrated scale, relative to the published program's"
        return [(title, tables.error_ratios(self.outcomes))]

    def _lowest_noise_errors(self) -> str:
        """Return the errors at the lowest noise, which is most like that of real refined maps, in words."""
        group = [item for item in self.outcomes if item.case.conditions.noise == NOISES[0]]
        errors = {name: tables.mean_measure(group, name, absolute_error) for name in self._methods()}
        return "; ".join(f"{name} {error:.3f}" for name, error in errors.items())

    def _methods(self) -> List[str]:
        return [name for name in _COLOURS if name in self.outcomes[0].chains]

    def _draw_truth(self, path: Path) -> None:
        from matplotlib.figure import Figure

        methods = self._methods()
        figure = Figure(figsize=(3.4 * len(methods), 3.7), layout="constrained")
        for axes, method in zip(figure.subplots(1, len(methods), sharey=True, squeeze=False)[0], methods):
            chains = [item for outcome in self.outcomes for item in outcome.chains[method]]
            axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, zorder=0)
            axes.scatter(
                [item.truth for item in chains],
                [item.median for item in chains],
                s=9,
                alpha=0.35,
                color=_COLOURS[method],
                linewidths=0,
            )
            axes.set(title=method, xlabel="true occupancy", xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
        figure.axes[0].set_ylabel("median scale of the chain")
        figure.savefig(path, dpi=130)

    def _draw_noise(self, path: Path) -> None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.6, 3.7), layout="constrained")
        panels = (("as it stands", absolute_error), ("after division by a whole chain", relative_error))
        for axes, (title, measure) in zip(figure.subplots(1, 2, sharey=True), panels):
            for method in self._methods():
                errors = [
                    tables.mean_measure(
                        [item for item in self.outcomes if item.case.conditions.noise == noise], method, measure
                    )
                    for noise in NOISES
                ]
                axes.plot(range(len(NOISES)), errors, marker="o", color=_COLOURS[method], label=method)
            axes.set(title=title, xlabel="noise, relative to full density")
            axes.set_xticks(np.arange(len(NOISES)), [f"{noise:g}" for noise in NOISES])
            axes.spines[["top", "right"]].set_visible(False)
        figure.axes[0].set(ylabel="mean error of the occupancy")
        figure.axes[0].set_ylim(bottom=0)
        figure.axes[0].legend(frameon=False)
        figure.savefig(path, dpi=130)


_TEXT = """# How accurate the occupancies are

With `normalisation` calibrated and `mode` occupancy, the local scale is an estimate of occupancy. On simulated
complexes with known occupancies its mean error is {our_error}. The published normalisation
([Forsberg, Shah & Burt 2023](https://doi.org/10.1038/s41467-023-41478-1)) was made to rank regions; in the same mode,
on the same maps, its mean error is {published_error}. The noisier the map, the more the calibration improves the
estimate. At the lowest noise tested (0.05) the mean errors are:
{lowest_noise_errors}.

![Median scale of each chain against its true occupancy](images/accuracy_truth.png)

![Mean error against noise](images/accuracy_noise.png)

*Mean error against noise: of the scale itself (left), and after division by a fully occupied chain (right).*

## How to read the tables

- {maps} maps were simulated from the atomic models in the table *By model*. Each map has its own occupancies: about a
  third of the molecule is fully occupied, and the other chains have occupancies of 0.1 to 0.95. *Noise* is the standard
  deviation of the solvent relative to full density, which is the 99th percentile over the molecule of the map without
  noise. The resolutions are 3.5 Å (voxels of 1.2 Å) and 7 Å (voxels of 2.4 Å); the low-pass is 8 Å.
- The *error* is the mean over the chains of |median scale - true occupancy|. A voxel belongs to the chain with the
  nearest atom, if that atom is within 2.5 Å.
- The tables give two errors: of the scale itself / of the scale divided by the median scale of a chain that is known to
  be fully occupied.
- *Interval holds* is the share of the chains whose true occupancy lies in the 90 % interval that a job reports for a
  target mask, of the chains that get one. Over all maps it is {covered}. The last table has the share that gets one.
- The last table was measured on maps of its own. *Tuned* are the seeds on which the constants of the interval were
  chosen, *unseen* are other seeds and other packed assemblies, looked at once. *Packed* assemblies are chains of the
  models, turned at random and moved together; one of them has a core of DNA. Chains of nucleic acid are not counted.
- The published program is `occupy` {version}, run on the same maps in its default (resolution) mode and in occupancy
  mode. *Tiled (ours)* is the default normalisation of this package, in occupancy mode. *Prototype* is the first and
  simplest calibration: 0 is the most frequent kernel maximum in the inscribed sphere, and 1 is the largest median of
  the kernel maximum over cubes of 24 Å.

## How the scale is calibrated

1. The low-passed map is averaged over 4 Å within the molecule. This evens out how densely atoms are packed.
2. The kernel maximum is computed with a smaller kernel than the published one (2.5 Å at the default low-pass), which
   reaches less far into stronger neighbours.
3. Density that still leaks between parts is corrected to first order: 0.8 times the difference to the local average
   (over 8 Å, within the molecule) is added. The result is the corrected kernel maximum.
4. 0 is the most frequent corrected kernel maximum in solvent noise. The published scale takes 0 for solvent, where a
   maximum over noise is never 0.
5. 1 is the median of the corrected kernel maximum over the best region. That region consists of the voxels of the
   molecule where the average over windows of 18 Å is at least the highest average (95th percentile over the molecule)
   less 14 % and less 1.5 standard deviations of such averages in solvent. The region is then narrowed in the same way
   with windows of 14 Å. The published scale takes a percentile of single voxels for its reference.

## When not to trust the number

- **Some part must be fully occupied.** The best region counts as 1. If no part of the map is fully occupied, everything
  reads too high by the same factor, and the interval is wrong (*nothing is whole*). One map alone cannot show this: a
  complex that every second particle lacks looks like a change of the grey scale. Each interval is given with the words
  "if the best region of the map, which counts as 1, is fully occupied".
- **The fully occupied part must be larger than about 20 Å.** Where small chains of different occupancy are mixed, every
  window contains a mixture: the best region is then less than fully occupied, and everything reads too high. The
  interval is wider for small parts.
- **Maps without detail at the low-pass.** Class maps of early iterations, and other maps that are regularised or
  filtered to a coarser resolution than the low-pass (8 Å or 3 voxels), are read less accurately, and noisy ones
  wrongly. A map without detail down to 0.9 of the low-pass gets a warning and no interval; set `lowpass` to a coarser
  resolution than the map's.
- **The target mask.** It must follow the part: within about 3 Å of its atoms, without extension or soft edge. A larger
  mask includes solvent and neighbours, and no interval can correct for that. If more than a quarter of the mask reads
  almost nothing compared with the rest, or if the inner half of the mask reads above the interval of the whole, the job
  warns and gives no interval. In noisy maps it does so for many good masks too, and a few extended masks pass.
- **Single voxels.** The occupancy of a part is the median over the part. Single voxels differ more, and voxels at the
  surface read low: over the fully occupied chains of these maps the lower quartile is {quartile} on average.
- **Small parts next to stronger parts** read too high, because the low-pass and the kernel (8 Å) mix them.
- **A micelle** as dense as the protein is taken for a part of the molecule, and lowers the value that counts as 1.
- **Flexible parts** read slightly low in occupancy mode at the default low-pass of 8 Å; small flexible parts in noisy
  maps read lower still. In resolution mode flexible parts read much too low (see *Flexible chains*).
- **Solvent.** If a tight mask leaves no solvent, the most frequent smoothed density counts as 0, and the job warns; low
  occupancies then read too high. Sharpened and locally filtered maps were not tested.
- **Nucleic acid** is denser than protein, so protein reads too low where nucleic acid sets what counts as 1 (*Nucleic
  acid and protein*). Its density is also less even over short distances, whatever its occupancy. A best region that is
  as uneven as nucleic acid gives no interval; in maps with a tight soft mask some best regions of protein do so too.
- Simulated maps are easier than real ones: they have no particles of other states, and the same noise everywhere. Only
  the last table has maps with alignment errors and with the noise spectrum of a real reconstruction. The only real
  control, beta-galactosidase with its four equal chains, reads at least 0.9 in each chain (a test checks this).

## Repeat the benchmark

```
make accuracy
```

This command simulates the maps, runs the published program in its own environment, prints the tables and writes this
page. `python -m benchmarks.occupancy my_model.cif --seed 3` uses other models, occupancies and noise. Without the real
models (OCCUPY_SHARED_DATA names their folder), only the artificial helix bundles are simulated.

## Tables

{tables}
"""
