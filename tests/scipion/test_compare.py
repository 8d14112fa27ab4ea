# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare classes in a real project: outputs, summary and viewers."""

import mrcfile
import numpy as np
import pytest
from PIL import Image
from pwem.objects import VolumeMask
from pwem.protocols import ProtSubSet

from demo.simulate import phantom
from occupy_scipion.protocols import ProtOccupyCompareClasses
from occupy_scipion.viewers import OccupyCompareClassesViewer, OccupyVolumeViewer
from tests.scipion.conftest import write_map

OCCUPANCIES = [(1.0, 0.6, 0.3), (1.0, 0.6, 0.9), (1.0, 0.6, 0.3)]


@pytest.fixture(scope="module")
def simulated():
    return [phantom(occupancies=chosen, noise_seed=number) for number, chosen in enumerate(OCCUPANCIES)]


@pytest.fixture(scope="module")
def imported(laboratory, simulated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    for number, made in enumerate(simulated, start=1):
        write_map(folder / f"state{number}.mrc", made.volume)
    with laboratory.inside():
        return laboratory.import_maps(folder, pattern="state*.mrc")


def compare(lab, source, output, **values):
    """Return the protocol "compare classes" with these values in its form, without running it."""
    protocol = lab.project.newProtocol(ProtOccupyCompareClasses, numberOfThreads=1, **values)
    protocol.inputVolumes.set(source)
    protocol.inputVolumes.setExtended(output)
    return protocol


@pytest.fixture(scope="module")
def run(laboratory, imported):
    with laboratory.inside():
        protocol = laboratory.launch(compare(laboratory, imported, "outputVolumes"))
    assert protocol.isFinished(), protocol.getErrorMessage()
    return protocol


def test_regions_are_outputs(lab, imported, run, simulated):
    found = lab.read_back(run)
    assert list(found["outputs"]) == ["scaleMaps", "confidenceMaps", "occupancySpread", "regionMask1"]
    mask, scales = found["outputs"]["regionMask1"], found["outputs"]["scaleMaps"]
    assert mask["class"] == "VolumeMask" and mask["sampling"] == 3.0
    assert mask["origin"] == scales["items"][0]["origin"]
    assert [item["id"] for item in scales["items"]] == [1, 2, 3]
    for output in found["outputs"].values():
        assert output["sources"] == [[imported.getObjId(), "outputVolumes"]]
    part = simulated[0].parts[2]
    inside = mrcfile.read(run.regionMask1.getFileName()) > 0.5
    assert (inside & part).sum() / part.sum() > 0.7
    # With one reference for all maps, a part of occupancy 0.3 has this scale beside 0.9 in another map.
    medians = [np.median(mrcfile.read(item.getFileName())[part]) for item in run.scaleMaps.iterItems()]
    np.testing.assert_allclose(medians, [0.3, 0.9, 0.3], atol=0.1)


def test_summary_and_methods_name_the_regions(lab, run):
    found = lab.read_back(run)
    text = "\n".join(found["summary"])
    assert "*Compared at a low-pass of 9 Å:*" in text
    assert "Region 1: " in text and "import_state2.mrc 0." in text
    assert "1 region differed by more than noise explains" in found["methods"][0]


def test_for_outputs_of_local_scale_their_input_maps_are_compared(lab, imported, run):
    scaled = lab.run_local_scale((imported, "outputVolumes"), doAmplify=True)
    again = compare(lab, scaled, "amplifiedMaps")
    assert [source.path for source in again._sources()] == [source.path for source in run._sources()]
    lab.launch(again)
    assert again.isFinished(), again.getErrorMessage()
    first, second = (mrcfile.read(protocol.regionMask1.getFileName()) for protocol in (run, again))
    assert np.array_equal(first, second)


def test_outputs_of_an_earlier_run_with_more_regions_are_deleted(lab, imported, simulated, tmp_path):
    """Run again after the input files have changed, for instance because the classification was continued."""
    for number, made in enumerate(simulated, start=1):
        write_map(tmp_path / f"later{number}.mrc", made.volume)
    source = lab.import_maps(tmp_path, pattern="later*.mrc")
    protocol = lab.launch(compare(lab, source, "outputVolumes"))
    assert isinstance(protocol.regionMask1, VolumeMask)
    for number in (1, 2, 3):
        write_map(tmp_path / f"later{number}.mrc", phantom(noise_seed=number).volume)
    protocol.runMode.set(0)  # Continue
    lab.launch(protocol)
    assert protocol.isFinished(), protocol.getErrorMessage()
    assert list(lab.read_back(protocol)["outputs"]) == ["scaleMaps", "confidenceMaps", "occupancySpread"]


def test_continue_without_changes_keeps_the_regions(lab, imported):
    protocol = lab.launch(compare(lab, imported, "outputVolumes", lowpass=10.0))
    protocol.runMode.set(0)  # Continue
    lab.launch(protocol)
    assert protocol.isFinished(), protocol.getErrorMessage()
    found = lab.read_back(protocol)["outputs"]
    assert list(found) == ["scaleMaps", "confidenceMaps", "occupancySpread", "regionMask1"]
    assert len(found["scaleMaps"]["items"]) == 3


def test_region_mask_can_be_a_target_mask(lab, imported, run):
    """Use a region's mask as the target mask of another run."""
    protocol = lab.local_scale((imported, "outputVolumes"), normalisation=2, scaleMode=2, scaleReference="shared")
    from pyworkflow.object import Pointer

    pointer = Pointer()
    pointer.set(run)
    pointer.setExtended("regionMask1")
    protocol.targetMasks.append(pointer)
    lab.launch(protocol)
    assert protocol.isFinished(), protocol.getErrorMessage()
    assert "Target region001_mask.mrc: " in "\n".join(protocol.summary())


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"scaleReference": "own"}, "*Scale reference*: got own, expected auto, shared or a class number"),
        ({"scaleReference": "9"}, "*Scale reference*: got 9, expected one of the maps' numbers: 1, 2, 3"),
    ],
)
def test_wrong_reference_is_reported(lab, imported, values, problem):
    protocol = compare(lab, imported, "outputVolumes", **values)
    assert any(problem in text for text in protocol.validate()), protocol.validate()


def test_comparison_of_one_map_is_refused(lab, imported):
    subset = lab.project.newProtocol(ProtSubSet, chooseAtRandom=True, nElements=1)
    subset.inputFullSet.set(imported)
    subset.inputFullSet.setExtended("outputVolumes")
    lab.launch(subset)
    name = next(name for name, _ in subset.iterOutputAttributes())
    assert any("found 1 map, expected two or more" in text for text in compare(lab, subset, name).validate())


def test_viewers_show_the_comparison_and_the_outputs(lab, run, tmp_path):
    viewer = OccupyCompareClassesViewer(project=lab.project, protocol=run)
    viewer.setProtocol(run)
    (view,) = viewer._comparison()
    titles = [text.get_text() for text in view.getFigure().texts]
    assert {"import_state1.mrc", "import_state2.mrc", "import_state3.mrc"} <= set(titles)
    view.getFigure().savefig(tmp_path / "comparison.png")
    assert np.asarray(Image.open(tmp_path / "comparison.png").convert("RGB"), dtype=float).std() > 30
    assert viewer._slices()[0].getFigure().axes
    (mask_view,) = OccupyVolumeViewer(project=lab.project, protocol=run)._visualize(run.regionMask1)
    assert mask_view.getFigure().axes[0].get_title() == "mask of region 1"
    assert OccupyVolumeViewer.can_handle_this_instance(run.occupancySpread)
