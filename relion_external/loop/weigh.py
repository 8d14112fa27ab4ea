# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight a reconstructed map and write it. Loads numpy: import it while RELION's program runs."""

from __future__ import annotations

from typing import List, Tuple

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.grid import box_text
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from occupy_core.weighting.class_maps import ClassMaps, WeightedMap
from occupy_core.weighting.confidence import weight_by_confidence
from occupy_core.weighting.consensus import weight_by_consensus
from relion_external.loop.decision import Weighting
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
    others, shares = _others(source, weighting)
    maps = ClassMaps(
        source.data, others, [weighting.share, *shares], voxel_size=weighting.voxel_size, diameter=weighting.diameter
    )
    if weighting.method == CONSENSUS:
        found = weight_by_consensus(maps, smooth=weighting.smooth, resolution=weighting.resolution)
    else:
        found = weight_by_confidence(maps, smooth=weighting.smooth)
    write_map(result, found.values, source.grid, label=f"class map weighted by {weighting.method}")
    return found


def _others(source: DensityMap, weighting: Weighting) -> Tuple[List[Volume], List[float]]:
    """Read the raw maps of the other classes; return them with their shares."""
    maps, shares = [], []
    for item in weighting.others:
        other = read_map(item.raw, voxel_size=weighting.voxel_size)
        if other.grid.shape != source.grid.shape:
            raise MapError(
                f"{item.raw}: found a box of {box_text(other.grid.shape)} voxels, expected "
                f"{box_text(source.grid.shape)} as of this class"
            )
        maps.append(other.data)
        shares.append(item.share)
    return maps, shares
