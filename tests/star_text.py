# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the files of one iteration of a RELION 3D classification with two small classes."""

from __future__ import annotations

from pathlib import Path

import mrcfile

_MODEL = """
# version 30001

data_model_general

_rlnReferenceDimensionality 3
_rlnOriginalImageSize 32
_rlnPixelSize 4.0
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
data_particles

loop_
_rlnImageName #1
_rlnClassNumber #2
1@a.mrcs 1
2@a.mrcs 2
3@a.mrcs 2
4@a.mrcs 2
"""


def write_iteration(stem, random, mask="None"):
    """Write class maps and STAR files, the paths of which begin with `stem`; `mask` is named in the optimiser file.

    The signal-to-noise ratios are (200, 2.5, 0.25) and (400, 5, 0.5), the resolutions 20 and 40 Å.
    """
    Path(stem).parent.mkdir(parents=True, exist_ok=True)
    for kind, text in (("model", _MODEL), ("optimiser", _OPTIMISER), ("data", _DATA)):
        Path(f"{stem}_{kind}.star").write_text(text.format(stem=stem, mask=mask))
    for number in (1, 2):
        values = random.normal(0, 0.1, (32, 32, 32)).astype("f4")
        values[10:22, 10:22, 10 : 14 + 4 * number] += 1
        with mrcfile.new(f"{stem}_class{number:03d}.mrc") as mrc:
            mrc.set_data(values)
            mrc.voxel_size = 4.0
