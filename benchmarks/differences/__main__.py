# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare our modified maps with the published program's, and measure each deliberate difference: `make compare`.

With --write, docs/differences.md and docs/images/filler.png are written. The exit status is 1 when a bound is broken.
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
from benchmarks.differences.records import DifferenceSizes, MapComparison
from benchmarks.real_data import REPOSITORY, real_data
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.reading import read_map
from occupy_core.modify.factors import amplification, apply_factor, attenuation, sigmoid_factor
from occupy_core.process import Result, process_map
from occupy_core.settings.settings import Settings

CONTROL = "betaGal.mrc"  # four equal chains, all fully occupied: modification should change nothing
DOCUMENT = REPOSITORY / "docs" / "differences.md"
FIGURE = REPOSITORY / "docs" / "images" / "filler.png"
MAPS = ("betaGal.mrc", "emd_1832.map")
POWERS = Settings(amplify=3.0, attenuate=3.0, sigmoid=4.0, pivot=0.3)
# The options of the published program for the same modifications.
_OPTIONS = ("--amplify", "3", "--attenuate", "3", "--sigmoid", "4", "--pivot", "0.3")
_GREY_SCALE_FACTOR = 1024.0
_FACTORS = {
    "amplified": partial(amplification, power=POWERS.amplify, scale_limit=POWERS.scale_limit),
    "attenuated": partial(attenuation, power=POWERS.attenuate, scale_limit=POWERS.scale_limit),
    "sigmoid": partial(sigmoid_factor, power=POWERS.sigmoid, pivot=POWERS.pivot, scale_limit=POWERS.scale_limit),
}


def main(argv: Optional[List[str]] = None) -> int:
    """Measure the differences and print the document; return 1 when a bound is broken, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name} and {FIGURE.name}")
    options = parser.parse_args(argv)
    version = published.install()
    paths = [path for path in (real_data() / "maps" / name for name in MAPS) if path.exists()]
    if not paths:
        print(f"No real maps in {real_data() / 'maps'}: the differences from the published program were not measured")
        return 0
    comparisons: List[MapComparison] = []
    sizes: List[DifferenceSizes] = []
    control: Dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            source, work = read_map(path), Path(folder) / path.stem
            result = process_map(source, replace(POWERS, exclude_solvent=True))
            theirs = published.modified(path, work / "excluded", *_OPTIONS, "--exclude-solvent")
            comparisons += _compare_modified(result, theirs)
            if path.name == CONTROL:
                with_solvent = process_map(source, POWERS).modified
                control = {kind: _correlation(values, source.data) for kind, values in with_solvent.items()}
            sizes.append(DifferenceSizes(path.name, _measure_sizes(path, source, result, theirs, work)))
    filled = [filler.fill(path) for path in paths]
    text = document(comparisons, sizes, control, filled, version)
    print(text)
    if options.write:
        DOCUMENT.write_text(text, encoding="utf-8")
        filler.figure(filled).savefig(FIGURE, dpi=80)
    better = all(item.worst_factors[filler.SOLVENT_SPECTRUM] < item.worst_factors[filler.WHITE] for item in filled)
    return 0 if better and all(item.holds for item in comparisons) else 1


def _compare_modified(result: Result, theirs: Dict[str, np.ndarray]) -> List[MapComparison]:
    ours_confident = result.confidence > 0.5
    both_confident = ours_confident & (theirs["confidence"] > 0.5)
    return [
        MapComparison(
            Path(result.source.path).name,
            kind,
            _correlation(values[both_confident], theirs[kind][both_confident]),
            _correlation(values[ours_confident], theirs[kind][ours_confident]),
            _correlation(values, theirs[kind]),
            _formula_difference(result.source, theirs, kind),
        )
        for kind, values in result.modified.items()
    ]


def _formula_difference(source: DensityMap, theirs: Dict[str, np.ndarray], kind: str) -> float:
    """Return `MapComparison.formula_difference`; NaN voxels of the published map are left out."""
    factor = _FACTORS[kind](theirs["scale"])
    ours = apply_factor(source.data, factor, theirs["confidence"], exclude_solvent=True)
    ours = np.clip(ours, source.data.min(), source.data.max())
    return float(np.nanmean(np.abs(theirs[kind] - ours)) / source.data.std())


def _measure_sizes(
    path: Path, source: DensityMap, result: Result, theirs: Dict[str, np.ndarray], work: Path
) -> Dict[str, str]:
    """Measure each deliberate difference on one map, and return it in words by its name in `document.DIFFERENCES`.

    Parameters
    ----------
    path : Path
        The map file.
    source : DensityMap
        The map.
    result : Result
        Our modified maps, solvent excluded.
    theirs : dict of str to array
        The published program's maps, solvent excluded, from `published.modified`.
    work : Path
        Folder for the published program's files.
    """
    spread = float(source.data.std())
    scale, confidence = theirs["scale"], theirs["confidence"]
    first_run, second_run = (published.modified(path, work / name, *_OPTIONS) for name in ("first", "second"))
    seed_difference = np.abs(first_run["attenuated"] - second_run["attenuated"]).max() / spread
    confidence_difference = np.abs(result.confidence - confidence).mean()
    nan_voxels = int((~np.isfinite(first_run["sigmoid"])).sum())
    default = published.modified(path, work / "default", "--amplify", "3", mode="resolution")["amplified"]
    ours = process_map(source, Settings(amplify=3.0)).modified["amplified"]
    return {
        "low-pass": f"median difference of the scale {np.median(np.abs(result.scale - scale)):.2g}",
        "mode": f"correlation of the amplified maps {_correlation(default, ours):.4f}",
        "flat": f"voxels with confidence above 0.5: {int((confidence > 0.5).sum())} published, "
        f"{int((result.confidence > 0.5).sum())} here; mean difference of the confidence {confidence_difference:.2g}",
        "grey": _grey_scale(path, source, work, confidence),
        "ramp": _ramp(source, result),
        "sigmoid": f"NaN voxels: {nan_voxels} published, none here; mean difference of the other voxels "
        f"{_formula_difference(source, theirs, 'sigmoid'):.2g} standard deviations of the map",
        "seed": f"largest difference between two runs: {seed_difference:.2g} standard deviations published, 0 here",
        "box": _cropped(path, source, work),
        "histogram": _histogram_matched(path, source, work),
    }


def _grey_scale(path: Path, source: DensityMap, work: Path, confidence: np.ndarray) -> str:
    """Measure how the confidence changes when the map is multiplied by a constant."""
    multiplied = work / f"{path.stem}.mrc"
    with mrcfile.new(str(multiplied)) as mrc:
        mrc.set_data(source.data * np.float32(_GREY_SCALE_FACTOR))
        mrc.voxel_size = source.grid.voxel_size
    theirs = published.modified(multiplied, work / "larger", "--amplify", "3")["confidence"]
    plain = process_map(source, Settings(amplify=3.0)).confidence
    factor = np.float32(_GREY_SCALE_FACTOR)
    ours = process_map(replace(source, data=source.data * factor), Settings(amplify=3.0)).confidence
    return (
        f"map multiplied by {_GREY_SCALE_FACTOR:.0f}: largest change of the confidence "
        f"{np.abs(theirs - confidence).max():.2g} published, {np.abs(ours - plain).max():.2g} here"
    )


def _ramp(source: DensityMap, result: Result) -> str:
    """Compare the factor below the scale limit, without the confidence too, because the confidence hides it."""
    limit = POWERS.scale_limit
    without_limit = amplification(result.scale, power=3.0, scale_limit=0.0)
    step = np.where(result.scale >= np.float32(limit), without_limit, np.float32(1))
    ramp = amplification(result.scale, power=3.0, scale_limit=limit)
    below = (result.scale > 0) & (result.scale < np.float32(limit))
    without_confidence = np.abs((ramp - step) * source.data)[below]
    with_confidence = np.abs((ramp - step) * source.data * result.confidence)
    return (
        f"{below.mean():.0%} of the voxels lie below the limit; mean difference of the amplified maps there, without "
        f"confidence, {without_confidence.mean() / source.data.std():.2g} standard deviations; largest difference with "
        f"confidence {with_confidence.max() / source.data.std():.2g}"
    )


def _cropped(path: Path, source: DensityMap, work: Path) -> str:
    box = 2 * (source.data.shape[0] // 3)
    theirs = published.modified(path, work / "cropped", "--amplify", "3", "--max-box", str(box))["scale"]
    ours = process_map(source, Settings(amplify=3.0, max_box=box)).scale
    return f"max_box {box}: box of the scale map {len(theirs)} published, {len(ours)} here"


def _histogram_matched(path: Path, source: DensityMap, work: Path) -> str:
    theirs = published.modified(path, work / "matched", "--amplify", "3", "--hist-match")["amplified"]
    ours = process_map(source, Settings(amplify=3.0, hist_match=True)).modified["amplified"]
    target = np.sort(source.data, axis=None)
    theirs_off, ours_off = (
        np.abs(np.sort(values, axis=None) - target).mean() / source.data.std() for values in (theirs, ours)
    )
    return (
        f"correlation {_correlation(theirs, ours):.5f}; mean difference of the sorted values from those of the input "
        f"{theirs_off:.1g} standard deviations published, {ours_off:.1g} here"
    )


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel(), dtype=np.float64)[0, 1])


if __name__ == "__main__":
    sys.exit(main())
