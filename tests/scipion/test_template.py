# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill in and run the workflow template that Scipion offers."""

import json
from pathlib import Path

import pyworkflow

from demo.simulate import phantom
from tests.scipion.conftest import write_map


def test_workflow_runs_from_class_maps_to_masks(lab, tmp_path):
    for number, part in enumerate((0.3, 0.9), start=1):
        made = phantom(occupancies=(1.0, 0.6, part), noise_seed=number)
        write_map(tmp_path / f"run_it025_class{number:03d}.mrc", made.volume)
    plugin = pyworkflow.Config.getDomain().getPlugins()["occupy_scipion"]._pluginInstance
    (template,) = [item for item in plugin.getTemplates() if item.name == "after_classification"]
    assert "3D classification" in template.description
    template.replaceEnvVariables()
    template.parseContent()
    for alias, value in {"folder": str(tmp_path), "pattern": "run_it025_class*.mrc", "voxel_size": "3.0"}.items():
        assert template.setParamValue(alias, value) == 1
    workflow = Path(template.createTemplateFile())
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
