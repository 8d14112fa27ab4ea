# SPDX-License-Identifier: GPL-3.0-or-later
"""Error messages when a run cannot start or fails."""

import os
import re
import shutil

import numpy as np
import pytest

from occupy_core.job.output_folder import OutputFolder
from occupy_core.reporting.scipion_names import MAP_NAMES
from occupy_core.settings.output_names import MAP_OUTPUTS, output_kinds
from tests.scipion.conftest import write_map


@pytest.fixture(scope="module")
def bad_map(tmp_path_factory, three_parts):
    values = three_parts.volume.copy()
    values[0, 0, :12] = np.nan
    return write_map(tmp_path_factory.mktemp("bad") / "holes.mrc", values)


def test_error_of_the_core_is_shown(lab, bad_map):
    protocol = lab.launch(lab.local_scale(lab.import_maps(bad_map)))
    assert protocol.isFailed()
    assert "holes.mrc: found 12 of 262144 values NaN or infinite, expected numbers only" in protocol.getErrorMessage()
    assert not list(protocol.iterOutputAttributes())
    assert "holes.mrc: found 12" in "\n".join(lab.read_back(protocol)["summary"])


def queued(protocol):
    protocol._useQueue.set(True)
    protocol.setQueueParams(("short", {"QUEUE_FOR_JOBS": "Y"}))
    return protocol


def test_job_in_a_queue_succeeds(lab, a_map):
    protocol = lab.launch(queued(lab.local_scale(a_map)))
    assert protocol.isFinished(), protocol.getErrorMessage()
    assert [name for name, _ in protocol.iterOutputAttributes()] == ["scaleMap", "confidenceMap"]


def test_failure_of_a_job_in_a_queue_is_detected(lab, bad_map):
    """This queue does not report the failure."""
    source = lab.import_maps(bad_map)
    protocol = lab.local_scale(source)
    lab.launch(queued(protocol))
    assert protocol.isFailed()
    assert "holes.mrc: found 12 of 262144 values NaN" in protocol.getErrorMessage()


def test_failure_is_detected_despite_outputs_of_an_earlier_run(lab, tmp_path, three_parts):
    path = write_map(tmp_path / "turning.mrc", three_parts.volume)
    protocol = lab.run_local_scale(lab.import_maps(path))
    folder = lab.folder / protocol._getExtraPath()
    before = {name: (folder / name).read_bytes() for name in os.listdir(folder) if (folder / name).is_file()}
    write_map(path, np.where(three_parts.volume > 1, np.nan, three_parts.volume))
    lab.launch(queued(protocol))
    assert protocol.isFailed() and "turning.mrc: found" in protocol.getErrorMessage()
    assert "No results yet." in protocol.summary()
    assert "report.json" in before and all((folder / name).read_bytes() == before[name] for name in before)


def test_files_of_earlier_runs_are_removed_after_a_failed_run_too(lab, tmp_path, three_parts):
    path = write_map(tmp_path / "turning.mrc", three_parts.volume)
    protocol = lab.run_local_scale(lab.import_maps(path), doAmplify=True)
    folder = lab.folder / protocol._getExtraPath()
    (folder / "amplified_notes.mrc").write_text("of the user")
    write_map(path, np.where(three_parts.volume > 1, np.nan, three_parts.volume))
    lab.launch(protocol)
    assert protocol.isFailed() and (folder / "amplified.mrc").exists()
    write_map(path, three_parts.volume)
    protocol.doAmplify.set(False)
    lab.launch(protocol)
    assert protocol.isFinished(), protocol.getErrorMessage()
    assert (folder / "scale.mrc").exists() and not (folder / "amplified.mrc").exists()
    assert (folder / "amplified_notes.mrc").read_text() == "of the user"


def test_a_running_job_in_the_folder_is_left_alone(lab, a_map):
    protocol = lab.run_local_scale(a_map)
    folder = lab.folder / protocol._getExtraPath()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    protocol.lowpass.set(12.0)
    with OutputFolder(str(folder)):
        lab.launch(protocol)
    assert protocol.isFailed() and "another job is running in this output folder" in protocol.getErrorMessage()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_killed_process_is_reported(lab, a_map):
    """Replace the core, by a package in the project's folder, with one that is killed as when memory runs out."""
    stand_in = lab.folder / "occupy_core"
    stand_in.mkdir()
    (stand_in / "__init__.py").touch()
    (stand_in / "__main__.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    try:
        protocol = lab.launch(lab.local_scale(a_map))
    finally:
        shutil.rmtree(stand_in)
    assert protocol.isFailed()
    assert re.search(r"ended \(exit status -?\d+\) without giving a reason", protocol.getErrorMessage())


def test_empty_input_is_refused(lab):
    (problem,) = lab.local_scale().validate()
    assert problem == "*Input map(s)* cannot be EMPTY."


def test_missing_map_is_refused(lab, tmp_path, three_parts):
    path = write_map(tmp_path / "gone.mrc", three_parts.volume)
    source = lab.import_maps(path)
    path.unlink()
    (problem,) = lab.local_scale(source).validate()
    assert problem.startswith("*Input map(s)*: ") and f"is a link to {path}, which was removed or moved" in problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "found a named pipe, expected a map in MRC or CCP4 format; give the path of a file"),
        (
            b"HEADER    PROTEIN\n" * 200,
            "(it is a PDB file, expected a map in MRC or CCP4 format); give an atomic model",
        ),
        (bytes(5000), "(its header says a box of 0 x 0 x 0 voxels, expected positive sides)"),
    ],
)
def test_what_is_no_map_is_refused_and_never_waited_for(lab, tmp_path, three_parts, content, words):
    path = write_map(tmp_path / "odd.mrc", three_parts.volume)
    source = lab.import_maps(path)
    path.unlink()
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    (problem,) = lab.local_scale(source).validate()
    assert "odd.mrc: " in problem and words in problem


def test_lowpass_outside_the_range_of_the_map_is_refused(lab, a_map):
    (problem,) = lab.local_scale(a_map, lowpass=5.0).validate()
    assert problem.startswith("*Low-pass (Å)*: 5 Å does not suit a box of 64 x 64 x 64 voxels of 3 Å, expected 6 to 96")
    (problem,) = lab.local_scale(a_map, lowpassOutput=2.0).validate()
    assert problem.startswith("*Low-pass of modified maps (Å)*: 2 Å does not suit")


def test_solvent_definition_on_another_grid_is_refused(lab, a_map, tmp_path):
    small = lab.import_mask(write_map(tmp_path / "small.mrc", np.eye(32)[None].repeat(32, axis=0)))
    (problem,) = lab.local_scale(a_map, solventDefinition=small).validate()
    assert problem.startswith("*Solvent definition*: small.mrc: found a box of 32 x 32 x 32 voxels, expected 64 x 64 x")
    coarse = lab.import_mask(write_map(tmp_path / "coarse.mrc", np.eye(64)[None].repeat(64, axis=0)), sampling=6.0)
    (problem,) = lab.local_scale(a_map, solventDefinition=coarse).validate()
    assert problem.startswith("*Solvent definition*: coarse.mrc: found voxel size 6 instead of 3 Å")


def test_warns_before_the_run_that_detail_will_be_lost(lab, a_map):
    assert lab.local_scale(a_map).warnings() == []
    assert lab.local_scale(a_map, maxBox=32).warnings() == []
    (warning,) = lab.local_scale(a_map, maxBox=32, doAmplify=True).warnings()
    assert "64 x 64 x 64" in warning and "*Maximum box (voxels)*, which is 32. To keep all detail, set" in warning


def test_warns_before_the_run_of_settings_without_effect(lab, a_map):
    (warning,) = lab.local_scale(a_map, scaleLimit=0.1).warnings()
    assert warning == (
        "*Scale limit* has no effect without *Amplify*, *Attenuate* or *Sigmoid*; choose that, or set *Scale limit* to "
        "its default"
    )
    (warning,) = lab.local_scale(a_map, tileSize=20, normalisation=2, scaleMode=2).warnings()
    assert warning.startswith("*Tile size (voxels)* has no effect without tiled *Normalisation*; choose that, or")


def test_contradicting_settings_are_named_by_their_labels(lab, a_map):
    (problem,) = lab.local_scale(a_map, excludeSolvent=True, omitConfidence=True).validate()
    assert problem.startswith("*Exclude solvent*: contradicts the setting Omit confidence, because ")


def test_every_kind_of_map_has_output_names():
    assert set(MAP_NAMES) == set(MAP_OUTPUTS)


@pytest.mark.parametrize("values", [{}, {"exclude_solvent": True}, {"amplify": 2.0, "exclude_solvent": True}])
def test_core_writes_the_announced_kinds_of_maps(map_file, tmp_path, values):
    from occupy_core import Job, MapInput, Settings, run_job

    settings = Settings(**values)
    (done,) = run_job(Job((MapInput(str(map_file)),), str(tmp_path), settings)).maps
    assert list(done.files) == output_kinds(settings)
