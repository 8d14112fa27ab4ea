# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/accuracy.md and its figures, from the outcomes of the benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Optional, Sequence, Tuple

import numpy as np

from benchmarks.occupancy import measure, tables
from benchmarks.occupancy.suite import CALIBRATED, NOISES, PUBLISHED, Outcome
from benchmarks.real_data import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "accuracy.md"
_IMAGES = DOCUMENT.parent / "images"
_COLOURS = {PUBLISHED["resolution"]: "#c9a227", PUBLISHED["occupancy"]: "#b5532a", CALIBRATED: "#1f5f8b"}


@dataclass(frozen=True)
class Report:
    """All outcomes; `version` of the published program, None when it was left out."""

    outcomes: Sequence[Outcome]
    harder: Mapping[str, Sequence[Outcome]]
    flexible: Mapping[Tuple[float, float], Sequence[Outcome]]
    nucleic: Mapping[str, Sequence[Outcome]]
    version: Optional[str]

    def tables(self) -> str:
        """The tables, with a heading each."""
        parts = [
            ("By noise", tables.errors_by(self.outcomes, "noise", lambda item: f"{item.case.conditions.noise:g}")),
            *self._ratios(),
            ("By model", tables.errors_by(self.outcomes, "model", lambda item: item.case.model.title)),
            (
                "By resolution",
                tables.errors_by(self.outcomes, "resolution", lambda item: f"{item.case.conditions.resolution:g} Å"),
            ),
            ("Rank correlation", tables.rank_correlations(self.outcomes)),
            ("Harder maps", tables.harder(self.harder)),
            ("Flexible chains, all whole", tables.flexible(self.flexible)),
        ]
        if any(self.nucleic.values()):
            parts.append(("Nucleic acid beside protein, noise 0.1", tables.nucleic(self.nucleic)))
        return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts)

    def write(self) -> None:
        """Write the document and its figures."""
        _IMAGES.mkdir(parents=True, exist_ok=True)
        self._draw_truth(_IMAGES / "accuracy_truth.png")
        self._draw_noise(_IMAGES / "accuracy_noise.png")
        ours = tables.mean(self.outcomes, CALIBRATED, measure.absolute_error)
        theirs = tables.mean(self.outcomes, PUBLISHED["occupancy"], measure.absolute_error)
        text = _TEXT.format(
            version=self.version,
            maps=len(self.outcomes),
            ours=f"{ours:.2f}",
            theirs=f"{theirs:.2f}",
            quiet=self._quiet(),
            quartile=f"{tables.lower_quartile_of_whole(self.outcomes):.2f}",
            covered=f"{tables.coverage(self.outcomes):.0%}",
            tables=self.tables(),
        )
        DOCUMENT.write_text(text, encoding="utf-8")

    def _ratios(self) -> List[Tuple[str, str]]:
        if self.version is None:
            return []
        return [("Calibrated error relative to the published program's", tables.ratios(self.outcomes))]

    def _quiet(self) -> str:
        """The errors at the lowest noise, which real refined maps come nearest to, in words."""
        group = [item for item in self.outcomes if item.case.conditions.noise == NOISES[0]]
        errors = {name: tables.mean(group, name, measure.absolute_error) for name in self._methods()}
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
        panels = (("as it stands", measure.absolute_error), ("after division by a whole chain", measure.relative_error))
        for axes, (title, of) in zip(figure.subplots(1, 2, sharey=True), panels):
            for method in self._methods():
                errors = [
                    tables.mean([item for item in self.outcomes if item.case.conditions.noise == noise], method, of)
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

With `normalisation` calibrated and `mode` occupancy the local scale is an estimate of occupancy. On simulated
complexes whose occupancies are known it is off by {ours} on average, where the published normalisation
([Forsberg, Shah & Burt 2023](https://doi.org/10.1038/s41467-023-41478-1)), which was made to rank regions, is off by
{theirs} in the same mode on the same maps. The noisier the map, the more it gains; at the lowest noise tried (0.05)
the mean errors are: {quiet}.

![Median scale of each chain against its true occupancy](images/accuracy_truth.png)

![Mean error against noise](images/accuracy_noise.png)

## How to read this

- {maps} maps were simulated from atomic models (the rows of the second table), each map with occupancies of its own:
  about a third of the molecule whole, the other chains at 0.1 to 0.95. *Noise* is the standard deviation of the
  solvent relative to what the map without noise reaches in the molecule (99th percentile). Resolutions are 3.5 Å
  (voxels of 1.2 Å) and 7 Å (2.4 Å); the low-pass is 8 Å.
- The *error* is the mean over the chains of |median scale - true occupancy|. A chain's voxels are those within
  2.5 Å of its atoms and nearest to them.
- The tables give two errors: as it stands / after division by the reading of a chain that is known to be whole.
- *Interval holds* is how often the truth lies in the 90 % interval that the job gives for a target mask. Over all
  it does in {covered}, more often where parts are large and less often where small ones lie among each other.
- The published program is `occupy` {version}, run on the same maps with its default (resolution) mode and in
  occupancy mode; *tiled (ours)* is our own default normalisation, in occupancy mode. *prototype* is the first and
  simplest calibration tried: zero is the mode of the kernel maximum, one its largest median over cubes of 24 Å.

## What is calibrated

The low-passed map is averaged over 4 Å within the molecule, which evens out how densely atoms are packed, and its
maximum is taken over a kernel smaller than the published one (2.5 Å at the default low-pass), which reaches less far
into stronger neighbours. What has leaked between parts all the same is undone to first order: eight tenths of the
difference to the average nearby (8 Å, within the molecule) are added. Zero is what that reads in solvent noise: its
most frequent value there. One is its median over the best region: where the average over windows of 18 Å comes within
14 % of the highest (95th percentile over the molecule) and 1.5 times the noise of such averages, narrowed once more in
windows of 14 Å. The published scale takes single voxels for its reference, and 0 for solvent, where a maximum over
noise is never 0.

## Where not to trust the number

- **Something must be whole.** The best region is called 1. If nothing in the map is at full occupancy, everything
  reads too high by that factor; one map cannot tell (see *no chain above 0.8*).
- **The whole part must be larger than about 20 Å.** Where small chains of different occupancy lie among each other
  (the nucleosome), windows hold a mixture: the best region reads less than whole, and everything reads too high. The
  interval holds less often there.
- **Maps without detail at the low-pass.** Class maps of early iterations, and others that are regularised or filtered
  to a coarser resolution than the low-pass (8 Å or 3 voxels), read less surely, noisy ones wrongly (*as regularised by
  RELION, noise 0.4*). The job warns and gives no interval where it can tell; set `lowpass` to the map's resolution.
- **The mask.** A target mask must follow the part: within about 3 Å of its atoms, no extension, no soft edge. A
  generous mask takes in solvent and neighbours, and an interval could not make up for it. Where more than a quarter of
  the mask reads next to nothing beside the rest, the job warns and gives none; in very noisy maps (0.4) it does so for
  many good masks too.
- **Single voxels.** A part's figure is the median over it. Voxels differ more, and those of its surface read low: over
  the whole chains of these maps the lower quartile is {quartile} on average.
- **Small parts next to stronger ones** read too high: the low-pass and the kernel (8 Å) mix them.
- **A micelle** as dense as the protein is taken for molecule and lowers what counts as 1.
- **Flexible parts** read a little low in occupancy mode at the default 8 Å low-pass, small ones in noisy maps lower
  still, and much too low in resolution mode (the table of flexible chains).
- **Solvent.** Where a tight mask leaves none, the background's value is taken for 0 and the job says so; low
  occupancies then read too high. Sharpened or locally filtered maps have not been tried.
- **Nucleic acid** is denser than protein; the last table tells what that does in a nucleosome. Other complexes have not
  been tried.
- Simulated maps are kinder than real ones: no alignment errors, no particles of other states, noise that is the same
  everywhere. The one real control, beta-galactosidase with its four equal chains, reads 0.9 and more in each (a test).

## Make it again

```
make accuracy
```

simulates the maps, runs the published program in an environment of its own, prints these tables and writes this
page. `python -m benchmarks.occupancy my_model.cif --seed 3` takes other models, occupancies and noise. Without the real
models (`OCCUPY_SHARED_DATA` names their folder) it takes the made-up helix bundles alone.

## Tables

{tables}
"""
