# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of any box to time on, and the STAR file that makes classes of them."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Sequence, Tuple

import mrcfile
import numpy as np

from demo.simulate import phantom
from occupy_core.fourier.resize import resize

_FINEST = 96  # voxels a side, of the complex before it is brought to a larger box


def simulated(folder: Path, box: int, voxel_size: float, *, occupancies: Sequence[float] = (1.0, 0.6, 0.3)) -> Path:
    """A simulated complex with solvent noise in a cubic box; voxel size in Å."""
    name = "_".join(f"{occupancy:g}" for occupancy in occupancies)
    path = folder / f"box{box}_{name}.mrc"
    if not path.exists():
        # In a process of its own: to the system the peak memory of this one is that of every process it starts, too.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(_simulate, path, box, voxel_size, tuple(occupancies)).result()
    return path


def _simulate(path: Path, box: int, voxel_size: float, occupancies: Tuple[float, ...]) -> None:
    side = min(box, _FINEST)
    made = phantom((side,) * 3, voxel_size=voxel_size * box / side, occupancies=occupancies, noise=0.0)
    volume = resize(made.volume, (box,) * 3)
    noise = np.random.default_rng(0)
    for section in volume:
        section += np.float32(0.1) * noise.standard_normal(section.shape, dtype=np.float32)
    with mrcfile.new(str(path)) as file:
        file.set_data(volume)
        file.voxel_size = voxel_size


def classification(folder: Path, maps: Sequence[Path]) -> Path:
    """A RELION model of one classification with these maps as its classes, all of one share."""
    rows = "".join(f"{path} {1 / len(maps):.6f}\n" for path in maps)
    head = f"data_model_general\n\n_rlnReferenceDimensionality 3\n_rlnNrClasses {len(maps)}\n\ndata_model_classes\n\n"
    path = folder / "run_it025_model.star"
    path.write_text(f"{head}loop_\n_rlnReferenceImage\n_rlnClassDistribution\n{rows}\n", encoding="utf-8")
    return path
