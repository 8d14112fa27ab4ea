# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated maps of any box for the timing, and a STAR file that combines maps to a classification."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Sequence, Tuple

import mrcfile
import numpy as np

from demo.simulate import phantom
from occupy_core.fourier.resize import resize

_MAX_SIMULATED_SIDE = 96  # voxels; larger boxes are simulated with this side and Fourier-padded


def simulated(folder: Path, box: int, voxel_size: float, *, occupancies: Sequence[float] = (1.0, 0.6, 0.3)) -> Path:
    """Write a simulated complex with solvent noise in a cubic box, unless the file exists.

    Parameters
    ----------
    folder : Path
        Folder of the file.
    box : int
        Side of the box, voxels.
    voxel_size : float
        Å.
    occupancies : sequence of float
        Occupancies of the parts of the complex, 0..1.

    Returns
    -------
    Path
        The map file.
    """
    name = "_".join(f"{occupancy:g}" for occupancy in occupancies)
    path = folder / f"box{box}_{name}.mrc"
    if not path.exists():
        # A separate process: the system counts the peak memory of this process for each process that it starts later.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(_simulate, path, box, voxel_size, tuple(occupancies)).result()
    return path


def classification(folder: Path, maps: Sequence[Path]) -> Path:
    """Write a RELION model STAR with the maps as classes of equal share and of 8 Å, and return its path."""
    rows = "".join(f"{path} {1 / len(maps):.6f} 8.0\n" for path in maps)
    head = f"data_model_general\n\n_rlnReferenceDimensionality 3\n_rlnNrClasses {len(maps)}\n\ndata_model_classes\n\n"
    path = folder / "run_it025_model.star"
    columns = "loop_\n_rlnReferenceImage\n_rlnClassDistribution\n_rlnEstimatedResolution\n"
    path.write_text(f"{head}{columns}{rows}\n", encoding="utf-8")
    return path


def _simulate(path: Path, box: int, voxel_size: float, occupancies: Tuple[float, ...]) -> None:
    side = min(box, _MAX_SIMULATED_SIDE)
    small = phantom((side,) * 3, voxel_size=voxel_size * box / side, occupancies=occupancies, noise=0.0)
    volume = resize(small.volume, (box,) * 3)
    rng = np.random.default_rng([round(1000 * occupancy) for occupancy in occupancies])  # each class has its own noise
    for section in volume:
        section += np.float32(0.1) * rng.standard_normal(section.shape, dtype=np.float32)
    with mrcfile.new(str(path)) as file:
        file.set_data(volume)
        file.voxel_size = voxel_size
