# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight a reconstructed map and write it. Loads numpy: import it while RELION's program runs."""

from __future__ import annotations

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.grid import box_text
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from occupy_core.weighting.class_maps import WeightedMap, mean_map
from occupy_core.weighting.confidence import confidence_mask, weight_by_confidence
from occupy_core.weighting.consensus import weight_by_consensus
from relion_external.loop.decision import Weighting
from relion_external.loop.earlier import EarlierClass
from relion_external.loop.options import CONSENSUS


def write_weighted(raw: str, result: str, weighting: Weighting) -> WeightedMap:
    """Weight a map, and write it whole or not at all.

    Parameters
    ----------
    raw, result : str
        File of the reconstructed map; file for the weighted map.
    weighting : Weighting

    Raises
    ------
    MapError
        If a map cannot be read, or shows no density above solvent.
    OSError
        If the map cannot be written.
    """
    source = read_map(raw, voxel_size=weighting.voxel_size)
    earlier = [_read(item, source, weighting.voxel_size) for item in weighting.classes]
    is_consensus = weighting.method == CONSENSUS
    mask = confidence_mask(
        mean_map(earlier, [item.share for item in weighting.classes]),
        voxel_size=weighting.voxel_size,
        diameter=weighting.diameter,
        smooth=None if is_consensus else weighting.smooth,
    )
    if is_consensus:
        others = [number for number, item in enumerate(weighting.classes) if item.number != weighting.number]
        found = weight_by_consensus(
            source.data,
            [earlier[number] for number in others],
            [weighting.share, *(weighting.classes[number].share for number in others)],
            mask,
            voxel_size=weighting.voxel_size,
            smooth=weighting.smooth,
            resolution=weighting.resolution,
        )
    else:
        found = weight_by_confidence(source.data, mask)
    write_map(result, found.values, source.grid, label=f"class map weighted by {weighting.method}")
    return found


def _read(item: EarlierClass, source: DensityMap, voxel_size: float) -> Volume:
    """Read the raw map of a class; refuse another box than that of the map to weight."""
    found = read_map(item.raw, voxel_size=voxel_size)
    if found.grid.shape != source.grid.shape:
        raise MapError(
            f"{item.raw}: found a box of {box_text(found.grid.shape)} voxels, expected "
            f"{box_text(source.grid.shape)} as of this class"
        )
    return found.data
