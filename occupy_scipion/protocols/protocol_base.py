# SPDX-License-Identifier: GPL-3.0-or-later
"""What the protocols share: from the form to a job of the core, and from what it leaves to outputs."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import asdict
from subprocess import CalledProcessError

from pwem.protocols import ProtAnalysis3D

from occupy_core import __version__
from occupy_core.__main__ import error_file
from occupy_core.comparing.each_map import named_place
from occupy_core.comparing.shared_scale import shares_reference
from occupy_core.errors import OccupyError, SettingsError
from occupy_core.modify.histogram_matching import require_scikit_image
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.output_names import REPORT, output_kinds
from occupy_core.settings.settings import Settings
from occupy_scipion import outputs, report
from occupy_scipion.checks import bold, cautions, grid_problems, unequal_grids
from occupy_scipion.constants import JOB_FILE, REFERENCE
from occupy_scipion.form import problem_text, settings_of
from occupy_scipion.labels import OccupyLabel
from occupy_scipion.sources import (
    SourceMap,
    distinct_names,
    is_set,
    readable_map,
    readable_mask,
    source_of,
    sources_of,
)


class ProtOccupyBase(OccupyLabel, ProtAnalysis3D):
    """Runs the core on maps; without a label of its own, so that Scipion does not list it."""

    # Whether to look for regions where the maps differ.
    _compares = False
    _input_label = "Input map(s)"

    # --------------------------- the steps ---------------------------

    def _insertAllSteps(self):
        sources = [asdict(source) for source in self._sources()]
        masks = {name: [asdict(mask) for mask in given] for name, given in self._masks().items()}
        settings = self._settings().to_dict()
        self._insertFunctionStep(self.computeStep, settings, sources, masks, __version__, needsGPU=False)
        self._insertFunctionStep(self.createOutputStep, settings, sources, self._output_stamp(), needsGPU=False)

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

    def _output_stamp(self):
        """Changes whenever the outputs must be made anew though neither settings nor inputs changed."""
        return 0

    def createOutputStep(self, _settings, sources, _stamp):
        created = self._create_outputs([SourceMap(**source) for source in sources])
        self._defineOutputs(**created)
        for result in created.values():
            self._defineSourceRelation(self.inputVolumes, result)

    def _create_outputs(self, maps):
        """The outputs by name."""
        found = report.read_report(self._getExtraPath())
        by_prefix = {item["prefix"]: item for item in found["maps"]}
        several = self._several()
        created = {}
        for kind in next(iter(by_prefix.values()))["outputs"]:
            done = [item for item in maps if item.prefix in by_prefix]
            volumes = [
                outputs.output_volume(
                    item,
                    kind,
                    self._getExtraPath(by_prefix[item.prefix]["outputs"][kind]),
                    voxel_size=item.voxel_size or by_prefix[item.prefix]["voxel_size_angstrom"],
                )
                for item in done
            ]
            if several:
                result = self._createSetOfVolumes(suffix=f"_{kind}")
                outputs.fill_set(result, done, volumes)
            else:
                result = volumes[0]
            created[outputs.output_name(kind, several=several)] = result
        return created

    def makePathsAndClean(self):
        """On Continue, drop the outputs that the run may not give any more: their files go too."""
        super().makePathsAndClean()
        for name, output in list(self.iterOutputAttributes()):
            if name not in self._certain_outputs():
                self.deleteOutput(output)

    # --------------------------- what the form says ---------------------------

    def _certain_outputs(self):
        """Names of the outputs that a run gives whatever it finds."""
        return self.getPossibleOutputs()

    def _sources(self):
        return sources_of(self.inputVolumes.get())

    def _several(self):
        return is_set(self.inputVolumes.get())

    def getPossibleOutputs(self):
        try:
            kinds = output_kinds(self._settings())
        except OccupyError:
            kinds = ["scale", "confidence"]
        names = [outputs.output_name(kind, several=self._several()) for kind in kinds]
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
            tuple(MapInput(readable_map(item, tmp), item.prefix, item.voxel_size, item.class_info) for item in maps),
            self._getExtraPath(),
            Settings.from_dict({**settings, "solvent_def": definition, "target_mask": files["target_mask"]}),
            threads=self.numberOfThreads.get(),
            compare=self._compares,
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
        missing = [name for name in report.output_files(found) if not os.path.exists(self._getExtraPath(name))]
        if missing:
            raise Exception(f"The computation ended without {', '.join(missing)} in {self._getExtraPath()}")

    # --------------------------- what users read ---------------------------

    def _validate(self):
        try:
            settings = self._settings()
            if settings.hist_match:
                require_scikit_image()
        except SettingsError as error:
            return [problem_text(error)]
        if self.inputVolumes.get() is None:
            return []  # Scipion says so itself
        sources = self._sources()
        if not sources:
            return [f"*{self._input_label}*: the set is empty, expected at least one map"]
        errors = [
            f"*{self._input_label}*: {source.path}: no such file"
            for source in sources
            if not os.path.exists(source.path)
        ]
        for name, pointers in self._mask_pointers().items():
            lost = [pointer.getUniqueId() for pointer in pointers if pointer.hasValue() and pointer.get() is None]
            errors += [f"{bold(name)}: {lost_id}: no such output, or not yet" for lost_id in lost]
        return errors or self._input_problems(settings, sources) or grid_problems(settings, sources[0], self._masks())

    def _input_problems(self, settings, sources):
        """What is wrong with the maps as a whole."""
        maps = [MapInput(item.path, class_info=item.class_info) for item in sources]
        if not shares_reference(maps, settings):
            return []
        try:
            named_place(maps, settings)
        except SettingsError as error:
            return [problem_text(error)]
        return [f"*{self._input_label}*: {text}" for text in unequal_grids(sources)]

    def _warnings(self):
        try:
            return cautions(self._settings(), self._sources()[0])
        except SettingsError:
            return []  # `_validate` tells

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
            return [self._plan_text(), "No results yet."]
        except SettingsError as error:
            return [problem_text(error)]

    def _plan_text(self):
        return report.plan_text(self._settings())

    def _methods(self):
        found = report.read_report(self._getExtraPath())
        return [report.methods_text(found)] if found else ["Run the protocol for a text with the values used."]

    def _citations(self):
        return [REFERENCE]
