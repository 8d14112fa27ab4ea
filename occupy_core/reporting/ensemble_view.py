# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections and a surface of the mean map of an ensemble, with the parts, for its pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

from occupy_core.arrays.types import Mask, Volume
from occupy_core.reporting.region_sections import RegionSection, region_sections
from occupy_core.reporting.surface.region_surface import RegionSurface, region_surface


@dataclass(frozen=True)
class EnsembleView:
    """The mean map of an ensemble with its parts.

    Attributes
    ----------
    sections : tuple of RegionSection
        Through the parts; one image each.
    surface : RegionSurface, optional
        None where the mean map has no surface.
    """

    sections: Sequence[RegionSection]
    surface: Optional[RegionSurface]


def ensemble_view(mean: Volume, masks: Sequence[Mask], *, spacing: float, step: float = 1.0) -> EnsembleView:
    """Take from the mean map and the parts of an ensemble what the pages show.

    Parameters
    ----------
    mean : float32 array, 3D
        Mean density of the volumes.
    masks : sequence of arrays, 3D
        Mask, 0..1, of each part, in the order of their numbers, on the same grid.
    spacing : float
        Edge of a voxel of this grid, Å.
    step : float
        The same in voxels of the maps.
    """
    surface = region_surface([mean], dict(enumerate(masks, start=1)), spacing=spacing)
    sections = region_sections(masks, [mean], window=surface.window if surface else None, step=step)
    return EnsembleView(tuple(sections), surface)
