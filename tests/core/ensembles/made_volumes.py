# SPDX-License-Identifier: GPL-3.0-or-later
"""Make ensembles of simulated volumes: a part that stays, and parts that come and go or move."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import mrcfile
import numpy as np
from scipy import ndimage

from demo.simulate import phantom
from occupy_core.settings.job_spec import ClassInfo, MapInput

VOXEL_SIZE = 3.0


@lru_cache(maxsize=1)
def bodies():
    """Return the density of each of four bodies without noise, and the inner voxels of each."""
    alone = [phantom(occupancies=tuple(float(one == other) for other in range(4)), noise=0.0) for one in range(4)]
    return [made.volume for made in alone], alone[0].parts


def made_volumes(occupancies, *, noise=0.05, factors=None, shifts=None, seed=0):
    """Return a volume for each row of occupancies, of the bodies after the first, which is always there.

    `factors` are grey scales; `shifts` are shifts of the last body along z, voxels.
    """
    densities, _ = bodies()
    full = float(np.percentile(sum(densities), 99.9))
    rng = np.random.default_rng(seed)
    volumes = []
    for number, row in enumerate(occupancies):
        volume = densities[0].copy()
        for occupancy, body in zip(row, densities[1:]):
            volume += np.float32(occupancy) * body
        if shifts is not None:
            volume += ndimage.shift(densities[-1], (shifts[number], 0, 0), order=1)
        grain = ndimage.gaussian_filter(rng.standard_normal(volume.shape).astype(np.float32), 0.7)
        volume += grain * np.float32(noise * full / grain.std())
        volumes.append(volume * np.float32(1.0 if factors is None else factors[number]))
    return volumes


def few_components(volumes, count):
    """Return the volumes as a variability analysis writes them: their mean and some components of their differences.

    The noise of all volumes is then a mixture of these components.
    """
    mean = np.mean(volumes, axis=0)
    scores, sizes, rows = np.linalg.svd([(volume - mean).ravel() for volume in volumes], full_matrices=False)
    kept = (scores[:, :count] * sizes[:count]) @ rows[:count]
    return [mean + difference.reshape(mean.shape) for difference in kept]


def write_volumes(folder: Path, volumes, *, names="vol_{:03d}.mrc"):
    """Write the volumes, and return them as the items of a set."""
    items = []
    for number, volume in enumerate(volumes, start=1):
        path = folder / names.format(number)
        with mrcfile.new(path, overwrite=True) as file:
            file.set_data(volume.astype(np.float32))
            file.voxel_size = VOXEL_SIZE
        items.append(MapInput(str(path), f"map{number:03d}_", class_info=ClassInfo(number)))
    return items


def present_or_absent(count, parts, seed=0):
    """Draw occupancies of 0 or 1 (volume, part); each part is there in some volumes and absent in others."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2, (count, parts)).astype(float)
    values[0], values[1] = 0.0, 1.0
    return values
