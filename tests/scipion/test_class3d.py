# SPDX-License-Identifier: GPL-3.0-or-later
"""Local scale and comparison of the classes of a real RELION classification in the project."""

import mrcfile
import numpy as np
import pytest

from demo.particles import VOXEL_SIZE
from occupy_scipion.protocols import ProtOccupyCompareClasses
from occupy_scipion.report import read_report


@pytest.fixture(scope="module")
def shares(laboratory, class3d):
    """By class number, the class's size and the share of its particles that were simulated with the domain."""
    classification, simulated = class3d
    found = {}
    with laboratory.inside():
        for item in classification.outputClasses.iterItems():
            whole = [bool(simulated.has_domain[particle.getIndex() - 1]) for particle in item]
            found[item.getObjId()] = (len(whole), np.mean(whole))
    return found


@pytest.fixture(scope="module")
def run(laboratory, class3d):
    with laboratory.inside():
        return laboratory.run_local_scale((class3d[0], "outputVolumes"), scaleMode=2, normalisation=2)


def test_the_classification_separates_the_states(shares):
    assert sorted(shares) == [1, 2] and sum(size for size, _ in shares.values()) == 300
    assert abs(shares[1][1] - shares[2][1]) > 0.8


def test_outputs_have_the_class_numbers(lab, class3d, run):
    found = lab.read_back(run)["outputs"]
    assert list(found) == ["scaleMaps", "confidenceMaps"]
    for output in found.values():
        assert [item["id"] for item in output["items"]] == [1, 2]
        assert output["sampling"] == VOXEL_SIZE
        assert output["sources"] == [[class3d[0].getObjId(), "outputVolumes"]]


def test_classes_share_one_reference_and_keep_their_sizes(lab, class3d, shares):
    protocol = lab.run_local_scale((class3d[0], "outputClasses"), scaleMode=2, normalisation=2)
    found = lab.read_back(protocol)
    for output in found["outputs"].values():
        assert output["class"] == "SetOfVolumes" and output["sampling"] == VOXEL_SIZE
        assert output["sources"] == [[class3d[0].getObjId(), "outputClasses"]]
        assert {item["id"]: item["particles"] for item in output["items"]} == {
            number: size for number, (size, _) in shares.items()
        }
        assert all(item["sampling"] == VOXEL_SIZE for item in output["items"])
    maps = read_report(lab.folder / protocol._getExtraPath())["maps"]
    assert [item["class"]["number"] for item in maps] == [1, 2]
    assert sum(item["class"]["share"] for item in maps) == pytest.approx(1, abs=1e-4)
    assert read_report(lab.folder / protocol._getExtraPath())["shared_reference"]


def test_scale_in_the_domain_is_lower_in_the_class_without_it(lab, class3d, shares, run):
    domain = class3d[1].domain
    scales = {item.getObjId(): mrcfile.read(item.getFileName()) for item in run.scaleMaps.iterItems()}
    whole, core = sorted(scales, key=lambda number: -shares[number][1])
    assert np.median(scales[whole][domain]) > np.median(scales[core][domain]) + 0.4


def test_relion_subtraction_accepts_the_mask(lab, class3d, shares):
    """In RELION's form the mask must be a VolumeMask; the signal where it is 0 is subtracted."""
    classification, simulated = class3d
    whole = max(shares, key=lambda number: shares[number][1])
    volume = (classification, f"outputVolumes.{whole}")
    protocol = lab.run_local_scale(volume, doAttenuate=True, makeSubtractionMask=True)
    mask = protocol.subtractionMaskAttenuated
    subtraction = lab.subtraction(classification, volume, (protocol, "subtractionMaskAttenuated"))
    wanted = subtraction.getParam("refMask").pointerClass.get()
    assert isinstance(mask, lab.domain.findClass(wanted)) and wanted == "VolumeMask"
    assert subtraction.validate() == []
    lab.launch(subtraction)
    assert subtraction.isFinished(), subtraction.getErrorMessage()
    assert subtraction.outputParticles.getSize() == len(simulated.has_domain)


def test_comparison_finds_the_domain(lab, class3d, shares):
    protocol = lab.project.newProtocol(ProtOccupyCompareClasses, numberOfThreads=1)
    protocol.inputVolumes.set(class3d[0])
    protocol.inputVolumes.setExtended("outputClasses")
    lab.launch(protocol)
    assert protocol.isFinished(), protocol.getErrorMessage()
    region, domain = mrcfile.read(protocol.regionMask1.getFileName()) > 0.5, class3d[1].domain
    assert (region & domain).sum() / (region | domain).sum() > 0.4
    sizes = {item["id"]: item["particles"] for item in lab.read_back(protocol)["outputs"]["scaleMaps"]["items"]}
    assert sizes == {number: size for number, (size, _) in shares.items()}
    readings = {item.getObjId(): np.median(mrcfile.read(item.getFileName())[domain]) for item in protocol.scaleMaps}
    assert (readings[1] > readings[2]) == (shares[1][1] > shares[2][1])
