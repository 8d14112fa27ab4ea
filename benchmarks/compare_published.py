# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare our local scale with that of the published program, on the same maps: `make compare MAPS=...`.

The published program (`occupy` on the package index) is installed in its own environment. Without MAPS, the real maps
in the data folder (OCCUPY_SHARED_DATA) and a simulated map are compared. The exit status is 1 when a bound is broken.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

import mrcfile
import numpy as np

from benchmarks import published
from benchmarks.real_data import REPOSITORY, real_data
from demo.simulate import phantom

DOCUMENT = REPOSITORY / "docs" / "comparison.md"


@dataclass(frozen=True)
class Row:
    """Differences between our result and the published one, for one map in one mode.

    Attributes
    ----------
    name : str
        File name of the map.
    mode : str
        "resolution" or "occupancy".
    largest, median : float
        Absolute differences of the local scale (0..1) over the voxels.
    correlation, confidence_correlation : float
        Correlations of the two local scales and of the two confidences.
    """

    name: str
    mode: str
    largest: float
    median: float
    correlation: float
    confidence_correlation: float

    @property
    def holds(self) -> bool:
        """Whether the bounds hold; they allow for the published filter's half-voxel shift in occupancy mode."""
        if self.mode == "resolution":
            return self.largest <= 1e-6
        return self.median <= 0.02 and self.correlation >= 0.98


def main(argv: Optional[List[str]] = None) -> int:
    """Compare the maps and print the table; return 1 when a bound is broken, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "maps", nargs="*", type=Path, help="cubic maps with an even box (the published program reads no others)"
    )
    parser.add_argument("--write", action="store_true", help=f"write the table to {DOCUMENT.name}")
    options = parser.parse_args(argv)
    version = published.install()
    with tempfile.TemporaryDirectory() as folder:
        maps = options.maps or [*_real_maps(), _write_simulated(Path(folder))]
        rows = [_compare(path.resolve(), mode, Path(folder)) for path in maps for mode in published.MODES]
    text = _table(rows)
    print(text)
    if options.write:
        DOCUMENT.write_text(_document(text, version), encoding="utf-8")
    return 0 if all(row.holds for row in rows) else 1


def _real_maps() -> List[Path]:
    folder = real_data() / "maps"
    return [path for name in ("betaGal.mrc", "emd_1832.map", "6824.mrc") for path in folder.glob(name)]


def _write_simulated(folder: Path) -> Path:
    path = folder / "simulated.mrc"
    simulated = phantom((72, 72, 72), voxel_size=2.0, noise=0.1)
    with mrcfile.new(str(path)) as mrc:
        mrc.set_data(simulated.volume)
        mrc.voxel_size = simulated.voxel_size
    return path


def _compare(path: Path, mode: str, folder: Path) -> Row:
    work = folder / path.stem / mode
    their_scale, their_confidence = published.run(path, mode, work / "published")
    job = [sys.executable, "-m", "relion_external", "--o", f"{work}/ours/", "--in_3dref", str(path), "--mode", mode]
    subprocess.run([*job, "--tile_size", "12"], check=True, capture_output=True, cwd=REPOSITORY)
    scale, confidence = published.read(work / "ours" / "scale.mrc"), published.read(work / "ours" / "confidence.mrc")
    difference = np.abs(scale - their_scale)
    return Row(
        path.name,
        mode,
        float(difference.max()),
        float(np.median(difference)),
        _correlation(scale, their_scale),
        _correlation(confidence, their_confidence),
    )


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel(), dtype=np.float64)[0, 1])


def _table(rows: List[Row]) -> str:
    lines = [
        "| map | mode | largest difference | median difference | correlation | correlation of the confidence "
        "| bounds hold |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.name} | {row.mode} | {row.largest:.2g} | {row.median:.2g} | {row.correlation:.5f} "
        f"| {row.confidence_correlation:.4f} | {'yes' if row.holds else 'NO'} |"
        for row in rows
    ]
    return "\n".join(lines)


def _document(table: str, version: str) -> str:
    return f"""# Local scale compared with the published program

`make compare` (`python -m benchmarks.compare_published --write`) writes this page. It compares the local scale of this
package with that of the published program (occupy {version}, tile size 12), on the same maps in the same run.
Differences are differences of the local scale, which runs from 0 to 1.

{table}

The bounds: in resolution mode no voxel may differ by more than 1e-6. In occupancy mode the median difference may be at
most 0.02, and the correlation must be at least 0.98. Occupancy mode differs because the low-pass window of the
published program is centred half a voxel off the Fourier origin; the window of this package is centred on the origin.

The confidence differs most in maps with flat areas (constant voxels): this package does not count them as solvent
noise. It differs slightly in all maps, because its regularisation is relative to the map's grey scale in this package
and absolute in the published program.

betaGal.mrc is the beta-galactosidase of RELION's tutorial, emd_1832.map is EMD-1832, and 6824.mrc is EMD-6824
resampled to 2.64 Å. simulated.mrc is the complex of the demo in a box of 72 voxels.
"""


if __name__ == "__main__":
    sys.exit(main())
