# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol "compare classes"."""

from __future__ import annotations

import time
from dataclasses import replace

from pwem.objects import SetOfParticles, SetOfVolumes, Volume, VolumeMask
from pyworkflow import NEW

import occupy_scipion.protocols.outputs as outputs
from occupy_core.comparing.describe import sure_regions
from occupy_core.comparing.each_map import indices_of_difference
from occupy_core.comparing.particle_groups import classes_text, particle_groups, unit_of
from occupy_core.errors import SettingsError
from occupy_core.reporting import scipion_names
from occupy_core.settings.job_spec import MAX_CLASSES, MapInput
from occupy_core.settings.output_names import SPREAD_MAP
from occupy_scipion import report
from occupy_scipion.checks import bold_label
from occupy_scipion.form import add_named_settings, add_reference_of_comparison, problem_text
from occupy_scipion.protocols.ensemble_outputs import ensemble_outputs
from occupy_scipion.protocols.protocol_base import ProtOccupyBase
from occupy_scipion.sources import is_classification, is_set

# Scipion must know the outputs before a run, when the number of regions is still unknown: this many are declared.
_DECLARED_REGIONS = 20


class ProtOccupyCompareClasses(ProtOccupyBase):
    """Find the regions in which the classes of a 3D classification differ, and the occupancy of each region.

    All classes are measured against one reference, in occupancy mode with calibrated normalisation: in every class a
    local scale of 1 means fully occupied and 0 means solvent. A *region* is a connected part where two classes differ
    by more than noise explains. Each region comes with its occupancy in each class and over all particles, with 90 %
    intervals, and with a soft mask for a focused classification or for particle subtraction. Regions that noise may
    explain are listed apart as *unsure*, with the reason; they have no mask. With *Particles of regions*, each region,
    and each part of more than ten classes, comes with the particles of the classes that have it and of the others.

    More than ten maps are compared as an ensemble: series of volumes of a variability analysis or of a neural network,
    for instance. A *part* is what comes and goes together. Each part comes with its occupancy in each volume, with 90 %
    intervals, and with a soft mask; volumes of like composition are a cluster, with its mean map. Parts that move are
    told from parts that are missing, and have no occupancy. The grey scales of the volumes may differ.

    The input is the classes of a 3D classification, or their maps as a set of volumes. It can also be an output set
    of the protocol *local scale*; then the maps that *local scale* used as its input are compared.
    """

    _label = "compare classes"
    _devStatus = NEW
    _compares = True
    _input_label = "Input classes"
    _possibleOutputs = {
        "scaleMaps": SetOfVolumes,
        "confidenceMaps": SetOfVolumes,
        outputs.SPREAD: Volume,
        scipion_names.DIFFERENCE: Volume,
        **{scipion_names.REGION_MASK.format(number): VolumeMask for number in range(1, _DECLARED_REGIONS + 1)},
        **{
            name.format(number): SetOfParticles  # of classes of subtomograms: SetOfSubTomograms
            for number in range(1, _DECLARED_REGIONS + 1)
            for name in (*scipion_names.REGION_PARTICLES.values(), *scipion_names.PART_PARTICLES.values())
        },
        scipion_names.COMPARED_VOLUMES: SetOfVolumes,
        scipion_names.CLUSTER_MAPS: SetOfVolumes,
        **{scipion_names.PART_MASK.format(number): VolumeMask for number in range(1, _DECLARED_REGIONS + 1)},
    }

    def _defineParams(self, form):
        form.addSection(label="Input")
        self._add_input(
            form,
            "SetOfClasses3D,SetOfVolumes",
            "The classes of a 3D classification, or their maps as a set of volumes. Two to ten maps must have the same "
            "grey scale: do not sharpen or modify them one by one. More are compared as an ensemble, and their grey "
            "scales may differ. If the input is an output of the protocol *local scale*, the input maps of that "
            "protocol are compared.",
        )
        add_named_settings(form, "lowpass", "max_box", "kernel_size", "kernel_radius", "invert")
        add_reference_of_comparison(form)
        add_named_settings(form, "particles", "difference")
        form.addSection(label="Solvent and target masks")
        add_named_settings(form, "solvent_def", "target_mask")
        form.addParallelSection(threads=4, mpi=0)

    # --------------------------- the steps ---------------------------

    def _output_stamp(self):
        return time.time()  # always new: on Continue, `makePathsAndClean` has deleted the regions

    def _create_outputs(self, maps):
        results = report.read_report(self._getExtraPath())
        created = super()._create_outputs(maps) if results["maps"] else {}
        if results["ensemble"]:
            created.update(ensemble_outputs(self, results["ensemble"], self._input_object(), maps))
            created.update(self._particles(results["ensemble"]))
        comparison = results["comparison"]
        if comparison is None:
            return created
        first = maps[0]
        voxel_size = first.voxel_size or next(iter(created.values())).getSamplingRate()
        files = {outputs.SPREAD: (SPREAD_MAP, Volume, "difference in occupancy between the classes")}
        for region in sure_regions(comparison):
            title = f"mask of region {region['number']}"
            files[scipion_names.REGION_MASK.format(region["number"])] = (region["mask"], VolumeMask, title)
        difference = comparison.get("difference")
        if difference:
            title = f"{' minus '.join(difference['classes'])}, in sigma"
            files[scipion_names.DIFFERENCE] = (difference["map"], Volume, title)
        for name, (file_name, kind, title) in files.items():
            path = self._getExtraPath(file_name)
            created[name] = outputs.set_file_and_grid(kind(), first, path, title, voxel_size=voxel_size)
        return {**created, **self._particles(comparison)}

    def _particles(self, compared):
        """Return the particles with and without each region or part, by the names of the outputs."""
        created, unit, classes = {}, unit_of(compared), self._input_object()
        for number, side, group in particle_groups(compared):
            particles = outputs.particles_of(classes, group["numbers"], self._getPath(), f"{side}_{unit}{number}")
            particles.setObjComment(f"particles {side} {unit} {number}, of {classes_text(group)}")
            created[group["name"]] = particles
        return created

    # --------------------------- the form ---------------------------

    def _input_object(self):
        """Return the set of maps to compare: the input, or, for an output of this plugin, that protocol's input.

        The mean maps of clusters are maps of their own, with the density that is compared.
        """
        maps = self.inputVolumes.get()
        protocol = None if maps is None else self.getProject().getProtocol(maps.getObjParentId())
        while (
            isinstance(protocol, ProtOccupyBase)
            and is_set(protocol.inputVolumes.get())
            and not _is_output(maps, protocol, scipion_names.CLUSTER_MAPS)
        ):
            maps = protocol.inputVolumes.get()
            protocol = self.getProject().getProtocol(maps.getObjParentId())
        return maps

    def _settings(self):
        settings = replace(super()._settings(), mode="occupancy", normalisation="calibrated")
        if settings.reference == "own":
            raise SettingsError(
                "reference", "got own, expected auto, shared or a class number: a comparison needs one reference"
            )
        return replace(settings, reference="shared") if settings.reference == "auto" else settings

    def _certain_outputs(self):
        has_scale_maps = not isinstance(self._input_object(), SetOfVolumes) or len(self._sources()) <= MAX_CLASSES
        return ("scaleMaps", "confidenceMaps") if has_scale_maps else ()

    def getPossibleOutputs(self):
        return self._possibleOutputs

    # --------------------------- checks and texts for users ---------------------------

    def _input_problems(self, settings, sources):
        if len(sources) < 2:
            return [f"*{self._input_label}*: found {len(sources)} map, expected two or more to compare"]
        try:
            maps = [MapInput(item.path, class_info=item.class_info) for item in sources]
            indices_of_difference(maps, settings)
        except SettingsError as error:
            return [problem_text(error)]
        if settings.particles and not is_classification(self._input_object()):
            return [
                f"{bold_label('particles')}: found a set of volumes, which does not know its particles, expected the "
                "classes of a 3D classification; choose these as the input, or No"
            ]
        return super()._input_problems(settings, sources)

    def _plan_text(self):
        self._settings()  # raises an error, which the summary shows, if a setting is wrong
        return "Comparison of classes in occupancy mode, calibrated, with one reference for all classes."


def _is_output(item, protocol, name):
    """Return whether an object is the output of a protocol that has this name."""
    output = getattr(protocol, name, None)
    return output is not None and output.getObjId() == item.getObjId()
