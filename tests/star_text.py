# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the files of one iteration of a RELION 3D classification with two small classes."""

from __future__ import annotations

from pathlib import Path

import mrcfile

_MODEL = """
# version 30001

data_model_general

_rlnReferenceDimensionality 3
_rlnOriginalImageSize {side}
_rlnPixelSize 4.0
_rlnNrClasses 2
_rlnTau2FudgeFactor 4.0


data_model_classes

loop_
_rlnReferenceImage #1
_rlnClassDistribution #2
_rlnEstimatedResolution #3
{stem}_class001.mrc 0.25 20.000000
{stem}_class002.mrc 0.75 40.000000


data_model_class_1

loop_
_rlnSpectralIndex #1
_rlnSsnrMap #2
_rlnGoldStandardFsc #3
0 800.00000 1.0
1 10.000000 1.0
2 1.0000000 0.5


data_model_class_2

loop_
_rlnSpectralIndex #1
_rlnSsnrMap #2
_rlnGoldStandardFsc #3
0 1600.0000 1.0
1 20.000000 0.0
2 2.0000000 0.5

"""
_OPTIMISER = """# RELION optimiser; version 3.1.3
# --o {stem}

# version 30001

data_optimiser_general

_rlnOutputRootName {stem}
_rlnSolventMaskName {mask}
_rlnSolventMask2Name None

"""
_DATA = """
# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnVoltage #3
_rlnSphericalAberration #4
_rlnAmplitudeContrast #5
_rlnImagePixelSize #6
_rlnImageSize #7
_rlnImageDimensionality #8
opticsGroup1 1 300 2.7 0.1 4.0 {side} 2

# version 30001

data_particles

loop_
_rlnImageName #1
_rlnClassNumber #2
_rlnOpticsGroup #3
_rlnAngleRot #4
_rlnAngleTilt #5
_rlnAnglePsi #6
_rlnOriginXAngst #7
_rlnOriginYAngst #8
_rlnDefocusU #9
_rlnDefocusV #10
_rlnDefocusAngle #11
"""
_PARTICLE = "{number:06d}@{images} {class_number} 1 10 20 30 0 0 10000 10000 0\n"


def write_iteration(stem, random, mask="None", side=32):
    """Write class maps, STAR files and particles of one iteration.

    The signal-to-noise ratios are (200, 2.5, 0.25) and (400, 5, 0.5), the resolutions 20 and 40 Å. One particle is in
    class 1, three are in class 2.

    Parameters
    ----------
    stem : str
        First part of the paths, from the current folder, such as Class3D/run_it001.
    random : numpy.random.Generator
    mask : str
        The mask that the optimiser STAR file names.
    side : int
        Voxels of a side of the maps' box.
    """
    Path(stem).parent.mkdir(parents=True, exist_ok=True)
    images = f"{stem}_particles.mrcs"
    particles = [
        _PARTICLE.format(number=number, images=images, class_number=1 if number == 1 else 2) for number in range(1, 5)
    ]
    for kind, text in (("model", _MODEL), ("optimiser", _OPTIMISER)):
        Path(f"{stem}_{kind}.star").write_text(text.format(stem=stem, mask=mask, side=side))
    Path(f"{stem}_data.star").write_text(_DATA.format(side=side) + "".join(particles))
    for number in (1, 2):
        values = random.normal(0, 0.1, (side, side, side))
        low, high = 5 * side // 16, 11 * side // 16
        values[low:high, low:high, low : low + (1 + number) * side // 8] += 1
        _write(f"{stem}_class{number:03d}.mrc", values)
    _write(images, random.normal(0, 1, (4, side, side)))


def _write(path, values):
    with mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(values.astype("f4"))
        mrc.voxel_size = 4.0
