# SPDX-License-Identifier: GPL-3.0-or-later
"""The map that a wizard shows: the first input map, in a box small enough to compute on while the user waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Sequence, Tuple

import numpy as np

from occupy_core import LocalScale, local_scale
from occupy_core.arrays.types import Volume
from occupy_core.comparing.common_lowpass import coarsest_lowpass, knows_resolutions
from occupy_core.comparing.each_map import counts
from occupy_core.errors import MapError
from occupy_core.fourier.resize import cropped_shape, resize
from occupy_core.settings.settings import Settings
from occupy_scipion.checks import not_density
from occupy_scipion.classification import with_class_numbers
from occupy_scipion.source_files import voxels_of
from occupy_scipion.sources import SourceMap, is_set
from occupy_scipion.wizards.resolution import resolution_from_half_maps

# A local scale of this box takes about a second.
_BOX = 128
_THREADS = 2


@dataclass(frozen=True, eq=False)
class SmallMap:
    """The first input map of a form, Fourier-cropped.

    Attributes
    ----------
    name : str
        Name of the map for users.
    volume : float32 array, 3D (z, y, x)
        The map, in a box of at most 128 voxels a side.
    voxel_size : float
        Edge of a voxel of `volume`, Å.
    full_voxel_size : float
        Edge of a voxel of the map's file, Å.
    resolution : float, optional
        Resolution, Å: of a class by RELION, else of the half maps of the volume at FSC 0.143; None if neither is known.
    default_lowpass : float
        Low-pass that the job takes when the field is empty, Å; the finest one for maps that are compared and whose
        resolutions are not known.
    about_default : str
        What to say of the default behind its number, such as what sets it; may be empty.
    """

    name: str
    volume: Volume
    voxel_size: float
    full_voxel_size: float
    resolution: Optional[float]
    default_lowpass: float
    about_default: str = ""


def small_map(protocol: Any) -> SmallMap:
    """Read the first input map of a protocol's form.

    Raises
    ------
    MapError
        If there is no input yet, or it cannot be read, or is no density map.
    """
    chosen = protocol._input_object()
    if chosen is None:
        raise MapError("Choose the input first: the wizard shows it.")
    sources = protocol._sources()
    if not sources:
        raise MapError("The input holds no map.")
    source = with_class_numbers(sources[:1])[0]
    if not is_set(chosen) and not_density(chosen):
        raise MapError(not_density(chosen))
    if not source.voxel_size:
        raise MapError(f"{source.name} has no sampling rate in the project.")
    voxels = np.asarray(voxels_of(source), dtype=np.float32)
    if getattr(protocol, "invertContrast", None) is not None and protocol.invertContrast.get():
        voxels = -voxels
    shape = cropped_shape(voxels.shape, _BOX)
    small = voxels if shape == voxels.shape else resize(voxels, shape, threads=_THREADS)
    voxel_size = source.voxel_size * max(voxels.shape) / max(shape)
    resolution = source.resolution or (None if is_set(chosen) else resolution_from_half_maps(chosen))
    default, about = protocol.default_lowpass(source.voxel_size, voxels.shape), ""
    if protocol._compares:
        default, about = _lowpass_of_comparison(sources, default, voxels.shape, source.voxel_size)
    return SmallMap(source.name, small, voxel_size, source.voxel_size, resolution, default, about)


def _lowpass_of_comparison(
    sources: Sequence[SourceMap], default: float, shape: Sequence[int], voxel_size: float
) -> Tuple[float, str]:
    """Return the low-pass with which maps are compared when the field is empty, Å, and what sets it.

    Without the resolutions of the classes, it is the finest one: the job looks for the detail of the maps.
    """
    counted = [item for item in with_class_numbers(sources) if counts(item)]
    if not counted or not knows_resolutions(counted):
        return default, ", or coarser where the maps have no such detail"
    coarsest = coarsest_lowpass(default, shape, voxel_size)
    resolution = max(item.resolution for item in counted)
    if resolution <= default:
        return default, ""
    if resolution > coarsest:
        return coarsest, f", the coarsest in this box (the classes have a resolution of {resolution:.1f} Å)"
    return resolution, ", the coarsest resolution of the classes"


def scale_of(item: SmallMap, settings: Settings) -> LocalScale:
    """Estimate the local scale of the small map with the settings of a form.

    Raises
    ------
    MapError, SettingsError
        As `occupy_core.local_scale`.
    """
    lowpass = settings.lowpass or item.default_lowpass
    return local_scale(
        item.volume,
        voxel_size=item.voxel_size,
        mode="occupancy" if settings.resolved_mode == "occupancy" else "resolution",
        normalisation=settings.normalisation,  # type: ignore[arg-type]
        lowpass=max(lowpass, 2 * item.voxel_size),
        nlrc=settings.nlrc,
        hedge_confidence=settings.hedge_confidence,
        max_box=0,
        threads=_THREADS,
    )
