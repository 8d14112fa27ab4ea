# SPDX-License-Identifier: GPL-3.0-or-later
"""RELION leads subtracted particles back to the original ones, as the next steps and docs/classification.md say."""

import subprocess

import mrcfile
import numpy as np
import starfile

PARTICLES = """data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnImagePixelSize #3
_rlnImageSize #4
_rlnImageDimensionality #5
_rlnVoltage #6
_rlnSphericalAberration #7
_rlnAmplitudeContrast #8
1 opticsGroup1 3.0 32 2 300 2.7 0.1

data_particles

loop_
_rlnImageName #1
_rlnImageOriginalName #2
_rlnOpticsGroup #3
_rlnClassNumber #4
_rlnAngleRot #5
_rlnOriginXAngst #6
1@subtracted.mrcs 1@original.mrcs 1 2 30.0 4.5

"""


def test_reverted_particles_name_the_original_images_and_keep_class_angle_and_shift(relion, tmp_path):
    for name in ("original", "subtracted"):
        with mrcfile.new(tmp_path / f"{name}.mrcs") as file:
            file.set_data(np.ones((1, 32, 32), dtype=np.float32))
            file.set_image_stack()
            file.voxel_size = 3.0
    (tmp_path / "particles.star").write_text(PARTICLES)
    command = ["relion_particle_subtract", "--revert", "particles.star", "--o", "out/"]
    (tmp_path / "out").mkdir()
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60, capture_output=True)
    (row,) = starfile.read(tmp_path / "out" / "original.star", always_dict=True)["particles"].to_dict("records")
    assert (row["rlnImageName"], row["rlnImageOriginalName"]) == ("1@original.mrcs", "1@subtracted.mrcs")
    assert (row["rlnClassNumber"], row["rlnAngleRot"], row["rlnOriginXAngst"]) == (2, 30.0, 4.5)
