# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of docs/differences.md, around the results that `benchmarks.differences` measures."""

from __future__ import annotations

from typing import List, Mapping, Sequence

from benchmarks import filler
from benchmarks.differences.records import DifferenceSizes, MapComparison

# For each difference: its name in `DifferenceSizes.cells`, what the published program does, what this package does,
# and the reason.
DIFFERENCES = (
    (
        "low-pass",
        "The low-pass window is centred half a voxel off the Fourier origin.",
        "The window is centred on the Fourier origin.",
        "The filtered map is not shifted. In resolution mode the scale is the same to the last bit "
        "([comparison.md](comparison.md)).",
    ),
    (
        "mode",
        "The scale is taken from the unfiltered map, unless `--lp-scale` is given.",
        "`mode` auto takes the scale from the low-passed map whenever the map is modified.",
        "Parts that are weak because they are less well resolved are not amplified as if they were missing.",
    ),
    (
        "flat",
        "All voxels of the inscribed sphere count for the solvent model.",
        "Flat areas (constant voxels) are left out of the solvent model.",
        "Class maps and masked maps are constant outside a sphere or mask; constant voxels are not solvent noise.",
    ),
    (
        "grey",
        "0.01 is added to the histogram by which the confidence is divided.",
        "The added value is proportional to the height of the histogram.",
        "The confidence does not depend on the grey scale of the map.",
    ),
    (
        "ramp",
        "Below the scale limit L the factor is 1: with amplify 3 it jumps from 7.4 to 1.",
        "Below L the factor F goes smoothly from F(L) to 1 at S = 0, as F(L)^(S/L).",
        "No edge appears in the map where the scale crosses the limit.",
    ),
    (
        "sigmoid",
        "The sigmoid is read from a table of 100 steps.",
        "The sigmoid is computed from its formula.",
        "No NaN where the scale is 0, and no steps.",
    ),
    (
        "seed",
        "The filler noise of attenuated density differs from run to run.",
        "The filler noise is drawn with `seed`, which the report records.",
        "A job can be repeated to the byte.",
    ),
    (
        "box",
        "Above `max_box`, the scale and confidence maps keep the smaller box.",
        "All outputs have the box of the input.",
        "The outputs overlay the input in any viewer, and can be used as masks for it.",
    ),
    (
        "histogram",
        "Histogram matching is the program's own code.",
        "Histogram matching is the algorithm of scikit-image, with 65536 grey levels.",
        "The algorithm of a widely used and maintained library.",
    ),
)


def document(
    comparisons: Sequence[MapComparison],
    sizes: Sequence[DifferenceSizes],
    control: Mapping[str, float],
    filled: Sequence[filler.FilledMap],
    version: str,
) -> str:
    """Return the document in Markdown.

    Parameters
    ----------
    comparisons : sequence of MapComparison
        Our modified maps compared with the published ones.
    sizes : sequence of DifferenceSizes
        Sizes of the deliberate differences, one item for each map.
    control : mapping of str to float
        For each kind of modified map of the control, its correlation with the input; empty without the control.
    filled : sequence of FilledMap
        Maps whose molecule was replaced with filler noise.
    version : str
        Version of the published program.
    """
    return _TEXT.format(
        version=version,
        comparisons=_comparison_table(comparisons),
        control=_control_text(control),
        differences=_difference_table(sizes),
        filler=filler.table(filled),
    )


_TEXT = """# Deliberate differences from the published program

`make compare` (`python -m benchmarks.differences --write`) writes this page. It compares this package with the
published program (occupy {version}) on real maps: betaGal.mrc is the beta-galactosidase of RELION's tutorial, and
emd_1832.map is EMD-1832.

## Modified maps compared

Both programs ran in occupancy mode with tile size 12 and solvent excluded: amplify 3, attenuate 3, and sigmoid 4 with
pivot 0.3. The bounds: where the confidence of both programs is above 0.5, the maps must correlate above 0.99. The
formulas of amplify and attenuate must be the same: our formulas, applied to the published scale and confidence, must
give the published map (mean difference below 1e-5 standard deviations of the input map).

{comparisons}

The maps differ because the confidences differ: EMD-1832 is zero outside a sphere, and the published solvent model
counts these zeros as solvent noise.

{control}## Differences and their sizes

{differences}

Further differences: this package accepts boxes that are odd or not cubic, which the published program refuses. A
solvent definition may mark either the molecule or the solvent. Subtraction masks can be made from the command line and
from Scipion's form; the docstring of `occupy_core.modify.masks.subtraction_mask` says why they are 0 in solvent.

## Filler noise in place of attenuated density

![Two maps whose molecule was replaced with white noise and with noise of the solvent's spectrum, and the radial
powers](images/filler.png)

Where attenuate and sigmoid remove density and the solvent is not excluded, filler noise replaces the density. The
published program uses white noise with the standard deviation of the solvent model. Solvent noise is not white: it is
much stronger at low frequencies and weaker at high frequencies, so white filler noise is visible as a smooth hole with
a fine grain. The filler noise of this package has the radial power spectrum of the solvent around the molecule.

The table shows a test in which the complete molecule was removed, which is the limit of attenuation. It gives the
power of the filler noise divided by the power of the true solvent, in frequency bands (as fractions of the Nyquist
frequency); 1 is correct. The bound: in its worst band, the noise with the solvent's spectrum must be closer to 1 than
the white noise in its own worst band.

{filler}

Maps in which less than 1 % of the box is pure solvent still get white noise.

## What a map alone cannot show

A job warns about maps with inverted contrast, and about maps without negative values (a local-resolution map, a mask).
In the tests, all such real maps and no others cause these warnings. A job cannot warn about maps that were locally
filtered or strongly sharpened: a well-resolved molecule leaves the solvent around it as quiet as a local filter does,
and only far too much sharpening makes the spectrum rise towards the Nyquist frequency. Use unfiltered, unsharpened
maps.
"""


def _control_text(control: Mapping[str, float]) -> str:
    if not control:
        return ""
    correlations = ", ".join(f"{kind} {value:.4f}" for kind, value in control.items())
    return f"""\
Modification should not change a map in which everything is fully occupied. Correlations of the modified maps of
betaGal.mrc with the input, solvent not excluded: {correlations}.

"""


def _comparison_table(comparisons: Sequence[MapComparison]) -> str:
    lines = [
        "| map | modified map | correlation where both are confident | where this package is confident "
        "| in the complete box | difference of the formula | bounds hold |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {item.map_name} | {item.kind} | {item.both_confident:.4f} | {item.ours_confident:.4f} "
        f"| {item.everywhere:.4f} | {item.formula_difference:.1g} | {'yes' if item.holds else 'NO'} |"
        for item in comparisons
    ]
    return "\n".join(lines)


def _difference_table(sizes: Sequence[DifferenceSizes]) -> str:
    names = [item.map_name for item in sizes]
    lines = [f"| published program | this package | reason | {' | '.join(names)} |", "| --- " * (3 + len(names)) + "|"]
    lines += [_difference_row(difference, sizes) for difference in DIFFERENCES]
    return "\n".join(lines)


def _difference_row(difference: Sequence[str], sizes: Sequence[DifferenceSizes]) -> str:
    name, *texts = difference
    cells: List[str] = [*texts, *(item.cells[name] for item in sizes)]
    return f"| {' | '.join(cells)} |"
