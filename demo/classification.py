# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated 3D classification: class maps of one complex, and the STAR files that RELION would leave beside them."""

from __future__ import annotations

from pathlib import Path
from typing import List

import mrcfile

from demo.simulate import Phantom, phantom

# Occupancies of the parts in each class: one part differs between the classes, another in the last alone.
OCCUPANCIES = ((1.0, 0.6, 0.2), (1.0, 0.6, 0.9), (1.0, 0.1, 0.9))
PARTICLES = (500, 300, 200)
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


def classes() -> List[Phantom]:
    """The class maps: one complex, noise of its own in each."""
    return [phantom(occupancies=chosen, noise=0.1, noise_seed=number) for number, chosen in enumerate(OCCUPANCIES, 1)]


def write_classification(folder: Path, made: List[Phantom]) -> Path:
    """Write class maps and STAR files into a folder, in a project one folder above.

    Returns
    -------
    Path
        The data STAR, as RELION's users choose it.
    """
    folder.mkdir(parents=True)
    rows = []
    for number, (item, particles) in enumerate(zip(made, PARTICLES), start=1):
        name = f"{STEM}_class{number:03d}.mrc"
        with mrcfile.new(str(folder / name)) as mrc:
            mrc.set_data(item.volume)
            mrc.voxel_size = item.voxel_size
        rows.append(f"{name} {particles / sum(PARTICLES):.6f}")
    model = _MODEL.format(voxel_size=made[0].voxel_size, number=len(made))
    (folder / f"{STEM}_model.star").write_text(model + "\n".join(rows) + "\n\n", encoding="utf-8")
    lines = [str(number) for number, particles in enumerate(PARTICLES, start=1) for _ in range(particles)]
    data = "\n# version 30001\n\ndata_particles\n\nloop_\n_rlnClassNumber #1\n" + "\n".join(lines) + "\n\n"
    path = folder / f"{STEM}_data.star"
    path.write_text(data, encoding="utf-8")
    return path
