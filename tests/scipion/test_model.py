# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancy of the parts of a fitted model in a real project: outputs, attributes, masks, texts, failures."""

from dataclasses import replace

import pytest

from benchmarks.occupancy.bundles import write_bundles
from benchmarks.occupancy.fitted_model import write_fitted_model
from benchmarks.occupancy.simulate import Conditions, simulate
from tests.scipion.conftest import write_map

CONDITIONS = Conditions(resolution=5.0, voxel_size=2.4, noise=0.1, seed=3, padding=20.0, in_ice=True)
OCCUPANCIES = {"A": 1.0, "B": 1.0, "C": 0.3, "D": 1.0, "E": 0.6, "F": 1.0, "G": 0.0}
WITHOUT_E = {**OCCUPANCIES, "E": 0.0}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with maps of the complex, state1.mrc and state2.mrc, and the model in their frame, fitted.cif."""
    folder = tmp_path_factory.mktemp("models")
    bundles = write_bundles(folder / "bundles.cif")
    write_fitted_model(bundles, CONDITIONS, folder / "fitted.cif")
    for number, occupancies in enumerate((OCCUPANCIES, WITHOUT_E), start=1):
        volume = simulate(bundles, replace(CONDITIONS, seed=number), occupancies).volume
        write_map(folder / f"state{number}.mrc", volume, voxel_size=CONDITIONS.voxel_size)
    return folder


@pytest.fixture(scope="module")
def model(laboratory, files):
    with laboratory.inside():
        return laboratory.import_model(files / "fitted.cif")


@pytest.fixture(scope="module")
def state1(laboratory, files):
    with laboratory.inside():
        return laboratory.import_maps(files / "state1.mrc", sampling=CONDITIONS.voxel_size)


@pytest.fixture(scope="module")
def run(laboratory, state1, model):
    with laboratory.inside():
        protocol = laboratory.launch(laboratory.model_occupancy(state1, model, modelMasks=2, modelMaskParts="C, E"))
    assert protocol.isFinished(), protocol.getErrorMessage()
    return protocol


def test_model_and_masks_are_outputs(lab, state1, model, run):
    found = lab.read_back(run)
    assert list(found["outputs"]) == ["occupancyModel", "partMask1", "partMask2"]
    output = found["outputs"]["occupancyModel"]
    assert output["class"] == "AtomStruct" and output["comment"] == "occupancies of fitted.cif in import_state1.mrc"
    assert output["volume"]["file"] == state1.outputVolume.getFileName()
    assert output["volume"]["sampling"] == CONDITIONS.voxel_size
    for number, part in ((1, "C"), (2, "E")):
        mask = found["outputs"][f"partMask{number}"]
        assert mask["class"] == "VolumeMask" and mask["comment"] == f"mask of {part}"
        assert mask["sampling"] == CONDITIONS.voxel_size and mask["origin"] == output["volume"]["origin"]
    for output in found["outputs"].values():
        assert output["sources"] == [[state1.getObjId(), "outputVolume"], [model.getObjId(), "outputPdb"]]
