# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of docs/differences.md around what `benchmarks.differences` measures."""

from __future__ import annotations

from typing import List, Mapping, Sequence

from benchmarks import filler
from benchmarks.differences.records import Side, Sizes

# Name of the difference among the sizes, what the published program does, what is done here, and why.
_DIFFERENCES = (
    (
        "low-pass",
        "The window of the low-pass is centred half a voxel off the Fourier origin.",
        "It is centred.",
        "The filtered map is not shifted. In resolution mode the scale is the same to the last bit "
        "([comparison.md](comparison.md)).",
    ),
    (
        "mode",
        "The scale is taken from the map as it is, unless `--lp-scale` is given.",
        "`mode` auto takes it from the low-passed map whenever the map is modified.",
        "What is weak because it is less well resolved is not raised as if it were missing.",
    ),
    (
        "flat",
        "All voxels of the inscribed sphere count for the solvent model.",
        "Constant areas are left out.",
        "Class maps and masked maps are constant outside a sphere or mask; that is no noise.",
    ),
    (
        "grey",
        "0.01 is added to the histogram that the confidence is divided by.",
        "What is added goes with the histogram's height.",
        "The confidence does not depend on the grey scale of the map.",
    ),
    (
        "ramp",
        "Below the scale limit L the factor is 1: amplified with power 3 it jumps from 7.4 to 1.",
        "The factor F goes on from F(L) to 1 at S = 0 as F(L)^(S/L).",
        "No edge appears in the map where the scale crosses the limit.",
    ),
    (
        "sigmoid",
        "The curve is looked up in 100 steps.",
        "It is evaluated.",
        "No NaN where the scale is 0, no steps.",
    ),
    (
        "seed",
        "The noise that fills attenuated density differs from run to run.",
        "It comes from `seed`, which the report names.",
        "A job can be repeated to the byte.",
    ),
    (
        "box",
        "Above `max_box` scale and confidence stay in the smaller box.",
        "All outputs have the input's box.",
        "They overlay the input in any viewer, and serve as masks for it.",
    ),
    (
        "histogram",
        "Own matching of histograms.",
        "That of scikit-image, at 65536 grey levels.",
        "A library that many look after.",
    ),
)


def document(
    sides: Sequence[Side],
    sizes: Sequence[Sizes],
    control: Mapping[str, float],
    filled: Sequence[filler.Filled],
    version: str,
) -> str:
    """The text of the document; `control` has the correlations of the control's modified maps with their input."""
    return f"""# Where this differs from the published program, and by how much

Made by `make compare` (`python -m benchmarks.differences --write`) with the published program (occupy {version}) on
real maps: betaGal.mrc is the beta-galactosidase of RELION's tutorial, emd_1832.map is EMD-1832.

## Modified maps side by side

Occupancy mode, tile size 12, solvent excluded; amplify 3, attenuate 3, sigmoid 4 with pivot 0.3. What holds: where both
programs are confident (above 0.5) the maps correlate above 0.99, and the formulas of amplify and attenuate are the
same: put into ours, the published scale and confidence give the published map (mean difference below 1e-5 standard
deviations).

{_side_table(sides)}

Where they differ it is by the confidence: EMD-1832 is zero outside a sphere, which the published solvent model takes
for noise.

{_control_text(control)}## Deliberate differences

{_difference_table(sizes)}

Also: boxes may be odd and not cubic, which the published program refuses. A solvent definition may be drawn either way
round. Subtraction masks are made from the command line and the form; the docstring of
`occupy_core.modify.masks.subtraction_mask` says why they are 0 in solvent.

## What fills the place of attenuated density

![Maps whose molecule was filled with white noise and with noise of the solvent's spectrum, and their radial
powers](images/filler.png)

Where attenuate and sigmoid take density away and solvent is kept, noise takes its place. The published program takes
white noise of the solvent model's width. Solvent noise is not white: it is far stronger at long waves and weaker at
short ones, so that white noise stands out as a smooth hole with a fine grain. Here the noise has the radial power
spectrum of the solvent around the molecule. Measured with the whole molecule taken away, the limit of attenuation:
power in its place relative to that of the true solvent, by bands of frequency (in shares of the Nyquist frequency); 1
is right. What holds: the solvent's spectrum is never as far off as white noise is in its worst band.

{filler.table(filled)}

Maps with less than 1 % of pure solvent in the box get white noise still.

## What cannot be told from a map

A map of inverted contrast and one without negative values (a local-resolution map, a mask) get a warning: all such
maps and no others among the real maps that the tests know. A map that was filtered locally or sharpened strongly gets
none: a well-resolved molecule leaves the solvent around it as quiet as a local filter does, and a spectrum that rises
towards the Nyquist frequency shows only in maps that are sharpened far too much. Give unfiltered, unsharpened maps.
"""


def _control_text(control: Mapping[str, float]) -> str:
    if not control:
        return ""
    found = ", ".join(f"{kind} {value:.4f}" for kind, value in control.items())
    return f"""A map in which all is whole should stay as it is. Correlation of betaGal's modified maps, solvent kept,
with their input: {found}.

"""


def _side_table(sides: Sequence[Side]) -> str:
    lines = [
        "| map | modified map | correlation where both are confident | where this package is | everywhere "
        "| difference of the formula | holds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {side.map_name} | {side.kind} | {side.trusted:.4f} | {side.ours:.4f} | {side.everywhere:.4f} "
        f"| {side.formula:.1g} "
        f"| {'yes' if side.holds else 'NO'} |"
        for side in sides
    ]
    return "\n".join(lines)


def _difference_table(sizes: Sequence[Sizes]) -> str:
    names = [item.map_name for item in sizes]
    lines = [f"| published | here | why | {' | '.join(names)} |", "| --- " * (3 + len(names)) + "|"]
    lines += [_row(difference, sizes) for difference in _DIFFERENCES]
    return "\n".join(lines)


def _row(difference: Sequence[str], sizes: Sequence[Sizes]) -> str:
    name, *words = difference
    cells: List[str] = [*words, *(item.cells[name] for item in sizes)]
    return f"| {' | '.join(cells)} |"
