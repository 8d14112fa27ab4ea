# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill in and run the workflow template that Scipion offers."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import pyworkflow

from demo.particles import CLASSIFICATION, PARTICLES, REFERENCE, VOXEL_SIZE, write_particles
from demo.simulate import phantom
from tests.conftest import skip_or_fail
from tests.scipion import relion
from tests.scipion.conftest import write_map


def filled_in(name, described, values):
    """Return the path of the workflow that a template gives, with these values for its fields by alias."""
    plugin = pyworkflow.Config.getDomain().getPlugins()["occupy_scipion"]._pluginInstance
    (template,) = [item for item in plugin.getTemplates() if item.name == name]
    assert described in template.description
    template.replaceEnvVariables()
    template.parseContent()
    for alias, value in values.items():
        assert template.setParamValue(alias, value) == 1
    return Path(template.createTemplateFile())


def test_workflow_runs_from_class_maps_to_masks(lab, tmp_path):
    for number, part in enumerate((0.3, 0.9), start=1):
        made = phantom(occupancies=(1.0, 0.6, part), noise_seed=number)
        write_map(tmp_path / f"run_it025_class{number:03d}.mrc", made.volume)
    values = {"folder": str(tmp_path), "pattern": "run_it025_class*.mrc", "voxel_size": "3.0"}
    workflow = filled_in("after_classification", "3D classification", values)
    assert [item["object.className"] for item in json.loads(workflow.read_text())] == [
        "ProtImportVolumes",
        "ProtOccupyLocalScale",
        "ProtOccupyCompareClasses",
    ]
    protocols = lab.project.loadProtocols(str(workflow))
    workflow.unlink()
    for name in ("2", "10", "20"):
        protocol = lab.launch(protocols[name])
        assert protocol.isFinished(), protocol.getErrorMessage()
    assert len(protocols["10"].scaleMaps) == 2 and protocols["10"].normalisation.get() == 2
    assert protocols["20"].regionMask1.getSamplingRate() == 3.0


def focused_chain(lab, folder, **simulated):
    """Return the protocols of the chain on simulated particles, by their numbers in the template, and the particles."""
    if relion.reason_missing():
        skip_or_fail(relion.reason_missing())
    particles = write_particles(folder, **simulated)
    values = {
        "particles": str(folder / PARTICLES),
        "reference": str(folder / REFERENCE),
        **dict.fromkeys(("pixel_size", "reference_pixel_size"), str(VOXEL_SIZE)),
        **dict.fromkeys(("diameter", "diameter_again"), CLASSIFICATION["particle_diameter"]),
        "classes": "2",
    }
    workflow = filled_in("focused_classification", "within the first region", values)
    protocols = lab.project.loadProtocols(str(workflow))
    workflow.unlink()
    for name in ("10", "40"):
        protocols[name].extraParams.set(CLASSIFICATION["other_args"].strip('"'))
        protocols[name].isMapAbsoluteGreyScale.set(True)  # the reference of the test has it
        protocols[name].numberOfMpi.set(1)
    return protocols, particles


def launch_in_turn(lab, protocols, names):
    for name in names:
        assert protocols[name].validate() == []
        lab.launch(protocols[name])
        assert protocols[name].isFinished(), protocols[name].getErrorMessage()


def test_workflow_sorts_particles_within_the_first_region(lab, tmp_path):
    protocols, simulated = focused_chain(lab, tmp_path)
    launch_in_turn(lab, protocols, ("2", "3", "10", "20", "30", "40"))
    assert protocols["20"].particlesWithRegion1.getSize() > 0
    classes = [[item.getObjId() for item in of_class] for of_class in protocols["40"].outputClasses]
    right = [simulated.has_domain[np.array(ids) - 1] for ids in classes]
    assert sum(max(item.sum(), (~item).sum()) for item in right) / len(simulated.has_domain) > 0.85


@pytest.mark.slow
def test_workflow_without_a_sure_region_names_the_protocols_that_wait(lab, tmp_path):
    protocols, _ = focused_chain(lab, tmp_path, numbers=(240, 2))
    launch_in_turn(lab, protocols, ("2", "3", "10", "20"))
    compared, waiting = protocols["20"], [protocols["30"], protocols["40"]]
    assert "regionMask1" not in lab.read_back(compared)["outputs"] and not lab.read_back(compared)["warned"]
    for protocol in waiting:
        lab.project.scheduleProtocol(protocol)
    try:
        log = lab.folder / waiting[0].getLogPaths()[2]
        wait_for(lambda: log.exists() and "Still not ready" in log.read_text())
        assert "*Mask of the signal to keep* cannot be EMPTY" in log.read_text()
        found = lab.read_back(compared)
        for protocol in waiting:
            line = f"{protocol.getRunName()} (id {protocol.strId()}) waits without end for regionMask1"
            assert found["warned"] and sum(text.startswith(line) for text in found["summary"]) == 1
        steps = "there is no regionMask1: protocols that use it cannot start"
        assert any(steps in text for text in found["summary"])
        assert steps in (lab.folder / compared.getLogPaths()[0]).read_text()
    finally:
        stopped = lab.project.stopWorkFlow({protocol.getObjId(): protocol for protocol in waiting})  # Stop from
    assert stopped == [] and all(lab.read_back(protocol)["status"] == "aborted" for protocol in waiting)
    assert not lab.read_back(compared)["warned"]


def wait_for(happens, seconds=60):
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.2)
