# SPDX-License-Identifier: GPL-3.0-or-later
"""Our modified maps beside the published program's, and the size of each deliberate difference: part of `make compare`.

With --write it writes docs/differences.md and docs/images/filler.png. Exit status 1 when a bound is broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Dict, List, Optional

import mrcfile
import numpy as np

from benchmarks import filler, published
from benchmarks.differences.document import document
from benchmarks.differences.records import Side, Sizes
from benchmarks.real_data import REPOSITORY, real_data
from occupy_core.maps.reading import DensityMap, read_map
from occupy_core.modify.factors import amplification, apply_factor, attenuation, sigmoid_factor
from occupy_core.process import Result, process_map
from occupy_core.settings.settings import Settings

CONTROL = "betaGal.mrc"  # four equal chains, all whole
DOCUMENT = REPOSITORY / "docs" / "differences.md"
FIGURE = REPOSITORY / "docs" / "images" / "filler.png"
MAPS = ("betaGal.mrc", "emd_1832.map")
POWERS = Settings(amplify=3.0, attenuate=3.0, sigmoid=4.0, pivot=0.3)
_WORDS = ("--amplify", "3", "--attenuate", "3", "--sigmoid", "4", "--pivot", "0.3")
_LARGER = 1024.0
_FACTORS = {
    "amplified": partial(amplification, power=POWERS.amplify, scale_limit=POWERS.scale_limit),
    "attenuated": partial(attenuation, power=POWERS.attenuate, scale_limit=POWERS.scale_limit),
    "sigmoid": partial(sigmoid_factor, power=POWERS.sigmoid, pivot=POWERS.pivot, scale_limit=POWERS.scale_limit),
}


def main(argv: Optional[List[str]] = None) -> int:
    """Measure and print; 1 when a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name} and {FIGURE.name}")
    options = parser.parse_args(argv)
    version = published.install()
    paths = [path for path in (real_data() / "maps" / name for name in MAPS) if path.exists()]
    if not paths:
        print(f"No real maps in {real_data()}: the differences from the published program were not measured")
        return 0
    sides: List[Side] = []
    sizes: List[Sizes] = []
    control: Dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            source, work = read_map(path), Path(folder) / path.stem
            result = process_map(source, replace(POWERS, exclude_solvent=True))
            theirs = published.modified(path, work / "excluded", *_WORDS, "--exclude-solvent")
            sides += _side_by_side(result, theirs)
            if path.name == CONTROL:
                kept = process_map(source, POWERS).modified
                control = {kind: _correlation(values, source.data) for kind, values in kept.items()}
            sizes.append(Sizes(path.name, _sizes(path, source, result, theirs, work)))
    filled = [filler.fill(path) for path in paths]
    text = document(sides, sizes, control, filled, version)
    print(text)
    if options.write:
        DOCUMENT.write_text(text, encoding="utf-8")
        filler.figure(filled).savefig(FIGURE, dpi=80)
    better = all(item.off_by[filler.KINDS[1]] < item.off_by[filler.KINDS[0]] for item in filled)
    return 0 if better and all(side.holds for side in sides) else 1


def _side_by_side(result: Result, theirs: Dict[str, np.ndarray]) -> List[Side]:
    ours = result.confidence > 0.5
    both = ours & (theirs["confidence"] > 0.5)
    return [
        Side(
            Path(result.source.path).name,
            kind,
            _correlation(values[both], theirs[kind][both]),
            _correlation(values[ours], theirs[kind][ours]),
            _correlation(values, theirs[kind]),
            _off(result.source, theirs, kind),
        )
        for kind, values in result.modified.items()
    ]


def _off(source: DensityMap, theirs: Dict[str, np.ndarray], kind: str) -> float:
    """`Side.formula`; the published program does have NaN."""
    factor = _FACTORS[kind](theirs["scale"])
    ours = apply_factor(source.data, factor, theirs["confidence"], exclude_solvent=True)
    ours = np.clip(ours, source.data.min(), source.data.max())
    return float(np.nanmean(np.abs(theirs[kind] - ours)) / source.data.std())


def _sizes(path: Path, source: DensityMap, result: Result, theirs: Dict[str, np.ndarray], work: Path) -> Dict[str, str]:
    """The sizes by the names of the differences in the document."""
    spread = float(source.data.std())
    scale, trusted = theirs["scale"], theirs["confidence"]
    kept, again = (published.modified(path, work / name, *_WORDS) for name in ("kept", "again"))
    confidences = np.abs(result.confidence - trusted)
    bad = int((~np.isfinite(kept["sigmoid"])).sum())
    default = published.modified(path, work / "default", "--amplify", "3", mode="resolution")["amplified"]
    ours = process_map(source, Settings(amplify=3.0)).modified["amplified"]
    return {
        "low-pass": f"median {np.median(np.abs(result.scale - scale)):.2g} of the scale",
        "mode": f"correlation of the amplified maps {_correlation(default, ours):.4f}",
        "flat": f"{int((trusted > 0.5).sum())} voxels above 0.5 as published, {int((result.confidence > 0.5).sum())} "
        f"here; mean difference {confidences.mean():.2g}",
        "grey": _grey_scale(path, source, work, trusted),
        "ramp": _ramp(source, result),
        "sigmoid": f"{bad} NaN as published, none here; elsewhere {_off(source, theirs, 'sigmoid'):.2g} of the "
        "map's standard deviation on average",
        "seed": f"runs differ by up to {np.abs(kept['attenuated'] - again['attenuated']).max() / spread:.2g} standard "
        "deviations as published, by nothing here",
        "box": _cropped(path, source, work),
        "histogram": _matched(path, source, work),
    }


def _grey_scale(path: Path, source: DensityMap, work: Path, trusted: np.ndarray) -> str:
    larger = work / f"{path.stem}.mrc"
    with mrcfile.new(str(larger)) as mrc:
        mrc.set_data(source.data * np.float32(_LARGER))
        mrc.voxel_size = source.grid.voxel_size
    found = published.modified(larger, work / "larger", "--amplify", "3")["confidence"]
    plain = process_map(source, Settings(amplify=3.0)).confidence
    ours = process_map(replace(source, data=source.data * np.float32(_LARGER)), Settings(amplify=3.0)).confidence
    return (
        f"times {_LARGER:.0f}: confidence changes by up to {np.abs(found - trusted).max():.2g} as published, "
        f"{np.abs(ours - plain).max():.2g} here"
    )


def _ramp(source: DensityMap, result: Result) -> str:
    """With the confidence left out, since it hides the difference."""
    limit = POWERS.scale_limit
    without = amplification(result.scale, power=3.0, scale_limit=0.0)
    step = np.where(result.scale >= np.float32(limit), without, np.float32(1))
    ramp = amplification(result.scale, power=3.0, scale_limit=limit)
    below = (result.scale > 0) & (result.scale < np.float32(limit))
    differences = [np.abs((ramp - step) * source.data)[below], np.abs((ramp - step) * source.data * result.confidence)]
    return (
        f"{below.mean():.0%} of the voxels lie below; amplified without confidence they differ by "
        f"{differences[0].mean() / source.data.std():.2g} standard deviations on average, with it nowhere by more than "
        f"{differences[1].max() / source.data.std():.2g}"
    )


def _cropped(path: Path, source: DensityMap, work: Path) -> str:
    box = 2 * (source.data.shape[0] // 3)
    theirs = published.modified(path, work / "cropped", "--amplify", "3", "--max-box", str(box))["scale"]
    ours = process_map(source, Settings(amplify=3.0, max_box=box)).scale
    return f"max_box {box}: scale in a box of {len(theirs)} as published, {len(ours)} here"


def _matched(path: Path, source: DensityMap, work: Path) -> str:
    theirs = published.modified(path, work / "matched", "--amplify", "3", "--hist-match")["amplified"]
    ours = process_map(source, Settings(amplify=3.0, hist_match=True)).modified["amplified"]
    target = np.sort(source.data, axis=None)
    off = [np.abs(np.sort(values, axis=None) - target).mean() / source.data.std() for values in (theirs, ours)]
    return (
        f"correlation {_correlation(theirs, ours):.5f}; off the input's values by {off[0]:.1g} standard deviations as "
        f"published, {off[1]:.1g} here"
    )


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel(), dtype=np.float64)[0, 1])


if __name__ == "__main__":
    sys.exit(main())
