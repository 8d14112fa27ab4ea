# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate a 3D classification: class maps of one complex, and the STAR files that RELION would write."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable, List, Sequence

import mrcfile

from demo.simulate import Phantom, phantom

# Occupancies of the three parts in each class. The third part is weak in the first class only, the second part in the
# last class only.
OCCUPANCIES = ((1.0, 0.6, 0.2), (1.0, 0.6, 0.9), (1.0, 0.1, 0.9))
PARTICLES = (500, 300, 200)  # number of particles in each class
STEM = "run_it025"

_MODEL = """
# version 30001

data_model_general

_rlnReferenceDimensionality 3
_rlnPixelSize {voxel_size}
_rlnNrClasses {number}

data_model_classes

loop_
_rlnReferenceImage #1
_rlnClassDistribution #2
"""

_OPTIMISER = """
# version 30001

data_optimiser_general

_rlnModelStarFile {stem}_model.star
_rlnExperimentalDataStarFile {stem}_data.star
_rlnSolventMaskName None

"""


def classes() -> List[Phantom]:
    """Simulate the class maps: one complex with the occupancies of `OCCUPANCIES`, and different noise in each map."""
    return [
        phantom(occupancies=occupancies, noise=0.1, noise_seed=number)
        for number, occupancies in enumerate(OCCUPANCIES, 1)
    ]


def write_classification(
    folder: Path, class_maps: Iterable[Phantom], particle_counts: Sequence[int] = PARTICLES
) -> Path:
    """Write class maps, a model STAR, an optimiser STAR (without a mask) and a data STAR.

    Parameters
    ----------
    folder : Path
        New folder for the files.
    class_maps : iterable of Phantom
        The class maps, of one voxel size; one is in memory at a time.
    particle_counts : sequence of int
        Number of particles in each class.

    Returns
    -------
    Path
        The data STAR, which users choose as the input of a job.
    """
    folder.mkdir(parents=True)
    rows = []
    voxel_size = 0.0
    for number, (class_map, particles) in enumerate(zip(class_maps, particle_counts), start=1):
        name, voxel_size = f"{STEM}_class{number:03d}.mrc", class_map.voxel_size
        with mrcfile.new(str(folder / name)) as mrc:
            mrc.set_data(class_map.volume)
            mrc.voxel_size = voxel_size
        rows.append(f"{name} {particles / sum(particle_counts):.6f}")
    model = _MODEL.format(voxel_size=voxel_size, number=len(rows))
    (folder / f"{STEM}_model.star").write_text(model + "\n".join(rows) + "\n\n", encoding="utf-8")
    (folder / f"{STEM}_optimiser.star").write_text(_OPTIMISER.format(stem=STEM), encoding="utf-8")
    lines = [str(number) for number, particles in enumerate(particle_counts, start=1) for _ in range(particles)]
    data = "\n# version 30001\n\ndata_particles\n\nloop_\n_rlnClassNumber #1\n" + "\n".join(lines) + "\n\n"
    path = folder / f"{STEM}_data.star"
    path.write_text(data, encoding="utf-8")
    return path
