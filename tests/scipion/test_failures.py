# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read when a run cannot start or does not end well."""

import re
import shutil

import numpy as np
import pytest

from occupy_core.settings.output_names import MAP_OUTPUTS, output_kinds
from occupy_scipion.outputs import OUTPUT_NAMES
from tests.scipion.conftest import write_map


@pytest.fixture(scope="module")
def bad_map(tmp_path_factory, three_parts):
    values = three_parts.volume.copy()
    values[0, 0, :12] = np.nan
    return write_map(tmp_path_factory.mktemp("bad") / "holes.mrc", values)


def test_the_reason_of_the_core_is_the_error(lab, bad_map):
    protocol = lab.launch(lab.local_scale(lab.import_maps(bad_map)))
    assert protocol.isFailed()
    assert "holes.mrc: found 12 of 262144 values NaN or infinite, expected numbers only" in protocol.getErrorMessage()
    assert not list(protocol.iterOutputAttributes())
    assert "holes.mrc: found 12" in "\n".join(lab.read_back(protocol)["summary"])


def queued(protocol):
    protocol._useQueue.set(True)
    protocol.setQueueParams(("short", {"QUEUE_FOR_JOBS": "Y"}))
    return protocol


def test_a_queue_runs_the_computation(lab, a_map):
    protocol = lab.launch(queued(lab.local_scale(a_map)))
    assert protocol.isFinished(), protocol.getErrorMessage()
    assert [name for name, _ in protocol.iterOutputAttributes()] == ["scaleMap", "confidenceMap"]


def test_a_job_that_fails_in_a_queue_is_noticed(lab, bad_map):
    """Such a queue reports nothing; that the outputs of an earlier run are there must not mislead."""
    source = lab.import_maps(bad_map)
    protocol = lab.local_scale(source)
    lab.launch(queued(protocol))
    assert protocol.isFailed()
    assert "holes.mrc: found 12 of 262144 values NaN" in protocol.getErrorMessage()


def test_outputs_of_an_earlier_run_do_not_hide_a_failure(lab, tmp_path, three_parts):
    path = write_map(tmp_path / "turning.mrc", three_parts.volume)
    protocol = lab.run_local_scale(lab.import_maps(path))
    write_map(path, np.where(three_parts.volume > 1, np.nan, three_parts.volume))
    lab.launch(queued(protocol))
    assert protocol.isFailed() and "turning.mrc: found" in protocol.getErrorMessage()
    assert "No results yet." in protocol.summary()


def test_a_process_that_dies_without_a_word(lab, a_map):
    """As when memory runs out; in the project's folder this stand-in comes before the real core."""
    stand_in = lab.folder / "occupy_core"
    stand_in.mkdir()
    (stand_in / "__init__.py").touch()
    (stand_in / "__main__.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    try:
        protocol = lab.launch(lab.local_scale(a_map))
    finally:
        shutil.rmtree(stand_in)
    assert protocol.isFailed()
    assert re.search(r"ended \(exit status -?\d+\) before it could say why", protocol.getErrorMessage())


def test_an_empty_input_is_refused(lab):
    (problem,) = lab.local_scale().validate()
    assert problem == "*Input map(s)* cannot be EMPTY."


def test_a_map_that_is_gone_is_refused(lab, tmp_path, three_parts):
    path = write_map(tmp_path / "gone.mrc", three_parts.volume)
    source = lab.import_maps(path)
    path.unlink()
    (problem,) = lab.local_scale(source).validate()
    assert problem.startswith("*Input map(s)*: ") and problem.endswith("gone.mrc: no such file")


def test_a_lowpass_that_does_not_suit_the_map_is_refused(lab, a_map):
    (problem,) = lab.local_scale(a_map, lowpass=5.0).validate()
    assert problem.startswith("*Low-pass (Å)*: 5 Å does not suit a box of 64 x 64 x 64 voxels of 3 Å, expected 6 to 96")
    (problem,) = lab.local_scale(a_map, lowpassOutput=2.0).validate()
    assert problem.startswith("*Low-pass of modified maps (Å)*: 2 Å does not suit")


def test_a_solvent_definition_on_another_grid_is_refused(lab, a_map, tmp_path):
    small = lab.import_mask(write_map(tmp_path / "small.mrc", np.eye(32)[None].repeat(32, axis=0)))
    (problem,) = lab.local_scale(a_map, solventDefinition=small).validate()
    assert problem.startswith("*Solvent definition*: small.mrc: found a box of 32 x 32 x 32 voxels, expected 64 x 64 x")
    coarse = lab.import_mask(write_map(tmp_path / "coarse.mrc", np.eye(64)[None].repeat(64, axis=0)), sampling=6.0)
    (problem,) = lab.local_scale(a_map, solventDefinition=coarse).validate()
    assert problem.startswith("*Solvent definition*: coarse.mrc: found voxel size 6 instead of 3 Å")


def test_cautions_come_before_the_run(lab, a_map):
    assert lab.local_scale(a_map).warnings() == []
    assert lab.local_scale(a_map, maxBox=32).warnings() == []
    (caution,) = lab.local_scale(a_map, maxBox=32, doAmplify=True).warnings()
    assert "64 x 64 x 64" in caution and "*Maximum box (voxels)* (32)" in caution


def test_settings_that_contradict_each_other_are_named_as_on_the_form(lab, a_map):
    (problem,) = lab.local_scale(a_map, excludeSolvent=True, omitConfidence=True).validate()
    assert problem.startswith("*Exclude solvent*: contradicts the setting Omit confidence: ")


def test_every_kind_of_map_has_its_names():
    assert set(OUTPUT_NAMES) == set(MAP_OUTPUTS)


@pytest.mark.parametrize("values", [{}, {"exclude_solvent": True}, {"amplify": 2.0, "exclude_solvent": True}])
def test_the_kinds_foretold_are_those_the_core_writes(map_file, tmp_path, values):
    from occupy_core import Job, MapInput, Settings, run_job

    settings = Settings(**values)
    (done,) = run_job(Job((MapInput(str(map_file)),), str(tmp_path), settings)).maps
    assert list(done.files) == output_kinds(settings)
