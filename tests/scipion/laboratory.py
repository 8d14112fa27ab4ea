# SPDX-License-Identifier: GPL-3.0-or-later
"""What users do in a Scipion project, in the fewest words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pyworkflow
from pwem.protocols import ProtImportMask, ProtImportParticles, ProtImportVolumes, ProtOrigSampling
from pyworkflow.object import Pointer
from pyworkflow.project import Manager

from demo.particles import CLASSIFICATION, PARTICLES, REFERENCE, VOXEL_SIZE
from occupy_scipion.protocols import ProtOccupyLocalScale

# RELION's options of the same classification, as its plugin calls them.
_CLASSIFICATION = {
    "isMapAbsoluteGreyScale": True,
    "hasReferenceCTFCorrected": True,
    "initialLowPassFilterA": float(CLASSIFICATION["ini_high"]),
    "numberOfClasses": int(CLASSIFICATION["nr_classes"]),
    "numberOfIterations": int(CLASSIFICATION["nr_iter"]),
    "regularisationParamT": float(CLASSIFICATION["tau_fudge"]),
    "maskDiameterA": int(CLASSIFICATION["particle_diameter"]),
    "copyAlignment": True,
    "doImageAlignment": False,
    "pooledParticles": int(CLASSIFICATION["nr_pool"]),
    "numberOfThreads": int(CLASSIFICATION["nr_threads"]),
    "numberOfMpi": 1,
    "allParticlesRam": True,
    "doGpu": False,
    "extraParams": CLASSIFICATION["other_args"].strip('"'),
}

_READ_BACK = """
import json, sys
import pyworkflow
from pyworkflow.project import Manager
from pwem.objects import SetOfVolumes

pyworkflow.Config.getDomain().getProtocols()
project = Manager().loadProject(sys.argv[1])
(protocol,) = (run for run in project.getRuns() if run.strId() == sys.argv[2])

def plain(volume):
    return {
        "id": volume.getObjId(),
        "class": volume.getClassName(),
        "file": volume.getFileName(),
        "sampling": volume.getSamplingRate(),
        "origin": list(volume.getOrigin(force=True).getShifts()),
        "comment": volume.getObjComment(),
        "particles": volume.getAttributeValue("_classSize"),
    }

found = {"status": protocol.getStatus(), "summary": protocol.summary(), "methods": protocol.methods()}
found["warned"] = protocol.hasSummaryWarnings()
found["outputs"] = {}
for name, output in protocol.iterOutputAttributes():
    entry = plain(output) if not isinstance(output, SetOfVolumes) else {
        "class": "SetOfVolumes",
        "sampling": output.getSamplingRate(),
        "items": [plain(item) for item in output.iterItems()],
    }
    entry["sources"] = [
        [relation["object_parent_id"], relation["object_parent_extended"]]
        for relation in protocol.getRelations()
        if relation["object_child_id"] == output.getObjId() and relation["name"] == "relation_datasource"
    ]
    found["outputs"][name] = entry
print("FOUND" + json.dumps(found))
"""


class Laboratory:
    """A project with its imports and runs."""

    def __init__(self, name: str) -> None:
        manager = Manager()
        manager.createProject(name)
        self.name = name
        self.project = manager.loadProject(name)
        self.folder = Path(self.project.path)
        self.domain = pyworkflow.Config.getDomain()

    @contextmanager
    def inside(self):
        """In the project's folder for a while: Scipion's paths are relative to it."""
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            yield
        finally:
            os.chdir(here)

    def launch(self, protocol):
        """Run a protocol as the GUI does, in a process of its own, and wait."""
        self.project.launchProtocol(protocol, wait=True)
        return protocol

    def import_maps(self, path, *, sampling=3.0, pattern="", **more):
        """An import of one map, or of all in a folder that match a pattern."""
        protocol = self.project.newProtocol(
            ProtImportVolumes, filesPath=str(path), filesPattern=pattern, samplingRate=sampling, **more
        )
        self.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def moved(self, source, x, y, z):
        """The same map under an origin of its own."""
        protocol = self.project.newProtocol(ProtOrigSampling, setOrigCoord=True, x=x, y=y, z=z)
        _point(protocol.inVolume, *_only_output(source))
        self.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def import_mask(self, path, *, sampling=3.0):
        protocol = self.launch(self.project.newProtocol(ProtImportMask, maskPath=str(path), samplingRate=sampling))
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def classification(self, folder):
        """A 3D classification of the particles in a folder that `demo.particles` wrote."""
        particles = self.project.newProtocol(
            ProtImportParticles,
            importFrom=ProtImportParticles.IMPORT_FROM_RELION,
            starFile=str(folder / PARTICLES),
            samplingRate=VOXEL_SIZE,
            voltage=300,
        )
        self.launch(particles)
        assert particles.isFinished(), particles.getErrorMessage()
        reference = self.import_maps(folder / REFERENCE, sampling=VOXEL_SIZE)
        protocol = self.project.newProtocol(self.domain.findClass("ProtRelionClassify3D"), **_CLASSIFICATION)
        _point(protocol.inputParticles, particles, "outputParticles")
        _point(protocol.referenceVolume, reference, "outputVolume")
        self.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def local_scale(self, source=None, **values):
        """The protocol with its form filled in, not run; maps and masks are imports, or (protocol, output name)."""
        values.setdefault("numberOfThreads", 1)
        mask, targets = values.pop("solventDefinition", None), values.pop("targetMasks", ())
        protocol = self.project.newProtocol(ProtOccupyLocalScale, **values)
        if source is not None:
            _point(protocol.inputVolumes, *_output(source))
        if mask is not None:
            _point(protocol.solventDefinition, *_output(mask))
        for target in targets:
            pointer = Pointer()
            _point(pointer, *_output(target))
            protocol.targetMasks.append(pointer)
        return protocol

    def run_local_scale(self, source, **values):
        protocol = self.launch(self.local_scale(source, **values))
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def subtraction(self, classification, volume, mask):
        """RELION's subtraction of a map but for what a mask keeps; map and mask are (protocol, output name).

        Not of the classification as such: for that the plugin looks for an output that only refinements have.
        """
        protocol = self.project.newProtocol(self.domain.findClass("ProtRelionSubtract"), relionInput=False)
        _point(protocol.inputVolume, *volume)
        protocol.inputParticlesAll.copy(classification.inputParticles)
        _point(protocol.refMask, *mask)
        return protocol

    def read_back(self, protocol):
        """What a fresh process finds of a run in the project."""
        command = [sys.executable, "-W", "ignore", "-c", _READ_BACK, self.name, protocol.strId()]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))[len("FOUND") :])


def _output(source):
    """The protocol and the name of the output that is meant: an import's only one, or (protocol, output name)."""
    return source if isinstance(source, tuple) else _only_output(source)


def _only_output(protocol):
    return protocol, next(name for name, _ in protocol.iterOutputAttributes())


def _point(pointer, protocol, output):
    pointer.set(protocol)
    pointer.setExtended(output)
