# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure time, memory and open files of jobs on many volumes."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

import mrcfile
import numpy as np

from benchmarks.soak import Soak, measure_command
from demo.simulate import phantom

_VOXEL_SIZE, _NOISE, _PARTS = 2.5, 0.1, 4
_CODE = "import sys\nfrom relion_external.job import run\nsys.exit(run(sys.argv[1:]))"


@dataclass(frozen=True)
class Size:
    """The size of an ensemble, and the bounds of a job on it with two threads.

    Attributes
    ----------
    count : int
        Number of volumes.
    box : int
        Side of the volumes, voxels.
    seconds, memory, open_files : float or int
        Bounds: elapsed time, peak of the resident memory in MB, open files. No bound where infinite.
    """

    count: int
    box: int
    seconds: float = float("inf")
    memory: float = float("inf")
    open_files: int = 32


SIZES = (
    Size(25, 96),
    Size(50, 96),
    Size(100, 96, 40.0, 300.0),
    Size(125, 64),
    Size(250, 64),
    Size(500, 64, 120.0, 300.0),
)


def measure(size: Size, *, options: Sequence[str] = ()) -> Soak:
    """Run one job on an ensemble of simulated volumes, and measure the largest of its processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, size)
        words = ["--maps", f"{folder}/vol_*.mrc", "--o", f"{folder}/job/", "--j", "2", *options]
        return measure_command([sys.executable, "-c", _CODE, *words], folder / "output.txt", size.count, None)


def _write(folder: Path, size: Size) -> None:
    """Write volumes in which all parts but the first come and go."""
    shape = (size.box,) * 3
    alone = [
        phantom(
            shape,
            voxel_size=_VOXEL_SIZE,
            noise=0.0,
            occupancies=tuple(float(one == other) for other in range(_PARTS)),
        ).volume
        for one in range(_PARTS)
    ]
    rng = np.random.default_rng(0)
    full = float(np.percentile(sum(alone), 99.9))
    for number in range(size.count):
        volume = alone[0] + _NOISE * full * rng.standard_normal(shape).astype(np.float32)
        for part in alone[1:]:
            volume += np.float32(rng.integers(0, 2)) * part
        with mrcfile.new(folder / f"vol_{number:03d}.mrc") as file:
            file.set_data(volume.astype(np.float32))
            file.voxel_size = _VOXEL_SIZE
