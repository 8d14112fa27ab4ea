# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of maps: outputs keep the ids, and a map that fails is left out."""

import os

import mrcfile
import numpy as np
import pytest
from pwem.objects import SetOfVolumes, Volume
from pwem.protocols import ProtSubSet

from demo.simulate import phantom
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings
from tests.scipion.conftest import write_map


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three maps, the second with a slab of NaN."""
    path = tmp_path_factory.mktemp("several")
    for number in (1, 2, 3):
        values = phantom((40, 40, 40), seed=number).volume
        if number == 2:
            values[:3] = np.nan
        write_map(path / f"several{number}.mrc", values)
    return path


@pytest.fixture(scope="module")
def several(laboratory, folder):
    with laboratory.inside():
        return laboratory.import_maps(folder, pattern="several*.mrc")


@pytest.fixture(scope="module")
def run(laboratory, several):
    with laboratory.inside():
        return laboratory.run_local_scale(several, doAmplify=True)


def test_items_keep_the_ids_of_their_inputs(lab, several, run):
    found = lab.read_back(run)["outputs"]
    assert list(found) == ["scaleMaps", "confidenceMaps", "amplifiedMaps"]
    for name, output in found.items():
        assert output["class"] == "SetOfVolumes" and output["sampling"] == 3.0, name
        assert [item["id"] for item in output["items"]] == [1, 3], name
        assert output["sources"] == [[several.getObjId(), "outputVolumes"]], name
        for item in output["items"]:
            assert os.path.basename(item["file"]).startswith(f"map{item['id']:03d}_"), name
            assert os.path.exists(item["file"]) and f"several{item['id']}" in item["comment"], name
            assert item["sampling"] == 3.0 and item["origin"] == [-60.0, -60.0, -60.0], name


def test_voxels_of_each_item_equal_those_of_the_core(lab, folder, run):
    for item in run.amplifiedMaps.iterItems():
        direct = process_map(read_map(folder / f"several{item.getObjId()}.mrc", voxel_size=3.0), Settings(amplify=3.0))
        assert np.array_equal(mrcfile.read(item.getFileName()), direct.modified["amplified"])


def test_failed_map_is_named(lab, run):
    found = lab.read_back(run)
    assert found["status"] == "finished" and found["warned"]
    text = "\n".join(found["summary"])
    assert "*1 of 3 maps failed and were left out:*" in text
    assert "several2.mrc: found 4800 of 64000 values NaN" in text
    assert "*map001: import_several1.mrc*" in text and "*map003: import_several3.mrc*" in text
    assert "1 of 3 maps failed and were left out: import_several2.mrc" in text
    assert found["methods"][0].startswith("The local scale of 2 maps was estimated with OccuPy")


def test_another_protocol_uses_the_set(lab, several, run):
    subset = lab.project.newProtocol(ProtSubSet, chooseAtRandom=False, setOperation=ProtSubSet.SET_INTERSECTION)
    for pointer, protocol, name in (
        (subset.inputFullSet, several, "outputVolumes"),
        (subset.inputSubSet, run, "scaleMaps"),
    ):
        pointer.set(protocol)
        pointer.setExtended(name)
    lab.launch(subset)
    assert subset.isFinished(), subset.getErrorMessage()
    (output,) = (output for _, output in subset.iterOutputAttributes())
    assert sorted(item.getObjId() for item in output.iterItems()) == [1, 3]


def test_outputs_for_a_set_of_one_map_are_sets(lab, tmp_path, several):
    made = SetOfVolumes(filename=str(tmp_path / "one.sqlite"))
    made.setSamplingRate(3.0)
    volume = Volume(str(next(several.outputVolumes.iterItems()).getFileName()))
    volume.setObjId(1234)
    made.append(volume)
    made.write()
    made.setObjId(several.outputVolumes.getObjId())
    protocol = lab.local_scale()
    protocol.inputVolumes.set(made)
    assert list(protocol.getPossibleOutputs()) == ["scaleMaps", "confidenceMaps"]
    from occupy_scipion.sources import sources_of

    (source,) = sources_of(made)
    # The item has no sampling rate of its own: the set has.
    assert (source.item_id, source.prefix, source.voxel_size) == (1234, "map1234_", 3.0)


def test_run_fails_if_all_maps_fail(lab, tmp_path):
    for number in (1, 2):
        write_map(tmp_path / f"bad{number}.mrc", np.full((32, 32, 32), np.nan))
    protocol = lab.launch(lab.local_scale(lab.import_maps(tmp_path, pattern="bad*.mrc")))
    assert protocol.isFailed()
    assert "all 2 maps failed; the first: " in protocol.getErrorMessage()
    assert "bad1.mrc: found 32768 of 32768 values NaN" in protocol.getErrorMessage()
    assert not list(protocol.iterOutputAttributes())
