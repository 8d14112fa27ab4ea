# SPDX-License-Identifier: GPL-3.0-or-later
"""The part that all protocols share: run a job of the core with the form's settings, and register its outputs."""

from __future__ import annotations

import inspect
import json
import os
import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path
from subprocess import CalledProcessError

import pyworkflow.protocol.params as params
from pwem.protocols import ProtAnalysis3D

import occupy_scipion.protocols.outputs as outputs
from occupy_core import __version__
from occupy_core.__main__ import error_file
from occupy_core.errors import OccupyError
from occupy_core.estimate.parameters import default_lowpass
from occupy_core.files import write_text
from occupy_core.input_files import file_state
from occupy_core.job.output_folder import OutputFolder
from occupy_core.reporting.sorting_steps import SCIPION
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.output_names import REPORT, output_kinds
from occupy_core.settings.settings import Settings
from occupy_scipion import report, texts
from occupy_scipion.classification import focus_mask_of, loop_warnings, with_class_numbers
from occupy_scipion.constants import JOB_FILE, NEXT_JOB_FILE
from occupy_scipion.form import settings_of
from occupy_scipion.labels import OccupyLabel
from occupy_scipion.protocols.checks_and_texts import ChecksAndTexts
from occupy_scipion.source_files import readable_map, readable_mask
from occupy_scipion.sources import SourceMap, distinct_names, is_set, source_of, sources_of
from occupy_scipion.subtomograms import averages_of, single_subtomograms, with_subtomogram_classes


class ProtOccupyBase(ChecksAndTexts, OccupyLabel, ProtAnalysis3D):
    """Base class of the protocols. It has no label: Scipion therefore does not list it."""

    # Whether the job compares the maps and writes the regions where they differ.
    _compares = False
    _input_label = "Input map(s)"

    @staticmethod
    def default_lowpass(voxel_size, shape):
        """Return the low-pass that the job takes when the field is empty, Å, for a map of this voxel size and shape."""
        return default_lowpass(voxel_size)

    @classmethod
    def getDoc(cls):
        """Return the protocol's help: a line for each paragraph, which Scipion's window breaks to its own width."""
        paragraphs = inspect.cleandoc(cls.__doc__ or "").split("\n\n")
        return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)

    def _add_input(self, form, classes, help_text):
        """Add the parameter of the input maps; `classes` are the names of the Scipion classes that it takes."""
        form.addParam(
            "inputVolumes",
            params.PointerParam,
            pointerClass=with_subtomogram_classes(classes),
            important=True,
            label=self._input_label,
            help=help_text,
        )

    # --------------------------- the steps ---------------------------

    def _insertAllSteps(self):
        maps, focus_mask, warnings = self._classification()
        sources = [asdict(source) for source in maps]
        focus = {"mask": focus_mask and asdict(focus_mask), "warnings": warnings}
        masks = {setting: [asdict(mask) for mask in group] for setting, group in self._masks().items()}
        settings = self._settings().to_dict()
        stamp = self._compute_stamp()
        self._insertFunctionStep(self.computeStep, settings, sources, masks, focus, stamp, needsGPU=False)
        self._insertFunctionStep(self.createOutputStep, settings, sources, self._output_stamp(), needsGPU=False)

    def computeStep(self, settings, sources, masks, focus, _stamp):
        """Run the core in a process of its own: a queue can run it, and a crash ends only that process."""
        folder = self._getExtraPath()
        masks = {setting: [SourceMap(**mask) for mask in group] for setting, group in masks.items()}
        job = self._job(settings, [SourceMap(**source) for source in sources], masks)
        if focus["mask"]:
            mask = readable_mask(SourceMap(**focus["mask"]), os.path.join(self._getTmpPath(), "focus_mask"))
            job = replace(job, focus_mask=mask)
        job = replace(job, input_warnings=tuple(focus["warnings"]))
        job_file = os.path.join(folder, NEXT_JOB_FILE)
        with OutputFolder(folder):  # refuses to touch the files of a job that is running here
            # Stored for the summary: the report names the files that the core reads, which may be copies.
            stored = {report.TARGET_NAMES: distinct_names(masks["target_mask"])}
            write_text(job_file, json.dumps({**job.to_dict(), **stored}, indent=2))
            error_file(job_file).unlink(missing_ok=True)
            last_report = file_state(Path(folder, REPORT))
        status = "0"
        try:
            self.runJob(shlex.quote(sys.executable), f'-m occupy_core "{job_file}"', numberOfMpi=1)
        except CalledProcessError as error:
            status = str(error.returncode)
        # A job that fails in a queue raises nothing here: only its report and its outputs show whether it succeeded.
        self._check_results(status, last_report)
        os.replace(job_file, os.path.join(folder, JOB_FILE))  # now that of the report

    def _compute_stamp(self):
        """Return an argument of `computeStep`: a new value makes Scipion run this step again on Continue."""
        return __version__

    def _output_stamp(self):
        """Return an argument of `createOutputStep`: a new value makes Scipion run this step again on Continue."""
        return 0

    def createOutputStep(self, _settings, sources, _stamp):
        """Register the outputs, and their relation to the input."""
        created = self._create_outputs([SourceMap(**source) for source in sources])
        self._defineOutputs(**created)
        for result in created.values():
            self._defineSourceRelation(self.inputVolumes, result)
        for line in report.lines_of(self._getExtraPath(), texts.outcome_lines) or []:
            self.info(line.strip("*"))

    def _create_outputs(self, maps):
        """Return the outputs by name. Maps that failed are left out."""
        results = report.read_report(self._getExtraPath())
        by_prefix = {item["prefix"]: item for item in results["maps"]}
        several = self._is_set()
        created = {}
        for kind in next(iter(by_prefix.values()))["outputs"]:
            sources = [source for source in maps if source.prefix in by_prefix]
            volumes = [
                outputs.output_volume(
                    source,
                    kind,
                    self._getExtraPath(by_prefix[source.prefix]["outputs"][kind]),
                    voxel_size=source.voxel_size or by_prefix[source.prefix]["voxel_size_angstrom"],
                )
                for source in sources
            ]
            if several:
                result = self._createSetOfVolumes(suffix=f"_{kind}")
                outputs.fill_set(result, sources, volumes)
            else:
                result = volumes[0]
            created[outputs.output_name(kind, several=several)] = result
        return created

    def makePathsAndClean(self):
        """On Continue, delete all outputs except those that every run has, because their files are removed too."""
        super().makePathsAndClean()
        for name, output in list(self.iterOutputAttributes()):
            if name not in self._certain_outputs():
                self.deleteOutput(output)

    # --------------------------- the form ---------------------------

    def _certain_outputs(self):
        """Return the names of the outputs that every run has, whatever its results."""
        return self.getPossibleOutputs()

    def _input_object(self):
        """Return the map or set of maps that the job processes."""
        return self.inputVolumes.get()

    def _sources(self):
        return sources_of(self._input_object())

    def _classification(self):
        """Return the maps, with RELION's numbers where they are class maps; the classification's mask; warnings."""
        maps, input_object = self._sources(), self._input_object()
        warnings = single_subtomograms(input_object)
        if not is_set(input_object):
            return maps, None, warnings
        mask, about_mask = focus_mask_of(maps, self.getProject())
        warnings += [*about_mask, *loop_warnings(maps)]
        return with_class_numbers(maps), mask, warnings

    def _is_set(self):
        return is_set(self.inputVolumes.get())

    def getPossibleOutputs(self):
        try:
            kinds = output_kinds(self._settings())
        except OccupyError:
            kinds = ["scale", "confidence"]
        names = [outputs.output_name(kind, several=self._is_set()) for kind in kinds]
        return {name: self._possibleOutputs[name] for name in names}

    def _settings(self):
        names = {setting: distinct_names(group) for setting, group in self._masks().items()}
        return settings_of(
            self, solvent_definition=next(iter(names["solvent_def"]), None), target_masks=names["target_mask"]
        )

    def _masks(self):
        """Return the masks by the name of their setting, each file once."""
        masks = {}
        for setting, pointers in self._mask_pointers().items():
            sources = [source_of(pointer.get()) for pointer in pointers if pointer.get() is not None]
            masks[setting] = list({source.location: source for source in sources}.values())
        return masks

    def _mask_pointers(self):
        return {"solvent_def": [self.solventDefinition], "target_mask": self.targetMasks}

    def _job(self, settings, maps, masks):
        """Return the job for the core; files that the core cannot read are converted."""
        tmp = self._getTmpPath()
        files = {
            setting: [
                readable_mask(mask, os.path.join(tmp, f"{setting}_{number}")) for number, mask in enumerate(group, 1)
            ]
            for setting, group in masks.items()
        }
        definition = next(iter(files["solvent_def"]), None)
        return Job(
            tuple(MapInput(readable_map(item, tmp), item.prefix, item.voxel_size, item.class_info) for item in maps),
            self._getExtraPath(),
            Settings.from_dict({**settings, "solvent_def": definition, "target_mask": files["target_mask"]}),
            threads=self.numberOfThreads.get(),
            compare=self._compares,
            host=SCIPION,
            averages_of=averages_of(self._input_object()),
        )

    def _check_results(self, status, last_report):
        """Raise an exception with the reason if the computation left no new report, or not all outputs.

        `last_report` is the state of the report of the last good run, which stays with its files after a failure.
        """
        results = report.read_report(self._getExtraPath())
        if results is None or file_state(self._getExtraPath(REPORT)) == last_report:
            reason = error_file(self._getExtraPath(NEXT_JOB_FILE))
            if reason.exists():
                raise Exception(reason.read_text(encoding="utf-8").strip())
            raise Exception(
                f"The computation ended (exit status {status}) without giving a reason, for instance because "
                "it was killed or ran out of memory; see the output log"
            )
        missing = [name for name in report.output_files(results) if not os.path.exists(self._getExtraPath(name))]
        if missing:
            raise Exception(
                f"The computation ended, but {self._getExtraPath()} lacks {', '.join(missing)}; run the protocol again"
            )
