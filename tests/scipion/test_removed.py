# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs and outputs that were removed meanwhile are named as such, in one sentence with the way out."""

import os

import pytest
from pyworkflow.viewer import MessageView

from tests.scipion.conftest import write_map
from tests.scipion.test_viewers import viewer_of


@pytest.fixture
def maps(lab, tmp_path, three_parts):
    """An import of two maps, and its folder."""
    for number in (1, 2):
        write_map(tmp_path / f"in{number}.mrc", three_parts.volume)
    return lab.import_maps(tmp_path, pattern="in*.mrc"), tmp_path


def test_an_output_that_does_not_exist_is_named(lab, a_map):
    protocol = lab.local_scale(a_map)
    protocol.inputVolumes.setExtended("outputGone")
    problem = protocol.validate()[-1]
    assert problem.startswith("*Input map(s)*: the output ") and "outputGone does not exist any more" in problem
    assert protocol.warnings() == []  # an error of Python before


def test_a_set_whose_file_was_removed_is_not_called_empty(lab, maps):
    source, _ = maps
    protocol = lab.local_scale(source)
    database = source.outputVolumes.getFileName()
    os.rename(database, f"{database}.aside")
    problems, warnings = protocol.validate(), protocol.warnings()
    assert not os.path.exists(database)
    os.rename(f"{database}.aside", database)
    assert warnings == [] and protocol.validate() == []
    (problem,) = problems
    assert problem.startswith(f"*Input map(s)*: {database}: was removed; run the protocol that made it again")


def test_a_map_whose_file_was_removed_is_named_with_its_place(lab, maps):
    source, folder = maps
    (folder / "in2.mrc").unlink()
    protocol = lab.local_scale(source)
    (problem,) = protocol.validate()
    assert f"is a link to {folder / 'in2.mrc'}, which was removed or moved; put that file back" in problem
    assert protocol.warnings() == []


def test_an_output_map_that_was_removed_is_named_by_the_viewer(lab, a_map):
    protocol = lab.run_local_scale(a_map)
    os.unlink(protocol.scaleMap.getFileName())
    for button in ("_slices", "_surface", "_report"):
        (view,) = getattr(viewer_of(lab, protocol), button)()
        assert isinstance(view, MessageView)
        assert view.getMessage().endswith("scale.mrc: was removed since the run; run the protocol again"), button
    amplified = lab.run_local_scale(a_map, doAmplify=True)
    path = amplified.amplifiedMap.getFileName()
    os.unlink(path)
    following = lab.local_scale()
    following.inputVolumes.set(amplified)
    following.inputVolumes.setExtended("amplifiedMap")
    (problem,) = following.validate()
    assert f"{path}: was removed; run the protocol that made it again, or choose another input" in problem
