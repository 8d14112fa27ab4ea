# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of subtomograms of RELION 5: from its optimisation set to the classes and to their subtomograms."""

import json
from pathlib import Path

import numpy as np
import pytest
import starfile

from relion_external.supervisor import main
from tests.star_text import write_iteration

STEM = "Class3D/job007/run_it025"
DATA, SET = f"{STEM}_data.star", f"{STEM}_optimisation_set.star"
COUNTS = (60, 90)
_DATA = """
# version 50001

data_general

_rlnTomoSubTomosAre2DStacks                       1


# version 50001

data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnTomoTiltSeriesPixelSize #3
_rlnCtfDataAreCtfPremultiplied #4
_rlnImageDimensionality #5
_rlnTomoSubtomogramBinning #6
_rlnImagePixelSize #7
_rlnImageSize #8
1 opticsGroup1 1.000000 1 2 4.000000 4.000000 32


# version 50001

data_particles

loop_
_rlnTomoName #1
_rlnTomoParticleId #2
_rlnTomoParticleName #3
_rlnImageName #4
_rlnOpticsGroup #5
_rlnTomoVisibleFrames #6
_rlnCenteredCoordinateXAngst #7
_rlnTomoSubtomogramRot #8
_rlnAngleRot #9
_rlnClassNumber #10
"""
_ROW = (
    "TS_{tomogram:02d} {number} TS_{tomogram:02d}/{number} Extract/job005/{number}_stack2d.mrcs 1 [1,1,0,1] {x} 0 10 "
    "{kind}\n"
)


@pytest.fixture
def classified(tmp_path, monkeypatch):
    """Write a classification of subtomograms with the tables and columns of RELION 5, and its optimisation set."""
    monkeypatch.chdir(tmp_path)
    write_iteration(STEM, np.random.default_rng(1))
    kinds = np.repeat([1, 2], COUNTS)
    rows = [_ROW.format(tomogram=n % 3, number=n, x=float(n), kind=kind) for n, kind in enumerate(kinds, start=1)]
    Path(DATA).write_text(_DATA + "".join(rows))
    Path(SET).write_text(
        f"\n# version 50001\n\ndata_\n\n_rlnTomoParticlesFile   {DATA}\n"
        '_rlnTomoTomogramsFile   Tomograms/job002/tomograms.star\n_rlnTomoTrajectoriesFile   ""\n'
    )


@pytest.mark.parametrize("chosen", [SET, DATA])
def test_classes_are_compared_and_their_subtomograms_divided(classified, chosen):
    assert main(["--o", "out/", "--in_parts", chosen, "--particles", "yes", "--figures", "no"]) == 0
    report = json.loads(Path("out/report.json").read_text())
    assert [item["particles"] for item in report["comparison"]["maps"]] == list(COUNTS)
    (region,) = [item for item in report["comparison"]["regions"] if item["sure"]]
    assert any("to refine the subtomograms that have region 1" in text for text in report["next_steps"])
    (with_it,) = region["particles"]["with"]["numbers"]
    found = starfile.read("out/region001_with.star", always_dict=True)
    before = starfile.read(DATA, always_dict=True)
    assert list(found) == ["general", "optics", "particles"] and found["general"] == before["general"]
    expected = before["particles"][before["particles"]["rlnClassNumber"] == with_it].reset_index(drop=True)
    assert found["particles"].equals(expected) and len(expected) == COUNTS[with_it - 1]


def test_tables_of_tomograms_are_refused_with_what_to_give(classified, capfd):
    Path("tomograms.star").write_text("data_global\n\nloop_\n_rlnTomoName #1\nTS_01\n")
    assert main(["--o", "out/", "--in_parts", "tomograms.star"]) == 1
    said = capfd.readouterr().err
    assert "tomograms.star: lists tomograms, expected a file of a Class3D job" in said
