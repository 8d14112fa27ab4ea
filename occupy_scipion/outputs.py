# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the outputs in Scipion, and how they are made from the core's files."""

from __future__ import annotations

from typing import Dict, Sequence, Tuple

from pwem.objects import SetOfVolumes, Transform, Volume, VolumeMask
from pyworkflow.object import Integer

from occupy_core.settings.output_names import MAP_OUTPUTS
from occupy_scipion.sources import SourceMap

# Attribute of the volumes made from classes: how many particles the class has.
CLASS_SIZE = "_classSize"
# Of a comparison of classes.
SPREAD = "occupancySpread"
REGION = "regionMask{}"
# For each kind of map the core writes: the output for one map, and for a set.
OUTPUT_NAMES: Dict[str, Tuple[str, str]] = {
    "scale": ("scaleMap", "scaleMaps"),
    "confidence": ("confidenceMap", "confidenceMaps"),
    "amplified": ("amplifiedMap", "amplifiedMaps"),
    "attenuated": ("attenuatedMap", "attenuatedMaps"),
    "sigmoid": ("sigmoidMap", "sigmoidMaps"),
    "solvent_excluded": ("solventExcludedMap", "solventExcludedMaps"),
    "subtraction_mask_attenuated": ("subtractionMaskAttenuated", "subtractionMasksAttenuated"),
    "subtraction_mask_sigmoid": ("subtractionMaskSigmoid", "subtractionMasksSigmoid"),
    # Not solventDefinition: that is the parameter of a definition given, and Scipion keeps both in one namespace.
    "solvent_definition": ("solventDefinitionMask", "solventDefinitionMasks"),
}


def output_name(kind: str, *, several: bool) -> str:
    return OUTPUT_NAMES[kind][several]


def all_outputs() -> Dict[str, type]:
    """Every output there can be, by name."""
    names: Dict[str, type] = {single: _class_of(kind) for kind, (single, _) in OUTPUT_NAMES.items()}
    names.update({plural: SetOfVolumes for _, plural in OUTPUT_NAMES.values()})
    return names


def output_volume(source: SourceMap, kind: str, path: str, *, voxel_size: float) -> Volume:
    """A Volume, or a VolumeMask, of one kind of map on the grid of its input."""
    return on_grid(
        _class_of(kind)(), source, path, f"{MAP_OUTPUTS[kind].title} of {source.name}", voxel_size=voxel_size
    )


def _class_of(kind: str) -> type:
    return VolumeMask if MAP_OUTPUTS[kind].is_mask else Volume


def on_grid(volume: Volume, source: SourceMap, path: str, comment: str, *, voxel_size: float) -> Volume:
    """The volume, with a file, on the grid of an input: same sampling rate, same origin."""
    volume.setFileName(path)
    volume.setSamplingRate(voxel_size)
    volume.setObjComment(comment)
    if source.origin is not None:
        origin = Transform()
        origin.setShifts(*source.origin)
        volume.setOrigin(origin)
    return volume


def fill_set(volumes: SetOfVolumes, sources: Sequence[SourceMap], items: Sequence[Volume]) -> None:
    """Put volumes into a set under the ids of their inputs, with the sizes of the classes that these are."""
    volumes.setSamplingRate(items[0].getSamplingRate())
    for source, item in zip(sources, items):
        item.setObjId(source.item_id)
        if source.particles is not None:
            item.setClassId(source.item_id)
            setattr(item, CLASS_SIZE, Integer(source.particles))
        volumes.append(item)
