# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks as outputs of the protocol: their class, their grid, and their use in further runs."""

import importlib.util

import mrcfile
import numpy as np
import pytest
from pwem.objects import VolumeMask

from demo.simulate import phantom
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings
from occupy_scipion.viewers import OccupyLocalScaleViewer
from tests.scipion.conftest import write_map
from tests.scipion.test_one_map import ORIGIN

SETTINGS = Settings(attenuate=3.0, sigmoid=4.0, subtraction_mask=True, solvent_threshold=0.2)
FORM = {
    "doAttenuate": True,
    "doSigmoid": True,
    "makeSubtractionMask": True,
    "solventFromScale": True,
    "solventThreshold": 0.2,
}
NAMES = {
    "subtractionMaskAttenuated": "subtraction_mask_attenuated",
    "subtractionMaskSigmoid": "subtraction_mask_sigmoid",
    "solventDefinitionMask": "solvent_definition",
}


@pytest.fixture(scope="module")
def run(laboratory, a_map):
    with laboratory.inside():
        return laboratory.run_local_scale(a_map, **FORM)


def test_masks_are_volume_masks_on_the_grid_of_the_map(lab, a_map, map_file, run):
    found = lab.read_back(run)["outputs"]
    assert list(found) == list(run.getPossibleOutputs())
    direct = process_map(read_map(map_file, voxel_size=3.0), SETTINGS)
    for name, kind in NAMES.items():
        assert found[name]["class"] == "VolumeMask", name
        assert found[name]["sampling"] == 3.0 and found[name]["origin"] == ORIGIN, name
        assert found[name]["sources"] == [[a_map.getObjId(), "outputVolume"]], name
        values = mrcfile.read(getattr(run, name).getFileName())
        assert np.array_equal(values, direct.masks[kind]), name
        assert values.min() >= 0 and values.max() <= 1, name
    assert found["attenuatedMap"]["class"] == "Volume"


def test_summary_and_methods_name_the_masks(lab, run):
    summary = "\n".join(run.summary())
    assert "Subtraction masks yes" in summary and "Solvent definition from scale: threshold 0.2" in summary
    assert "Masks for particle subtraction were made" in run.methods()[0]


def test_solvent_definition_of_a_run_is_used_in_the_next_run(lab, a_map, map_file, run):
    # The input parameter of this name is still empty.
    assert run.solventDefinition.get() is None
    form = {"doAmplify": True, "histogramMatch": True}
    protocol = lab.run_local_scale(a_map, solventDefinition=(run, "solventDefinitionMask"), **form)
    settings = Settings(amplify=3.0, hist_match=True, solvent_def=run.solventDefinitionMask.getFileName())
    direct = process_map(read_map(map_file, voxel_size=3.0), settings)
    assert np.array_equal(mrcfile.read(protocol.confidenceMap.getFileName()), direct.confidence)
    assert np.array_equal(mrcfile.read(protocol.amplifiedMap.getFileName()), direct.modified["amplified"])
    assert not np.array_equal(direct.confidence, mrcfile.read(run.confidenceMap.getFileName()))
    assert "Match histogram yes" in "\n".join(protocol.summary())
    assert "matched to the histogram of the input" in protocol.methods()[0]


def test_output_for_a_set_is_a_set_of_masks(lab, tmp_path):
    for number in (1, 2):
        write_map(tmp_path / f"some{number}.mrc", phantom((36, 36, 36), seed=number).volume)
    protocol = lab.run_local_scale(lab.import_maps(tmp_path, pattern="some*.mrc"), **FORM)
    found = lab.read_back(protocol)["outputs"]
    for name in ("subtractionMasksAttenuated", "subtractionMasksSigmoid", "solventDefinitionMasks"):
        assert found[name]["class"] == "SetOfVolumes"
        assert [(item["id"], item["class"]) for item in found[name]["items"]] == [(1, "VolumeMask"), (2, "VolumeMask")]
        assert isinstance(getattr(protocol, name)[2], VolumeMask)


def test_subtraction_mask_without_modification_is_refused(lab, a_map):
    (problem,) = lab.local_scale(a_map, makeSubtractionMask=True).validate()
    assert problem.startswith("*Subtraction masks*: needs a modification") and "add attenuate" in problem


def test_missing_scikit_image_is_reported_before_the_run(lab, a_map, monkeypatch):
    protocol = lab.local_scale(a_map, doAmplify=True, histogramMatch=True)
    assert protocol.validate() == []
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "skimage" else find(name, *more)
    )
    (problem,) = protocol.validate()
    assert problem.startswith("*Match histogram*: needs scikit-image") and "pip install scikit-image" in problem


def test_slices_show_masks_from_0_to_1(lab, run):
    viewer = OccupyLocalScaleViewer(project=lab.project, protocol=run)
    viewer.setProtocol(run)
    (view,) = viewer._slices()
    titled = [axes for axes in view.getFigure().axes if axes.get_title()]
    panels = {" ".join(axes.get_title().split()): axes.images[0] for axes in titled}  # titles may have several lines
    masks = [image for title, image in panels.items() if "mask" in title or "definition" in title]
    assert len(masks) == 3 and all(image.get_clim() == (0, 1) for image in masks)
    assert panels["attenuated map"].get_clim() == panels["input"].get_clim() != (0, 1)
