# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a set of many volumes in a real project: outputs with the ids of the input, summary, methods, viewer."""

import csv

import mrcfile
import numpy as np
import pytest
from pwem.objects import VolumeMask
from pwem.protocols import ProtSubSet

from occupy_scipion.protocols import ProtOccupyCompareClasses
from occupy_scipion.report import read_report
from occupy_scipion.viewers import OccupyCompareClassesViewer, OccupyVolumeViewer
from tests.core.ensembles.made_volumes import bodies, made_volumes, present_or_absent, write_volumes
from tests.figures import title_of
from tests.many_classes import CLASSES, OF_CLASS, write_classes

COUNT = 100
TRUTH = present_or_absent(COUNT, 3)


@pytest.fixture(scope="module")
def imported(laboratory, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ensemble")
    write_volumes(folder, made_volumes(TRUTH, factors=np.linspace(0.7, 1.4, COUNT)))
    with laboratory.inside():
        return laboratory.import_maps(folder, pattern="vol_*.mrc")


def compare(laboratory, source, output):
    """Run *compare classes* on an output of another protocol."""
    with laboratory.inside():
        protocol = laboratory.project.newProtocol(ProtOccupyCompareClasses, numberOfThreads=1)
        protocol.inputVolumes.set(source)
        protocol.inputVolumes.setExtended(output)
        assert protocol.validate() == []
        laboratory.launch(protocol)
    assert protocol.isFinished(), protocol.getErrorMessage()
    return protocol


@pytest.fixture(scope="module")
def run(laboratory, imported):
    return compare(laboratory, imported, "outputVolumes")


def test_outputs_have_the_ids_of_the_input(lab, run, imported):
    found = lab.read_back(run)["outputs"]
    assert list(found) == ["comparedVolumes", "clusterMaps", "partMask1", "partMask2", "partMask3"]
    assert [item["id"] for item in found["comparedVolumes"]["items"]] == list(range(1, COUNT + 1))
    for output in found.values():
        assert output["sources"] == [[imported.getObjId(), "outputVolumes"]]
    assert sum(item["particles"] for item in found["clusterMaps"]["items"]) == COUNT
    inputs = [item.getFileName() for item in imported.outputVolumes.iterItems()]
    assert [item["file"] for item in found["comparedVolumes"]["items"]] == inputs


def test_volumes_carry_their_cluster_and_the_occupancies(lab, run):
    items = [item.clone() for item in run.comparedVolumes.iterItems()]
    parts = np.array([[getattr(item, f"_occupyPart{number}").get() for number in (1, 2, 3)] for item in items])
    for column in TRUTH.T:
        assert max(np.corrcoef(part, column)[0, 1] for part in parts.T) > 0.98
    with open(run._getExtraPath("occupancy_volumes.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["cluster"]) for row in rows] == [item._occupyCluster.get() for item in items]
    assert [int(row["volume"]) for row in rows] == [item.getObjId() for item in items]


def test_masks_lie_on_the_parts(lab, run):
    covered = []
    for number in (1, 2, 3):
        mask = getattr(run, f"partMask{number}")
        assert isinstance(mask, VolumeMask) and mask.getSamplingRate() == 3.0
        values = mrcfile.read(mask.getFileName())
        covered.append([float(values[body].mean()) for body in bodies()[1]])
    assert np.array(covered)[:, 1:].max(axis=0).min() > 0.85
    assert np.array(covered)[:, 0].max() < 0.1


def test_summary_and_methods_tell_what_was_found(lab, run):
    summary = "\n".join(run.summary())
    assert f"In {COUNT} volumes 3 parts come and go" in summary
    assert "Part 1: " in summary
    assert "without effect" not in summary
    assert f"{COUNT} volumes were compared with OccuPy" in run.methods()[0]


def test_viewer_shows_the_ensemble(lab, run):
    viewer = OccupyCompareClassesViewer(project=lab.project, protocol=run)
    assert viewer._is_only_ensemble()
    (view,) = viewer._comparison()
    assert view is not None


def test_a_mask_and_a_mean_map_open_without_other_plugins(lab, run):
    mask, mean = run.partMask1, run.clusterMaps.getFirstItem()
    for output, title in ((mask, "mask of part 1"), (mean, "mean of cluster 1")):
        assert OccupyVolumeViewer.can_handle_this_instance(output)
        (view,) = OccupyVolumeViewer(project=lab.project)._visualize(output)
        assert title_of(view.getFigure()).startswith(title)


def test_mean_maps_of_clusters_are_compared_themselves(lab, run):
    protocol = compare(lab, run, "clusterMaps")
    compared = [item["input"] for item in read_report(protocol._getExtraPath())["comparison"]["maps"]]
    assert len(compared) == run.clusterMaps.getSize() > 1
    assert all("cluster" in path for path in compared)


def test_mask_of_a_part_is_taken_by_a_further_protocol(lab, run):
    protocol = lab.run_local_scale(
        (run, "clusterMaps"),
        targetMasks=[(run, "partMask1")],
        normalisation=2,
        scaleMode=2,
        scaleReference="shared",
    )
    with open(run._getExtraPath("occupancy_volumes.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    means = read_report(protocol._getExtraPath())["maps"]
    assert len(means) == len({row["cluster"] for row in rows})
    read = [item["targets"][0]["scale_median"] for item in means]
    present = [
        np.mean([float(row["part001"]) for row in rows if row["cluster"] == str(number)])
        for number in range(1, len(means) + 1)
    ]
    assert np.corrcoef(read, present)[0, 1] > 0.95


def test_second_run_replaces_the_outputs(lab, run):
    run.makePathsAndClean()
    assert [name for name, _ in run.iterOutputAttributes()] == []


def test_particles_of_more_than_ten_classes_are_divided_by_part(laboratory, tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    truth = write_classes(folder)
    with laboratory.inside():
        imported = laboratory.imported_classes(folder / "run_it025_data.star", sampling=3.0)
        protocol = laboratory.compare(imported, makeParticleSets=True)
        assert protocol.validate() == []
        laboratory.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        for number in range(1, 4):
            outputs = [getattr(protocol, f"particles{side}Part{number}") for side in ("With", "Without")]
            with_it, without_it = (sorted(output.getIdSet()) for output in outputs)
            assert sorted(with_it + without_it) == list(range(1, CLASSES * OF_CLASS + 1))
            has = np.isin(np.arange(CLASSES), [(item - 1) % CLASSES for item in with_it])
            assert any(np.array_equal(has, column > 0.5) for column in truth.T)
        assert "3D auto-refine of particlesWithPart1" in "\n".join(protocol.summary())
        subset = laboratory.project.newProtocol(ProtSubSet, chooseAtRandom=True, nElements=5)
        subset.inputFullSet.set(protocol)
        subset.inputFullSet.setExtended("particlesWithPart1")
        laboratory.launch(subset)
        assert subset.isFinished(), subset.getErrorMessage()
