# SPDX-License-Identifier: GPL-3.0-or-later
"""One map in a project: imported, processed, used by other protocols, read back."""

import os
import subprocess
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from pwem.emlib.image import ImageHandler
from pwem.protocols import ProtCropResizeVols

from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings
from tests.scipion.conftest import write_map

ORIGIN = [10.0, 20.0, 30.0]


@pytest.fixture(scope="module")
def run(laboratory, a_map):
    """A run with all modifications."""
    with laboratory.inside():
        return laboratory.run_local_scale(
            a_map, doAmplify=True, doAttenuate=True, attenuatePower=2.5, doSigmoid=True, lowpass=10.0, numberOfThreads=2
        )


def test_new_process_reads_the_outputs(lab, a_map, run):
    found = lab.read_back(run)
    assert found["status"] == "finished"
    names = ["scaleMap", "confidenceMap", "amplifiedMap", "attenuatedMap", "sigmoidMap"]
    assert list(found["outputs"]) == names
    for name, output in found["outputs"].items():
        assert output["class"] == "Volume", name
        assert output["sampling"] == 3.0, name
        assert output["origin"] == ORIGIN, name
        assert output["sources"] == [[a_map.getObjId(), "outputVolume"]], name
        assert not os.path.isabs(output["file"]) and os.path.exists(output["file"]), name
    assert len({output["file"] for output in found["outputs"].values()}) == len(names)


def test_run_without_figures_writes_all_files_except_the_pdf(lab, a_map):
    done = lab.run_local_scale(a_map, drawFigures=False)
    assert done.isFinished()
    files = set(os.listdir(done._getExtraPath()))
    assert "logfile.pdf" not in files and {"scale.mrc", "occupy.cxc", "report.json"} <= files


def test_output_voxels_equal_those_of_the_core(lab, map_file, run):
    settings = Settings(amplify=3.0, attenuate=2.5, sigmoid=4.0, lowpass=10.0)
    direct = process_map(read_map(map_file, voxel_size=3.0), settings)
    expected = {"scaleMap": direct.scale, "confidenceMap": direct.confidence}
    expected.update({f"{name}Map": values for name, values in direct.modified.items()})
    assert len(expected) == 5
    for name, values in expected.items():
        assert np.array_equal(mrcfile.read(getattr(run, name).getFileName()), values), name


def test_output_headers_have_the_grid_of_the_input(lab, map_file, run):
    with mrcfile.open(map_file, header_only=True) as mrc:
        header = mrc.header.copy()
    for name, output in run.iterOutputAttributes():
        with mrcfile.validate(output.getFileName()) and mrcfile.open(output.getFileName(), header_only=True) as mrc:
            assert mrc.header.origin == header.origin, name
            assert mrc.header.cella == header.cella, name


def test_command_line_repeats_the_run_from_its_report(lab, run, tmp_path):
    words = ["--o", str(tmp_path / "again"), "--settings", os.path.abspath(run._getExtraPath("report.json"))]
    done = subprocess.run(
        [sys.executable, "-m", "relion_external", *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for _, output in run.iterOutputAttributes():
        name = os.path.basename(output.getFileName())
        assert (tmp_path / "again" / name).read_bytes() == Path(output.getFileName()).read_bytes(), name


def test_another_protocol_uses_the_output(lab, run):
    resize = lab.project.newProtocol(
        ProtCropResizeVols, resizeOption=ProtCropResizeVols.RESIZE_DIMENSIONS, resizeDim=32
    )
    resize.inVolume.set(run)
    resize.inVolume.setExtended("amplifiedMap")
    lab.launch(resize)
    assert resize.isFinished(), resize.getErrorMessage()
    before, after = (mrcfile.read(volume.getFileName()) for volume in (run.amplifiedMap, resize.volume))
    assert after.shape == (32, 32, 32) and resize.volume.getSamplingRate() == 6.0
    assert after.mean() == pytest.approx(before.mean(), rel=1e-3) and after.std() > 0.5 * before.std()


def test_possible_outputs_depend_on_the_form(lab, a_map, run):
    assert list(run.getPossibleOutputs()) == [name for name, _ in run.iterOutputAttributes()]
    assert list(lab.local_scale(a_map).getPossibleOutputs()) == ["scaleMap", "confidenceMap"]
    excluded = lab.local_scale(a_map, excludeSolvent=True)
    assert list(excluded.getPossibleOutputs()) == ["scaleMap", "confidenceMap", "solventExcludedMap"]
    excluded = lab.local_scale(a_map, excludeSolvent=True, doSigmoid=True)
    assert list(excluded.getPossibleOutputs()) == ["scaleMap", "confidenceMap", "sigmoidMap"]
    # Scipion shows these before the run.
    assert [name for name, _ in lab.local_scale(a_map).iterOutputAttributes(includePossible=True)] == [
        "scaleMap",
        "confidenceMap",
    ]


def test_continue_runs_again_only_after_a_change(lab, a_map):
    protocol = lab.run_local_scale(a_map, excludeSolvent=True)
    scale = protocol._getExtraPath("scale.mrc")
    assert [name for name, _ in protocol.iterOutputAttributes()] == ["scaleMap", "confidenceMap", "solventExcludedMap"]

    def continue_run():
        before = os.stat(scale).st_mtime_ns
        lab.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return os.stat(scale).st_mtime_ns != before

    assert not continue_run()
    protocol.numberOfThreads.set(2)
    assert not continue_run()
    protocol.excludeSolvent.set(False)
    protocol.lowpass.set(14.0)
    assert continue_run()
    found = lab.read_back(protocol)
    assert list(found["outputs"]) == ["scaleMap", "confidenceMap"]
    assert all(os.path.exists(output["file"]) for output in found["outputs"].values())
    assert not os.path.exists(protocol._getExtraPath("solvent_excluded.mrc"))
    assert any("low-pass 14 Å" in line for line in found["summary"])


def test_continue_runs_again_after_a_change_of_the_input_file(lab, tmp_path, three_parts):
    path = write_map(tmp_path / "changing.mrc", three_parts.volume)
    protocol = lab.run_local_scale(lab.import_maps(path))
    before = mrcfile.read(protocol.scaleMap.getFileName())
    write_map(path, three_parts.volume[::-1].copy())
    lab.launch(protocol)
    assert not np.array_equal(mrcfile.read(protocol.scaleMap.getFileName()), before)


def test_voxel_size_of_the_project_replaces_that_of_a_mask_header(lab, a_map, tmp_path, three_parts):
    """Scipion's own converter writes a voxel size of 1 Å into every header."""
    inside = np.zeros(three_parts.volume.shape)
    inside[8:56, 8:56, 8:56] = 1
    mask = lab.import_mask(write_map(tmp_path / "mask.mrc", inside, voxel_size=1.0))
    with_mask = lab.run_local_scale(a_map, solventDefinition=mask)
    direct = process_map(
        read_map(a_map.outputVolume.getFileName(), voxel_size=3.0),
        Settings(solvent_def=str(write_map(tmp_path / "same.mrc", inside))),
    )
    assert np.array_equal(mrcfile.read(with_mask.confidenceMap.getFileName()), direct.confidence)
    plain = process_map(read_map(a_map.outputVolume.getFileName(), voxel_size=3.0), Settings())
    assert not np.array_equal(direct.confidence, plain.confidence)


def test_spider_volume_is_converted(lab, tmp_path, three_parts):
    ImageHandler().convert(str(write_map(tmp_path / "plain.mrc", three_parts.volume)), str(tmp_path / "spider.vol"))
    source = lab.import_maps(tmp_path / "spider.vol")
    assert source.outputVolume.getFileName().endswith(".vol")
    protocol = lab.run_local_scale(source)
    direct = process_map(read_map(tmp_path / "plain.mrc"), Settings())
    assert np.array_equal(mrcfile.read(protocol.scaleMap.getFileName()), direct.scale)
    with mrcfile.open(protocol.scaleMap.getFileName(), header_only=True) as mrc:
        assert mrc.voxel_size.x == pytest.approx(3.0)
    assert not any("header" in line for line in protocol.summary())


def import_with_mrc_suffix(lab, path, sampling):
    """Import a map and add ":mrc" to its file name, as RELION's plugin does to mark a file that is no stack."""
    source = lab.import_maps(path, sampling=sampling)
    source.outputVolume.setFileName(source.outputVolume.getFileName() + ":mrc")
    source._store(source.outputVolume)
    lab.project.mapper.commit()
    return source


def test_map_with_ispg_0_is_read(lab, tmp_path, three_parts):
    path = write_map(tmp_path / "flat.mrc", three_parts.volume)
    with mrcfile.open(path, mode="r+") as mrc:
        mrc.header.ispg = 0
    protocol = lab.run_local_scale(import_with_mrc_suffix(lab, path, 3.0), scaleMode=2)
    direct = process_map(read_map(path), Settings(mode="occupancy"))
    assert np.array_equal(mrcfile.read(protocol.scaleMap.getFileName()), direct.scale)
    assert protocol.scaleMap.getDim() == (64, 64, 64)


def test_real_map_with_ispg_0_is_read(lab, shared_data):
    path = shared_data / "edge" / "ispg_0.mrc"
    protocol = lab.run_local_scale(import_with_mrc_suffix(lab, path, 2.0))
    direct = process_map(read_map(path, voxel_size=2.0), Settings())
    assert np.array_equal(mrcfile.read(protocol.scaleMap.getFileName()), direct.scale)
    assert protocol.scaleMap.getDim() == (97, 97, 97)


def test_voxel_size_of_the_project_replaces_a_wrong_header(lab, tmp_path, three_parts):
    source = lab.import_maps(write_map(tmp_path / "wrong.mrc", three_parts.volume, voxel_size=1.0), sampling=3.0)
    protocol = lab.run_local_scale(source)
    direct = process_map(read_map(tmp_path / "wrong.mrc", voxel_size=3.0), Settings())
    assert np.array_equal(mrcfile.read(protocol.scaleMap.getFileName()), direct.scale)
    assert any("the given voxel size of 3 Å is used" in line for line in protocol.summary())


def test_item_of_a_set_is_one_map(lab, tmp_path, three_parts):
    for number in (1, 2):
        write_map(tmp_path / f"item{number}.mrc", three_parts.volume * number)
    source = lab.import_maps(tmp_path, pattern="item*.mrc")
    protocol = lab.run_local_scale((source, "outputVolumes.2"))
    found = lab.read_back(protocol)["outputs"]
    assert list(found) == ["scaleMap", "confidenceMap"] and found["scaleMap"]["sampling"] == 3.0
    assert "item2" in found["scaleMap"]["comment"]
