# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the protocols of the plugin on inputs of every kind, in a real Scipion project."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import pyworkflow
from pyworkflow.project import Manager

from demo.classification import OCCUPANCIES
from demo.run import OUTPUT
from demo.simulate import phantom
from demo.tutorial import FIRST
from scripts.screenshots.inputs import CHAINS, VOLUMES

NAME = "occupy_windows"
_SAMPLING = phantom().voxel_size
_CLASS_MAPS = {"filesPath": str(OUTPUT / "relion_project/Class3D/simulated"), "filesPattern": "*_class*.mrc"}
_DATA = OUTPUT / f"tutorial/Class3D/job003/run_it{FIRST:03d}_data.star"
# Objects to import: name, import protocol, name of its output, and parameters.
_IMPORTS: Dict[str, Tuple[str, str, Dict[str, Any]]] = {
    "one": ("ProtImportVolumes", "outputVolume", {"filesPath": str(OUTPUT / "simulated.mrc")}),
    "maps": ("ProtImportVolumes", "outputVolumes", _CLASS_MAPS),
    "volumes": ("ProtImportVolumes", "outputVolumes", {"filesPath": str(VOLUMES), "filesPattern": "*.mrc"}),
    "classification": (
        "ProtImportParticles",
        "outputClasses",
        {"importFrom": 3, "starFile": str(_DATA), "voltage": 300, "samplingRate": 4.0},
    ),
    "parts": ("ProtImportPdb", "outputPdb", {"inputPdbData": 1, "pdbFile": str(OUTPUT / "simulated.cif")}),
    "chains": ("ProtImportPdb", "outputPdb", {"inputPdbData": 1, "pdbFile": str(CHAINS)}),
}
_ALL_KINDS = {"doAmplify": True, "doAttenuate": True, "doSigmoid": True, "makeSubtractionMask": True}
# The runs by the names of their pictures: the protocol, its inputs, and its parameters.
RUNS: Dict[str, Tuple[str, Dict[str, str], Dict[str, Any]]] = {
    "map": ("ProtOccupyLocalScale", {"inputVolumes": "one"}, {"preset": 6, "solventFromScale": True, **_ALL_KINDS}),
    "set": ("ProtOccupyLocalScale", {"inputVolumes": "maps"}, {"preset": 4}),
    "compared": ("ProtOccupyCompareClasses", {"inputVolumes": "maps"}, {"differenceOf": f"1,{len(OCCUPANCIES)}"}),
    "classes": ("ProtOccupyCompareClasses", {"inputVolumes": "classification"}, {"makeParticleSets": True}),
    "ensemble": ("ProtOccupyCompareClasses", {"inputVolumes": "volumes"}, {}),
    "model": ("ProtOccupyModel", {"inputVolumes": "one", "inputModel": "chains"}, {"modelMasks": 1}),
    "model_set": ("ProtOccupyModel", {"inputVolumes": "maps", "inputModel": "parts"}, {}),
}


def load_runs() -> Tuple[Any, Dict[str, Any]]:
    """Return the project and its runs by the names in `RUNS`; make the project and run all if it does not exist."""
    domain = pyworkflow.Config.getDomain()
    domain.getProtocols()
    manager = Manager()
    is_new = not manager.hasProject(NAME)
    if is_new:
        manager.createProject(NAME)
    project = manager.loadProject(NAME)
    if is_new:
        _run_all(project, domain)
    runs = {run.getObjLabel(): run for run in project.getRuns()}
    return project, {name: runs[_label(name)] for name in RUNS}


def _label(name: str) -> str:
    """Return the label of a run on the screen, where an underscore would begin italics."""
    return name.replace("_", " ")


def _run_all(project: Any, domain: Any) -> None:
    def run(name: str, kind: str, inputs: Dict[str, str], values: Dict[str, Any]) -> Any:
        protocol = project.newProtocol(domain.findClass(kind), **values)
        protocol.setObjLabel(_label(name))
        for parameter, source in inputs.items():
            getattr(protocol, parameter).set(imported[source])
            getattr(protocol, parameter).setExtended(_IMPORTS[source][1])
        project.launchProtocol(protocol, wait=True)
        if not protocol.isFinished():
            raise SystemExit(f"{name}: {protocol.getErrorMessage()}")
        print(f"Scipion: {name} finished", flush=True)
        return protocol

    imported: Dict[str, Any] = {}
    for name, (kind, _, values) in _IMPORTS.items():
        sampling = {} if kind == "ProtImportPdb" else {"samplingRate": _SAMPLING}
        imported[name] = run(f"import {name}", kind, {}, {**sampling, **values})
    for name, (kind, inputs, values) in RUNS.items():
        run(name, kind, inputs, values)
