# SPDX-License-Identifier: GPL-3.0-or-later
"""Averages and classes of subtomograms, of the real plugin scipion-em-tomo, in a real project."""

import importlib.util
import subprocess
import sys

import mrcfile
import numpy as np
import pytest

from demo.simulate import phantom
from occupy_scipion.protocols import ProtOccupyCompareClasses, ProtOccupyLocalScale, ProtOccupyModel
from occupy_scipion.sources import is_classification, sources_of
from occupy_scipion.subtomograms import with_subtomogram_classes
from tests.conftest import REPOSITORY, skip_or_fail
from tests.core.ensembles.made_volumes import made_volumes, present_or_absent, write_volumes
from tests.scipion.conftest import write_map
from tests.scipion.test_model import CONDITIONS, files, model

__all__ = ["files", "model"]
OCCUPANCIES = [(1.0, 0.6, 0.3), (1.0, 0.6, 0.9), (1.0, 0.6, 0.3)]
SIZES = (60, 90, 70)  # subtomograms in each class
CLASS_OF = dict(enumerate(np.repeat([1, 2, 3], SIZES).tolist(), start=1))  # of each subtomogram
INSTALL = "scipion-em-tomo is not installed; install it with: pip install --no-deps scipion-em-tomo==3.12.4"


@pytest.fixture(scope="module", autouse=True)
def tomo():
    """The objects of scipion-em-tomo."""
    if importlib.util.find_spec("tomo") is None:
        skip_or_fail(INSTALL)
    import tomo.objects

    return tomo.objects


@pytest.fixture(scope="module")
def simulated():
    return [phantom(occupancies=chosen, noise_seed=number) for number, chosen in enumerate(OCCUPANCIES)]


@pytest.fixture(scope="module")
def averaged(laboratory, tomo, simulated, tmp_path_factory):
    """A protocol with subtomograms, and with classes and averages of these as a plugin for averaging registers them."""
    folder = tmp_path_factory.mktemp("subtomograms")
    paths = [str(write_map(folder / f"run_class00{i}.mrc", made.volume)) for i, made in enumerate(simulated, start=1)]
    for number in CLASS_OF:  # their values are never read
        write_map(folder / f"particle{number:03d}.mrc", np.zeros((8, 8, 8)))
    with laboratory.inside():
        protocol = laboratory.project.newProtocol(
            laboratory.domain.findClass("ProtImportSubTomograms"),
            filesPath=str(folder),
            filesPattern="particle*.mrc",
            samplingRate=3.0,
        )
        laboratory.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        averages = tomo.SetOfAverageSubTomograms.create(protocol._getPath(), prefix="averages")
        averages.setSamplingRate(3.0)
        for number, path in enumerate(paths, start=1):
            averages.append(average(tomo, path, number))
        classes = tomo.SetOfClassesSubTomograms.create(protocol._getPath(), prefix="classes")
        classes.setImages(pointer(protocol, "outputSubTomograms"))
        classes.classifyItems(
            updateItemCallback=lambda item, _: item.setClassId(CLASS_OF[item.getObjId()]),
            updateClassCallback=lambda item: item.setRepresentative(average(tomo, paths[item.getObjId() - 1])),
        )
        protocol._defineOutputs(outputAverages=averages, outputClasses=classes, outputAverage=average(tomo, paths[0]))
        protocol._store()
    return protocol


def average(tomo, path, number=None):
    made = tomo.AverageSubTomogram()
    made.setFileName(path)
    made.setSamplingRate(3.0)
    made.setObjId(number)
    return made


def pointer(protocol, output):
    from pyworkflow.object import Pointer

    return Pointer(protocol, extended=output)


def compare(lab, source, output, **values):
    protocol = lab.project.newProtocol(ProtOccupyCompareClasses, numberOfThreads=1, **values)
    protocol.inputVolumes.set(source)
    protocol.inputVolumes.setExtended(output)
    assert protocol.validate() == [] and protocol.warnings() == []
    lab.launch(protocol)
    assert protocol.isFinished(), protocol.getErrorMessage()
    return protocol


@pytest.mark.parametrize("kind", [ProtOccupyLocalScale, ProtOccupyCompareClasses, ProtOccupyModel])
def test_window_offers_averages_and_classes(lab, averaged, kind):
    protocol = lab.project.newProtocol(kind)
    lab.project.getRuns(refresh=True)  # as the window does
    names = protocol.getParam("inputVolumes").pointerClass.get().split(",")
    objects = lab.project.getProtocolCompatibleOutputs(protocol, [lab.domain.findClass(name) for name in names], None)
    offered = {item.getExtended() for item in objects if item.getObjValue().getObjId() == averaged.getObjId()}
    expected = {"outputAverages", "outputClasses"} | (
        {"outputAverage"} if kind is not ProtOccupyCompareClasses else set()
    )
    assert expected <= offered


def test_classes_are_compared_and_their_subtomograms_divided(lab, averaged, simulated):
    run = compare(lab, averaged, "outputClasses", makeParticleSets=True)
    summary = lab.read_back(run)["summary"]
    assert any("To refine the subtomograms that have region 1" in text for text in summary)
    found = lab.read_back(run)["outputs"]
    assert [item["id"] for item in found["scaleMaps"]["items"]] == [1, 2, 3]
    assert [item["particles"] for item in found["scaleMaps"]["items"]] == list(SIZES)
    inside = mrcfile.read(run.regionMask1.getFileName()) > 0.5
    assert (inside & simulated[0].parts[2]).sum() / simulated[0].parts[2].sum() > 0.7
    assert found["particlesWithRegion1"]["class"] == "SetOfSubTomograms"
    assert found["particlesWithRegion1"]["sampling"] == 3.0
    for name, classes in (("particlesWithRegion1", {2}), ("particlesWithoutRegion1", {1, 3})):
        expected = [number for number, chosen in CLASS_OF.items() if chosen in classes]
        assert sorted(item.getObjId() for item in getattr(run, name).iterItems()) == expected
    # A protocol of the plugin for tomography takes them.
    split = lab.project.newProtocol(lab.domain.findClass("ProtSplitEvenOddTomoSet"))
    split.inputSet.set(run)
    split.inputSet.setExtended("particlesWithRegion1")
    lab.launch(split)
    assert split.isFinished(), split.getErrorMessage()
    assert sum(output.getSize() for _, output in split.iterOutputAttributes()) == SIZES[1]


@pytest.mark.parametrize("output", ["outputAverages", "outputClasses"])
def test_sets_of_averages_have_a_local_scale(lab, averaged, output):
    protocol = lab.run_local_scale((averaged, output), doAmplify=True, drawFigures=False)
    found = lab.read_back(protocol)["outputs"]
    assert [item["id"] for item in found["amplifiedMaps"]["items"]] == [1, 2, 3]
    assert found["scaleMaps"]["class"] == "SetOfVolumes"


def test_one_average_has_a_local_scale(lab, averaged):
    found = lab.read_back(lab.run_local_scale((averaged, "outputAverage")))["outputs"]
    assert found["scaleMap"]["class"] == "Volume" and found["scaleMap"]["sampling"] == 3.0


def test_an_ensemble_of_averages_stays_one_of_averages(lab, tomo, averaged, tmp_path):
    truth = present_or_absent(13, 3)
    write_volumes(tmp_path, made_volumes(truth))
    averages = tomo.SetOfAverageSubTomograms.create(averaged._getPath(), prefix="many")
    averages.setSamplingRate(3.0)
    for number, path in enumerate(sorted(tmp_path.glob("vol_*.mrc")), start=1):
        averages.append(average(tomo, str(path), number))
    averaged._defineOutputs(outputMany=averages)
    averaged._store()
    found = lab.read_back(compare(lab, averaged, "outputMany"))["outputs"]
    compared = found["comparedVolumes"]
    assert compared["class"] == "SetOfAverageSubTomograms"
    assert [item["id"] for item in compared["items"]] == list(range(1, 14))
    assert {item["class"] for item in compared["items"]} == {"AverageSubTomogram"}


def test_a_model_is_fitted_to_averages(lab, tomo, averaged, files, model):
    averages = tomo.SetOfAverageSubTomograms.create(averaged._getPath(), prefix="fitted")
    averages.setSamplingRate(CONDITIONS.voxel_size)
    for number in (1, 2):
        averages.append(average(tomo, str(files / f"state{number}.mrc"), number))
    averaged._defineOutputs(outputFitted=averages)
    averaged._store()
    protocol = lab.launch(lab.model_occupancy((averaged, "outputFitted"), model))
    assert protocol.isFinished(), protocol.getErrorMessage()
    items = lab.read_back(protocol)["outputs"]["occupancyModels"]["items"]
    assert [item["id"] for item in items] == [1, 2]
    for number, item in enumerate(items, start=1):
        assert item["volume"]["class"] == "AverageSubTomogram"
        assert item["volume"]["file"] == str(files / f"state{number}.mrc")


def test_single_subtomograms_are_warned_about(lab, averaged):
    protocol = lab.local_scale((averaged, "outputSubTomograms"))
    (warning,) = protocol.warnings()
    assert "*Input map(s)*: found single subtomograms, expected averages or classes" in warning
    assert lab.local_scale((averaged, "outputAverages")).warnings() == []


def test_classes_are_known_by_what_they_hold(averaged):
    assert is_classification(averaged.outputClasses) and not is_classification(averaged.outputAverages)
    sources = sources_of(averaged.outputClasses)
    assert [(item.item_id, item.prefix, item.voxel_size) for item in sources] == [
        (number, f"class00{number}_", 3.0) for number in (1, 2, 3)
    ]
    np.testing.assert_allclose([item.share for item in sources], np.divide(SIZES, sum(SIZES)))


WITHOUT = """
import importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tomo", "reliontomo"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
import pyworkflow
domain = pyworkflow.Config.getDomain()
assert "ProtOccupyLocalScale" in domain.getProtocols()
assert "SetOfClassesSubTomograms" not in domain.getObjects()
from occupy_scipion.protocols import ProtOccupyCompareClasses, ProtOccupyLocalScale, ProtOccupyModel
for kind in (ProtOccupyLocalScale, ProtOccupyCompareClasses, ProtOccupyModel):
    form = kind()
    for name in form.getParam("inputVolumes").pointerClass.get().split(","):
        domain.findClass(name)
    assert form.evalParamCondition("scaleReference") is False if kind is ProtOccupyLocalScale else True
print("WORKS")
"""


def test_without_the_plugin_the_forms_name_no_unknown_class(lab):
    assert with_subtomogram_classes("Volume") == "Volume,SetOfClassesSubTomograms"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert "WORKS" in done.stdout, done.stdout + done.stderr
