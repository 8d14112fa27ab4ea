# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import asdict
from subprocess import CalledProcessError

import pyworkflow.protocol.params as params
from pwem.objects import SetOfVolumes
from pwem.protocols import ProtAnalysis3D
from pyworkflow import NEW

from occupy_core import __version__
from occupy_core.__main__ import error_file
from occupy_core.errors import OccupyError, SettingsError
from occupy_core.inputs import Job, MapInput
from occupy_core.outputs import REPORT, kinds_of
from occupy_core.settings import Settings
from occupy_scipion import outputs, report
from occupy_scipion.checks import bold, cautions, grid_problems
from occupy_scipion.constants import JOB_FILE, REFERENCE
from occupy_scipion.form import add_settings, problem_text, settings_of
from occupy_scipion.labels import OccupyLabel
from occupy_scipion.sources import SourceMap, distinct_names, readable_map, readable_mask, source_of, sources_of

INPUT_LABEL = "Input map(s)"


class ProtOccupyLocalScale(OccupyLabel, ProtAnalysis3D):
    """Estimates the local scale of cryo-EM maps with OccuPy and modifies the maps by it.

    The *local scale* says how high a map reaches around each voxel, relative to the part where it reaches
    highest: 1 is full, 0 is solvent. It falls with occupancy and with local resolution, or in *occupancy* mode
    with occupancy alone. The *confidence* says how surely a voxel is not solvent.

    On request, weak parts are *amplified* towards full occupancy, *attenuated* so that only what is whole
    remains, or both on either side of a pivot (*sigmoid*); and solvent is excluded. Each gives a map of its own.

    The summary tells what the scale reads within each *target mask*; with *calibrated* normalisation in occupancy
    mode that is an estimate of the occupancy.
    """

    _label = "local scale"
    _devStatus = NEW
    _possibleOutputs = outputs.all_outputs()

    # --------------------------- the form ---------------------------

    def _defineParams(self, form):
        form.addSection(label="Input")
        form.addParam(
            "inputVolumes",
            params.PointerParam,
            pointerClass="Volume,SetOfVolumes",
            important=True,
            label=INPUT_LABEL,
            help="A map, or a set of maps. Best is a map that is neither sharpened nor masked: the solvent around "
            "the particle is what the confidence is measured against.",
        )
        add_settings(form, "scale")
        form.addSection(label="Modified maps")
        add_settings(form, "modify", "output")
        form.addSection(label="Solvent")
        add_settings(form, "solvent")
        form.addSection(label="Target masks")
        add_settings(form, "target")
        form.addParallelSection(threads=4, mpi=0)

    # --------------------------- the steps ---------------------------

    def _insertAllSteps(self):
        sources = [asdict(source) for source in sources_of(self.inputVolumes.get())]
        masks = {name: [asdict(mask) for mask in given] for name, given in self._masks().items()}
        settings = self._settings().to_dict()
        self._insertFunctionStep(self.computeStep, settings, sources, masks, __version__, needsGPU=False)
        self._insertFunctionStep(self.createOutputStep, settings, sources, needsGPU=False)

    def computeStep(self, settings, sources, masks, _version):
        """Run the core in a process of its own, so that a queue can take it and a crash stays there."""
        folder = self._getExtraPath()
        masks = {name: [SourceMap(**mask) for mask in given] for name, given in masks.items()}
        job = self._job(settings, [SourceMap(**source) for source in sources], masks)
        job_file = os.path.join(folder, JOB_FILE)
        with open(job_file, "w", encoding="utf-8") as file:
            # The report has the names of the files that the core reads, which may be copies.
            names = distinct_names(masks["target_mask"])
            json.dump({**job.to_dict(), report.TARGET_NAMES: names}, file, indent=2)
        last = report.read_report(folder)
        for stale in (os.path.join(folder, REPORT), str(error_file(job_file))):
            if os.path.exists(stale):
                os.remove(stale)
        status = "0"
        try:
            self.runJob(shlex.quote(sys.executable), f'-m occupy_core "{job_file}"', numberOfMpi=1)
        except CalledProcessError as error:
            status = str(error.returncode)
        # A job that fails in a queue raises nothing: what counts is what it left.
        self._check_delivered(status)
        report.remove_leftovers(folder, last)

    def createOutputStep(self, _settings, sources):
        maps = [SourceMap(**source) for source in sources]
        found = report.read_report(self._getExtraPath())
        by_prefix = {item["prefix"]: item for item in found["maps"]}
        several = isinstance(self.inputVolumes.get(), SetOfVolumes)
        created = {}
        for kind in next(iter(by_prefix.values()))["outputs"]:
            volumes = [
                outputs.output_volume(
                    item,
                    kind,
                    self._getExtraPath(by_prefix[item.prefix]["outputs"][kind]),
                    voxel_size=item.voxel_size or by_prefix[item.prefix]["voxel_size_angstrom"],
                )
                for item in maps
                if item.prefix in by_prefix
            ]
            if several:
                result = self._createSetOfVolumes(suffix=f"_{kind}")
                result.setSamplingRate(volumes[0].getSamplingRate())
                ids = [item.item_id for item in maps if item.prefix in by_prefix]
                for item_id, volume in zip(ids, volumes):
                    volume.setObjId(item_id)
                    result.append(volume)
            else:
                result = volumes[0]
            created[outputs.output_name(kind, several=several)] = result
        self._defineOutputs(**created)
        for result in created.values():
            self._defineSourceRelation(self.inputVolumes, result)

    def makePathsAndClean(self):
        """On Continue, drop the outputs that the changed form does not give any more: their files go too."""
        super().makePathsAndClean()
        kept = self.getPossibleOutputs()
        for name, output in list(self.iterOutputAttributes()):
            if name not in kept:
                self.deleteOutput(output)

    # --------------------------- what the form says ---------------------------

    def getPossibleOutputs(self):
        try:
            kinds = kinds_of(self._settings())
        except OccupyError:
            kinds = ["scale", "confidence"]
        several = isinstance(self.inputVolumes.get(), SetOfVolumes)
        names = [outputs.output_name(kind, several=several) for kind in kinds]
        return {name: self._possibleOutputs[name] for name in names}

    def _settings(self):
        masks = {name: distinct_names(given) for name, given in self._masks().items()}
        return settings_of(
            self, solvent_definition=next(iter(masks["solvent_def"]), None), target_masks=masks["target_mask"]
        )

    def _masks(self):
        """The masks by the name of their setting, each file once."""
        masks = {}
        for name, pointers in self._mask_pointers().items():
            sources = [source_of(pointer.get()) for pointer in pointers if pointer.get() is not None]
            masks[name] = list({source.location: source for source in sources}.values())
        return masks

    def _mask_pointers(self):
        return {"solvent_def": [self.solventDefinition], "target_mask": self.targetMasks}

    def _job(self, settings, maps, masks):
        tmp = self._getTmpPath()
        files = {
            name: [readable_mask(mask, os.path.join(tmp, f"{name}_{number}")) for number, mask in enumerate(given, 1)]
            for name, given in masks.items()
        }
        definition = next(iter(files["solvent_def"]), None)
        return Job(
            tuple(MapInput(readable_map(item, tmp), item.prefix, item.voxel_size) for item in maps),
            self._getExtraPath(),
            Settings.from_dict({**settings, "solvent_def": definition, "target_mask": files["target_mask"]}),
            threads=self.numberOfThreads.get(),
        )

    def _check_delivered(self, status):
        found = report.read_report(self._getExtraPath())
        if found is None:
            reason = error_file(self._getExtraPath(JOB_FILE))
            if reason.exists():
                raise Exception(reason.read_text(encoding="utf-8").strip())
            raise Exception(
                f"The computation ended (exit status {status}) before it could say why, for instance because it "
                "was killed or ran out of memory; see the output log"
            )
        names = [name for item in found["maps"] for name in item["outputs"].values()]
        missing = [name for name in names if not os.path.exists(self._getExtraPath(name))]
        if missing:
            raise Exception(f"The computation ended without {', '.join(missing)} in {self._getExtraPath()}")

    # --------------------------- what users read ---------------------------

    def _validate(self):
        try:
            settings = self._settings()
        except SettingsError as error:
            return [problem_text(error)]
        if self.inputVolumes.get() is None:
            return []  # Scipion says so itself
        sources = sources_of(self.inputVolumes.get())
        if not sources:
            return [f"*{INPUT_LABEL}*: the set is empty, expected at least one map"]
        errors = [
            f"*{INPUT_LABEL}*: {source.path}: no such file" for source in sources if not os.path.exists(source.path)
        ]
        for name, pointers in self._mask_pointers().items():
            lost = [pointer.getUniqueId() for pointer in pointers if pointer.hasValue() and pointer.get() is None]
            errors += [f"{bold(name)}: {lost_id}: no such output, or not yet" for lost_id in lost]
        return errors or grid_problems(settings, sources[0], self._masks())

    def _warnings(self):
        return cautions(self._settings(), sources_of(self.inputVolumes.get())[0])

    def checkSummaryWarnings(self):
        super().checkSummaryWarnings()
        failed = report.failed_text(report.read_report(self._getExtraPath()))
        if failed:
            self.addSummaryWarning(failed)

    def _summary(self):
        found = report.read_report(self._getExtraPath())
        if found is not None:
            return report.summary_lines(found)
        try:
            return [report.plan_text(self._settings()), "No results yet."]
        except SettingsError as error:
            return [problem_text(error)]

    def _methods(self):
        found = report.read_report(self._getExtraPath())
        return [report.methods_text(found)] if found else ["Run the protocol for a text with the values used."]

    def _citations(self):
        return [REFERENCE]
