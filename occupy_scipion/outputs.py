# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the outputs in Scipion, and how they are made from the core's files."""

from __future__ import annotations

from typing import Dict, Tuple

from pwem.objects import SetOfVolumes, Transform, Volume

from occupy_core.outputs import MAP_OUTPUTS
from occupy_scipion.sources import SourceMap

# For each kind of map the core writes: the output for one map, and for a set.
OUTPUT_NAMES: Dict[str, Tuple[str, str]] = {
    "scale": ("scaleMap", "scaleMaps"),
    "confidence": ("confidenceMap", "confidenceMaps"),
    "amplified": ("amplifiedMap", "amplifiedMaps"),
    "attenuated": ("attenuatedMap", "attenuatedMaps"),
    "sigmoid": ("sigmoidMap", "sigmoidMaps"),
    "solvent_excluded": ("solventExcludedMap", "solventExcludedMaps"),
}


def output_name(kind: str, *, several: bool) -> str:
    return OUTPUT_NAMES[kind][several]


def all_outputs() -> Dict[str, type]:
    """Every output there can be, by name."""
    names: Dict[str, type] = {single: Volume for single, _ in OUTPUT_NAMES.values()}
    names.update({plural: SetOfVolumes for _, plural in OUTPUT_NAMES.values()})
    return names


def output_volume(source: SourceMap, kind: str, path: str, *, voxel_size: float) -> Volume:
    """A Volume on the grid of its input: same sampling rate, same origin."""
    volume = Volume()
    volume.setFileName(path)
    volume.setSamplingRate(voxel_size)
    volume.setObjComment(f"{MAP_OUTPUTS[kind].title} of {source.name}")
    if source.origin is not None:
        origin = Transform()
        origin.setShifts(*source.origin)
        volume.setOrigin(origin)
    return volume
