# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare classes in a real project: outputs, summary and viewers."""

import json
import re
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from PIL import Image
from pwem.objects import VolumeMask
from pwem.protocols import ProtSubSet

from demo.simulate import phantom
from occupy_scipion.checks import different_grids
from occupy_scipion.protocols import ProtOccupyCompareClasses
from occupy_scipion.report import read_report
from occupy_scipion.sources import SourceMap
from occupy_scipion.texts import methods_text, summary_lines
from occupy_scipion.viewers import OccupyCompareClassesViewer, OccupyVolumeViewer
from tests.figures import title_of
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


def test_difference_of_two_maps_is_an_output(lab, imported, simulated):
    wrong = compare(lab, imported, "outputVolumes", differenceOf="1,9")
    assert wrong.validate() == ["*Signed difference of classes*: got 1,9, expected two of the maps' numbers: 1, 2, 3"]
    protocol = lab.launch(compare(lab, imported, "outputVolumes", differenceOf="2, 1"))
    assert protocol.isFinished(), protocol.getErrorMessage()
    found = lab.read_back(protocol)
    output = found["outputs"]["differenceMap"]
    assert output["class"] == "Volume" and output["sampling"] == 3.0
    assert output["origin"] == found["outputs"]["scaleMaps"]["items"][0]["origin"]
    assert output["comment"] == "import_state2.mrc minus import_state1.mrc, in sigma"
    values = mrcfile.read(protocol.differenceMap.getFileName())
    assert np.median(values[simulated[0].parts[2]]) > 8 and abs(np.median(values[simulated[0].parts[0]])) < 3
    assert "mrc minus import_state1.mrc (difference002_001.mrc): " in "\n".join(found["summary"])
    assert OccupyVolumeViewer.can_handle_this_instance(protocol.differenceMap)


def test_summary_and_methods_name_the_regions(lab, run):
    found = lab.read_back(run)
    text = "\n".join(found["summary"])
    assert "*Compared at a low-pass of 9 Å (with 90 % intervals):*" in text
    assert re.search(r"Region 1: .* 0\.\d\d \(0\.\d\d-[01]\.\d\d\) in import_state2\.mrc", text)
    assert "1 is the density of import_state" in text and "one common factor" in text
    assert "1 region differed by more than noise explains" in found["methods"][0]


@pytest.fixture
def changed_report(run):
    """A function that changes the report of the comparison; the report is restored after the test."""
    path = Path(run._getExtraPath("report.json"))
    text = path.read_text(encoding="utf-8")

    def change(edit):
        report = json.loads(text)
        edit(report["comparison"])
        path.write_text(json.dumps(report), encoding="utf-8")
        return read_report(run._getExtraPath())

    yield change
    path.write_text(text, encoding="utf-8")


def add_unsure_region(comparison):
    (region,) = comparison["regions"]
    comparison["regions"].append({**region, "number": 2, "sure": False, "doubt": "faint beside noise", "mask": None})


def test_unsure_regions_are_no_outputs_and_stand_apart(lab, run, changed_report):
    report = changed_report(add_unsure_region)
    created = run._create_outputs(run._sources())
    assert [name for name in created if name.startswith("region")] == ["regionMask1"]
    lines = summary_lines(report)
    heading = lines.index("Unsure, without a mask:")
    assert lines[heading + 1].startswith("Region 2: ") and lines[heading + 1].endswith("faint beside noise")
    assert "1 region differed by more than noise explains" in methods_text(report)


def test_viewer_marks_unsure_regions_with_a_dashed_circle_and_lists_them(lab, run, changed_report):
    report = changed_report(add_unsure_region)
    region = report["comparison"]["regions"][1]
    viewer = OccupyCompareClassesViewer(project=lab.project, protocol=run)
    viewer.setProtocol(run)
    (view,) = viewer._comparison()
    texts = [text.get_text() for text in view.getFigure().texts]
    assert "region 2 (unsure)" in texts and any("faint beside noise" in text for text in texts)
    shape = mrcfile.read(run.regionMask1.getFileName()).shape
    ball, mask = viewer._region_mask(region, shape, 3.0), mrcfile.read(run.regionMask1.getFileName()) > 0.5
    assert ball.sum() == pytest.approx(region["volume_cubic_angstrom"] / 27, rel=0.05)
    assert (ball & mask).sum() > 0.5 * mask.sum()


def test_report_of_an_earlier_version_is_shown(lab, run, changed_report):
    """The first reports have quartiles, and neither intervals nor doubts."""

    def make_old(comparison):
        del comparison["one_means"]
        for region in comparison["regions"]:
            for name in ("sure", "doubt", "sigmas", "flexible", "moved_with"):
                del region[name]
            for name in ("difference", "occupancy_of_all_particles"):
                del region[f"{name}_low"], region[f"{name}_high"]
            region["occupancies"] = [
                {"name": item["name"], "lower_quartile": 0.2, "median": item["occupancy"], "upper_quartile": 0.3}
                for item in region["occupancies"]
            ]

    report = changed_report(make_old)
    assert re.search(r"occupancy [01]\.\d\d in import_state1\.mrc, ", "\n".join(summary_lines(report)))
    assert list(run._create_outputs(run._sources()))[-1] == "regionMask1"
    viewer = OccupyCompareClassesViewer(project=lab.project, protocol=run)
    viewer.setProtocol(run)
    (view,) = viewer._comparison()
    assert "region 1" in [text.get_text() for text in view.getFigure().texts]


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
    assert title_of(mask_view.getFigure()).startswith("mask of region 1\n")
    assert OccupyVolumeViewer.can_handle_this_instance(run.occupancySpread)


def test_the_map_on_another_grid_than_most_is_named(lab, tmp_path):
    volume = np.random.default_rng(0).standard_normal((32, 32, 32)).astype(np.float32)
    for name, side in (("a", 28), ("b", 32), ("c", 32)):
        write_map(tmp_path / f"{name}.mrc", volume[:side, :side, :side])
    sources = [
        SourceMap(0, f"{name}_", str(tmp_path / f"{name}.mrc"), 0, 3.0, None, (0, 0)) for name in ("a", "b", "c")
    ]
    (text,) = different_grids(sources)
    assert text.startswith("a.mrc: has box 28 x 28 x 28 instead of 32 x 32 x 32 voxels, unlike 2 other maps")
    assert different_grids(sources[1:]) == []
