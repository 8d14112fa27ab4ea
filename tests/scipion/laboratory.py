# SPDX-License-Identifier: GPL-3.0-or-later
"""A Scipion project with methods for the actions of users."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pyworkflow
from pwem.protocols import ProtImportMask, ProtImportParticles, ProtImportPdb, ProtImportVolumes, ProtOrigSampling
from pyworkflow.object import Pointer
from pyworkflow.project import Manager

from demo.particles import CLASSIFICATION, PARTICLES, REFERENCE, VOXEL_SIZE
from occupy_scipion.protocols import ProtOccupyCompareClasses, ProtOccupyLocalScale, ProtOccupyModel

# Options of the demo's classification, under the parameter names of Scipion's RELION plugin.
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
from pwem.objects import AtomStruct, SetOfAtomStructs, SetOfImages, SetOfVolumes

pyworkflow.Config.getDomain().getProtocols()
project = Manager().loadProject(sys.argv[1])
(protocol,) = (run for run in project.getRuns() if run.strId() == sys.argv[2])

def plain(volume):
    if isinstance(volume, AtomStruct):
        return {**plain_file(volume), "volume": volume.getVolume() and plain(volume.getVolume())}
    return {
        **plain_file(volume),
        "sampling": volume.getSamplingRate(),
        "origin": list(volume.getOrigin(force=True).getShifts()),
    }

def plain_file(volume):
    return {
        "id": volume.getObjId(),
        "class": volume.getClassName(),
        "file": volume.getFileName(),
        "comment": volume.getObjComment(),
        "particles": volume.getAttributeValue("_classSize"),
    }

found = {"status": protocol.getStatus(), "summary": protocol.summary(), "methods": protocol.methods()}
found["warned"] = protocol.hasSummaryWarnings()
found["outputs"] = {}
for name, output in protocol.iterOutputAttributes():
    if isinstance(output, (SetOfAtomStructs, SetOfVolumes)):
        entry = {"class": output.getClassName(), "items": [plain(item) for item in output.iterItems()]}
        if isinstance(output, SetOfVolumes):
            entry["sampling"] = output.getSamplingRate()
    elif isinstance(output, SetOfImages):
        entry = {"class": output.getClassName(), "sampling": output.getSamplingRate(), "size": output.getSize()}
    else:
        entry = plain(output)
    entry["sources"] = [
        [relation["object_parent_id"], relation["object_parent_extended"]]
        for relation in protocol.getRelations()
        if relation["object_child_id"] == output.getObjId() and relation["name"] == "relation_datasource"
    ]
    found["outputs"][name] = entry
print("FOUND" + json.dumps(found))
"""


class Laboratory:
    """A Scipion project, with methods that make and run protocols."""

    def __init__(self, name: str) -> None:
        manager = Manager()
        manager.createProject(name)
        self.name = name
        self.project = manager.loadProject(name)
        self.folder = Path(self.project.path)
        self.domain = pyworkflow.Config.getDomain()

    @contextmanager
    def inside(self):
        """Change into the project's folder until the block ends: Scipion's paths are relative to it."""
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            yield
        finally:
            os.chdir(here)

    def launch(self, protocol):
        """Run a protocol in a process of its own, as Scipion's window does, and wait for its end."""
        self.project.launchProtocol(protocol, wait=True)
        return protocol

    def import_maps(self, path, *, sampling=3.0, pattern="", **options):
        """Import one map, or all maps in a folder whose names match a pattern, and return the protocol."""
        protocol = self.project.newProtocol(
            ProtImportVolumes, filesPath=str(path), filesPattern=pattern, samplingRate=sampling, **options
        )
        self.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def moved(self, source, x, y, z):
        """Return a protocol whose output is the map of `source` with another origin, in Å."""
        protocol = self.project.newProtocol(ProtOrigSampling, setOrigCoord=True, x=x, y=y, z=z)
        _point(protocol.inVolume, *_only_output(source))
        self.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def import_mask(self, path, *, sampling=3.0):
        """Import a mask and return the protocol."""
        protocol = self.launch(self.project.newProtocol(ProtImportMask, maskPath=str(path), samplingRate=sampling))
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def import_model(self, path):
        """Import an atomic model and return the protocol."""
        protocol = self.project.newProtocol(
            ProtImportPdb, inputPdbData=ProtImportPdb.IMPORT_FROM_FILES, pdbFile=str(path)
        )
        self.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def classification(self, folder):
        """Run a 3D classification of the particles that `demo.particles` wrote to a folder, and return the protocol."""
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

    def classification_within(self, mask, earlier):
        """Repeat a 3D classification with fewer iterations, within a mask, and return the protocol."""
        values = {**_CLASSIFICATION, "numberOfIterations": 2}
        protocol = self.project.newProtocol(self.domain.findClass("ProtRelionClassify3D"), **values)
        protocol.inputParticles.copy(earlier.inputParticles)
        protocol.referenceVolume.copy(earlier.referenceVolume)
        _point(protocol.referenceMask, *_output(mask))
        self.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def weighted_classification(self, earlier):
        """Repeat a 3D classification with fewer iterations and external reconstruction, and return the protocol."""
        extra = f"{_CLASSIFICATION['extraParams']} --external_reconstruct"
        values = {**_CLASSIFICATION, "numberOfIterations": 4, "extraParams": extra}
        protocol = self.project.newProtocol(self.domain.findClass("ProtRelionClassify3D"), **values)
        protocol.inputParticles.copy(earlier.inputParticles)
        protocol.referenceVolume.copy(earlier.referenceVolume)
        self.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def classification_of(self, source, output, earlier):
        """Classify the particles of an output into one class, with the reference of an earlier classification."""
        values = {**_CLASSIFICATION, "numberOfIterations": 1, "numberOfClasses": 1}
        protocol = self.project.newProtocol(self.domain.findClass("ProtRelionClassify3D"), **values)
        _point(protocol.inputParticles, source, output)
        protocol.referenceVolume.copy(earlier.referenceVolume)
        self.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def imported_classes(self, data_star, *, sampling, copy=False):
        """Import the particles and classes of a RELION 3D classification and return the protocol."""
        protocol = self.project.newProtocol(
            ProtImportParticles,
            importFrom=ProtImportParticles.IMPORT_FROM_RELION,
            starFile=str(data_star),
            samplingRate=sampling,
            voltage=300,
            copyFiles=copy,
        )
        self.launch(protocol)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def compare(self, classes=None, output="outputClasses", **values):
        """Return the protocol "compare classes", without running it; with classes, on an output of their protocol."""
        protocol = self.project.newProtocol(ProtOccupyCompareClasses, **{"numberOfThreads": 1, **values})
        if classes is not None:
            _point(protocol.inputVolumes, classes, output)
        return protocol

    def model_occupancy(self, source, model, **values):
        """Return the protocol "model occupancy" on maps and a model, without running it.

        Maps and model are protocols with one output, or pairs (protocol, output name).
        """
        protocol = self.project.newProtocol(ProtOccupyModel, **{"numberOfThreads": 1, **values})
        _point(protocol.inputVolumes, *_output(source))
        _point(protocol.inputModel, *_output(model))
        return protocol

    def local_scale(self, source=None, **values):
        """Return the protocol "local scale" with these values in its form, without running it.

        Maps and masks are protocols with one output, or pairs (protocol, output name).
        """
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
        """Run the protocol "local scale" with these values, as in `local_scale`, and return it."""
        protocol = self.launch(self.local_scale(source, **values))
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    def subtraction(self, classification, volume, mask):
        """Return RELION's particle subtraction, not run: subtract a map outside a mask from the particles.

        Map and mask are pairs (protocol, output name). The classification itself cannot be the input: for it the plugin
        expects an output that only refinements have.
        """
        protocol = self.project.newProtocol(self.domain.findClass("ProtRelionSubtract"), relionInput=False)
        _point(protocol.inputVolume, *volume)
        protocol.inputParticlesAll.copy(classification.inputParticles)
        _point(protocol.refMask, *mask)
        return protocol

    def read_back(self, protocol):
        """Return what a new process reads about a run in the project: status, texts and outputs."""
        command = [sys.executable, "-W", "ignore", "-c", _READ_BACK, self.name, protocol.strId()]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))[len("FOUND") :])


def _output(source):
    """Return (protocol, output name) from such a pair or from a protocol with one output."""
    return source if isinstance(source, tuple) else _only_output(source)


def _only_output(protocol):
    return protocol, next(name for name, _ in protocol.iterOutputAttributes())


def _point(pointer, protocol, output):
    pointer.set(protocol)
    pointer.setExtended(output)
