# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol "model occupancy"."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial

from pwem.objects import AtomStruct, SetOfAtomStructs, VolumeMask
from pyworkflow import NEW

import occupy_scipion.protocols.outputs as outputs
from occupy_core.errors import SettingsError
from occupy_core.modelling.fit.placed_model import default_finest
from occupy_core.reporting import scipion_names
from occupy_core.settings.output_names import MODEL_ATTRIBUTES, MODEL_FILE
from occupy_scipion import atom_structs, report, texts_model
from occupy_scipion.checks import different_grids
from occupy_scipion.form import add_named_settings, problem_text
from occupy_scipion.frames import frame_note, lies_in_project_frame, map_in_project_frame
from occupy_scipion.model_form import add_model, add_model_settings, model_problems, model_settings_of
from occupy_scipion.protocols.protocol_base import ProtOccupyBase
from occupy_scipion.sources import SourceMap, file_stamp

# Scipion must know the outputs before a run, when the number of masks is still unknown: this many are declared.
_DECLARED_PARTS = 20


class ProtOccupyModel(ProtOccupyBase):
    """Measure how occupied each part of a fitted atomic model is, in one map or in each class of a classification.

    A *part* is a chain with its small ligands, a larger ligand, all copies of a molecule, called *entity*, or a
    selection in a text file. The density that each part should have is computed from its atoms, and all parts together
    are fitted to the map; how much of each part the map holds is its *occupancy*, with a 90 % interval. Short *windows*
    along each chain show where the occupancy changes.

    A map tells only ratios: 1 is the density of the best occupied parts, or of the parts that you name as fully
    occupied. For several maps, such as classes, one scale counts for all, and the parts that differ between maps by
    more than noise explains are listed.

    The output is the model for each map, with the occupancies in the occupancy column and as the attributes
    *part_occupancy* and *window_occupancy* of the residues, and, if asked for, soft masks of the parts for a focused
    classification or for particle subtraction.

    The model must be fitted to the map; a model that does not lie in the map is refused.
    """

    _label = "model occupancy"
    _devStatus = NEW
    _possibleOutputs = {
        outputs.MODEL: AtomStruct,
        outputs.MODELS: SetOfAtomStructs,
        **{scipion_names.PART_MASK.format(number): VolumeMask for number in range(1, _DECLARED_PARTS + 1)},
    }
    # The attribute that Scipion's viewer of attributes shows first.
    _ATTRNAME = atom_structs.ATTRIBUTES[0]

    def _defineParams(self, form):
        form.addSection(label="Input")
        self._add_input(
            form,
            "Volume,SetOfVolumes,SetOfClasses3D",
            "A map, a set of maps, or the classes of a 3D classification. Use maps that are not modified; they "
            "may be sharpened. Several maps must lie on one grid.",
        )
        add_model(form)
        add_model_settings(form)
        add_named_settings(form, "lowpass", "max_box", "figures", "invert")
        form.addParallelSection(threads=4, mpi=0)

    @staticmethod
    def default_lowpass(voxel_size, shape):
        """Return the finest detail that is fitted when the field is empty, Å."""
        return default_finest(voxel_size, shape)

    # --------------------------- the steps ---------------------------

    def _compute_stamp(self):
        settings = self._settings()
        files = [path for path in (settings.model, settings.groups_file) if path]
        return [super()._compute_stamp(), *(file_stamp(path) for path in files)]

    def _output_stamp(self):
        return time.time()  # always new: on Continue, `makePathsAndClean` has deleted the masks

    def createOutputStep(self, _settings, sources, _stamp):
        """Register the outputs, and their relation to the maps and to the model."""
        super().createOutputStep(_settings, sources, _stamp)
        for _, output in self.iterOutputAttributes():
            self._defineSourceRelation(self.inputModel, output)
        # Stored for the summary, which should not read the maps of a large set.
        self.summaryVar.set(frame_note(report.read_report(self._getExtraPath()), SourceMap(**sources[0])))
        self._store(self.summaryVar)

    def _create_outputs(self, maps):
        results = report.read_report(self._getExtraPath())
        written = results["model"]["outputs"]
        sources = [source for source in maps if source.prefix + MODEL_FILE in written]
        volumes = atom_structs.volumes_by_id(self._input_object())
        models = [self._output_model(source, volumes.get(source.item_id)) for source in sources]
        if self._is_set():
            models_set = self._createSetOfPDBs(suffix="_occupancy")
            atom_structs.fill_set(models_set, sources, models)
            created = {outputs.MODELS: models_set}
        else:
            created = {outputs.MODEL: models[0]}
        voxel_size = sources[0].voxel_size or results["maps"][0]["voxel_size_angstrom"]
        for number, part in enumerate(texts_model.masked_parts(results["model"]), start=1):
            path, title = self._getExtraPath(part["mask"]), f"mask of {part['name']}"
            mask = outputs.set_file_and_grid(VolumeMask(), sources[0], path, title, voxel_size=voxel_size)
            created[scipion_names.PART_MASK.format(number)] = mask
        return created

    def _output_model(self, source, volume):
        """Return the model with the occupancies in one map; write Scipion's attributes into its file."""
        path = self._getExtraPath(source.prefix + MODEL_FILE)
        attributes = atom_structs.read_attributes(self._getExtraPath(source.prefix + MODEL_ATTRIBUTES))
        atom_structs.add_attributes(path, attributes)
        results = report.read_report(self._getExtraPath())
        if volume is not None and not lies_in_project_frame(results, source):
            volume.setOrigin(outputs.origin_at(results["model"]["first_voxel_xyz_angstrom"]))
        name = os.path.basename(self.inputModel.get().getFileName())
        return atom_structs.output_model(source, path, f"occupancies of {name} in {source.name}", volume=volume)

    # --------------------------- the form ---------------------------

    def _job(self, settings, maps, masks):
        """Return the job for the core; models lie in the frame of Scipion, which the headers of the maps may lack."""
        job = super()._job(settings, maps, masks)
        tmp = self._getTmpPath()
        items = [
            replace(item, path=map_in_project_frame(item.path, source, tmp)) for item, source in zip(job.maps, maps)
        ]
        return replace(job, maps=tuple(items))

    @property
    def _OUTNAME(self):
        """The name of the output that Scipion's viewer of attributes shows."""
        return outputs.MODELS if self._is_set() else outputs.MODEL

    def _settings(self):
        return replace(super()._settings(), mode="occupancy", normalisation="calibrated", **model_settings_of(self))

    def _mask_pointers(self):
        return {"solvent_def": [], "target_mask": []}

    def _certain_outputs(self):
        return (self._OUTNAME,)

    def getPossibleOutputs(self):
        names = [self._OUTNAME]
        if self.modelMasks.get():
            names += [name for name, kind in self._possibleOutputs.items() if kind is VolumeMask]
        return {name: self._possibleOutputs[name] for name in names}

    # --------------------------- checks and texts for users ---------------------------

    def _input_problems(self, settings, sources):
        problems = [f"*{self._input_label}*: {text}" for text in different_grids(sources)]
        model = self.inputModel.get()
        if model is None:
            return problems  # Scipion reports this itself
        if model.getPseudoAtoms():
            problem = f"{model.getFileName()} has pseudo-atoms, expected the atoms of molecules"
            return [*problems, problem_text(SettingsError("model", problem))]
        return problems + model_problems(settings)

    def _summary(self):
        make = partial(texts_model.summary_lines, frame_note=self.summaryVar.get() or "")
        lines = report.lines_of(self._getExtraPath(), make)
        return super()._summary() if lines is None else lines

    def _plan_text(self):
        return texts_model.plan_text(self._settings())

    def _methods(self):
        lines = report.lines_of(self._getExtraPath(), lambda results: [texts_model.methods_text(results)])
        return lines or super()._methods()
