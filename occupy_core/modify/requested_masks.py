# SPDX-License-Identifier: GPL-3.0-or-later
"""The masks that the settings ask for, made slab by slab on the input's grid."""

from __future__ import annotations

from typing import List, Mapping

from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import SlabSink, Volume
from occupy_core.modify.masks import attenuation_mask, sigmoid_mask, solvent_definition, subtraction_mask
from occupy_core.settings.output_names import SUBTRACTION_MASKS
from occupy_core.settings.settings import Settings
from occupy_core.solvent.region import inscribed_sphere


def send_mask(kind: str, scale: Volume, confidence: Volume, settings: Settings, threads: int, sink: SlabSink) -> None:
    """Make a mask and send it to a sink, slab by slab, from several threads.

    Parameters
    ----------
    kind : str
        Kind of mask: one of `output_names.mask_kinds`.
    scale, confidence : float32 arrays, 3D
        On the input's grid, 0..1.
    settings : Settings
        Powers, pivot, threshold and omit_confidence are used.
    threads : int
    sink : callable
        Receives each slab of the mask, float32, 0..1.
    """
    threshold = settings.solvent_threshold

    def make(slab: slice) -> None:
        if kind == "solvent_definition" and threshold is not None:
            sink(slab, solvent_definition(scale[slab], threshold))
        else:
            trusted = None if settings.omit_confidence else confidence[slab]
            sink(slab, subtraction_mask(_remaining_share(kind, scale[slab], settings), trusted))

    for_slabs(len(scale), make, threads=threads)


def _remaining_share(kind: str, scale: Volume, settings: Settings) -> Volume:
    """Return the share of each voxel, 0..1, that the modification of a subtraction mask's kind leaves."""
    name = next(name for name, mask in SUBTRACTION_MASKS.items() if mask == kind)
    power = getattr(settings, name)
    if name == "attenuate":
        return attenuation_mask(scale, power=power)
    return sigmoid_mask(scale, power=power, pivot=settings.pivot)


def definition_warnings(masks: Mapping[str, Volume], settings: Settings) -> List[str]:
    """Return a warning about a solvent definition that is the same in every voxel; an empty list for any other.

    Parameters
    ----------
    masks : mapping of str to float32 array, 3D
        Masks by kind, as the settings ask for them.
    settings : Settings
    """
    definition = masks.get("solvent_definition")
    if definition is None:
        return []
    inside = definition[inscribed_sphere(definition.shape)]
    if inside.min() < inside.max():
        return []
    side = "above" if inside.max() else "at or below"
    return [
        f"the solvent definition has no border: the scale is {side} solvent_threshold {settings.solvent_threshold:g} "
        "in every voxel; look at the scale map and choose another threshold"
    ]
