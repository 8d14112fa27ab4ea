# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the last iteration of a RELION 3D classification with twelve classes, whose maps have a part or lack it."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np

from tests.core.ensembles.made_volumes import VOXEL_SIZE, made_volumes, present_or_absent, write_volumes

CLASSES, OF_CLASS = 12, 60
_SIDE = 8  # voxels of the particle images, which are empty


def write_classes(folder: Path) -> np.ndarray:
    """Write maps, model and data STAR files and a stack of particles; return which class has which part, 0 or 1."""
    truth = present_or_absent(CLASSES, 3)
    maps = write_volumes(folder, made_volumes(truth), names="run_it025_class{:03d}.mrc")
    side = mrcfile.read(maps[0].path).shape[0]
    rows = "".join(f"{Path(item.path).name} {1 / CLASSES:.6f} 10.0\n" for item in maps)
    general = f"_rlnReferenceDimensionality 3\n_rlnOriginalImageSize {side}\n_rlnPixelSize {VOXEL_SIZE}"
    columns = "loop_\n_rlnReferenceImage\n_rlnClassDistribution\n_rlnEstimatedResolution\n"
    (folder / "run_it025_model.star").write_text(
        f"data_model_general\n\n{general}\n_rlnNrClasses {CLASSES}\n\ndata_model_classes\n\n{columns}{rows}"
    )
    numbers = range(CLASSES * OF_CLASS)
    rows = "".join(f"{row + 1:06d}@all.mrcs 1 {row % CLASSES + 1} 0 0 0 0 0\n" for row in numbers)
    optics = (
        "data_optics\n\nloop_\n_rlnOpticsGroup\n_rlnOpticsGroupName\n_rlnVoltage\n_rlnSphericalAberration\n"
        f"_rlnAmplitudeContrast\n_rlnImagePixelSize\n_rlnImageSize\n_rlnImageDimensionality\n"
        f"1 all 300.0 2.7 0.1 {VOXEL_SIZE} {_SIDE} 2\n\n"
    )
    poses = "_rlnAngleRot\n_rlnAngleTilt\n_rlnAnglePsi\n_rlnOriginXAngst\n_rlnOriginYAngst\n"
    particles = f"data_particles\n\nloop_\n_rlnImageName\n_rlnOpticsGroup\n_rlnClassNumber\n{poses}"
    (folder / "run_it025_data.star").write_text(f"{optics}{particles}{rows}")
    with mrcfile.new(folder / "all.mrcs", overwrite=True) as file:
        file.set_data(np.zeros((len(numbers), _SIDE, _SIDE), dtype=np.float32))
        file.set_image_stack()
        file.voxel_size = VOXEL_SIZE
    return truth
