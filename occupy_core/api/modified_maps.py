# SPDX-License-Identifier: GPL-3.0-or-later
"""Modify a map by its local scale.

Settings are keywords with the names, values and defaults of the command line's options (docs/settings.md). Nothing is
written to disk.

Method: Forsberg, Shah & Burt, Nature Communications 14 (2023), doi:10.1038/s41467-023-41478-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional, Tuple

from occupy_core.api.inputs import MapLike, Masks, make_settings, mask_name, process_map_like
from occupy_core.arrays.types import Volume
from occupy_core.process import Result


@dataclass(frozen=True, eq=False)
class Modified:
    """A map modified by its local scale. Arrays are (z, y, x) float32 on the input's grid.

    Attributes
    ----------
    map : float32 array, 3D
        The modified map, in the input's grey scale.
    scale, confidence : float32 arrays, 3D
        Local scale and confidence, 0..1, that the map was modified by.
    warnings : tuple of str
        Reasons not to trust the result, each a sentence.
    """

    map: Volume
    scale: Volume
    confidence: Volume
    warnings: Tuple[str, ...]


def amplify(
    volume: MapLike,
    power: float = 3.0,
    *,
    voxel_size: Optional[float] = None,
    exclude_solvent: bool = False,
    mode: Literal["auto", "resolution", "occupancy"] = "auto",
    lowpass: Optional[float] = None,
    kernel_size: Optional[int] = None,
    kernel_radius: Optional[float] = None,
    tau: Optional[float] = None,
    normalisation: Literal["tiled", "kernel", "calibrated"] = "tiled",
    tile_size: int = 12,
    nlrc: bool = False,
    hedge_confidence: float = 1.0,
    omit_confidence: bool = False,
    scale_limit: float = 0.05,
    lowpass_output: Optional[float] = None,
    hist_match: bool = False,
    max_box: int = 256,
    invert: bool = False,
    solvent_def: Optional[MapLike] = None,
    threads: int = 1,
) -> Modified:
    """Raise the weak parts of a map towards full occupancy: factor S^(1/power - 1), S the local scale.

    Parameters
    ----------
    volume : array, 3D (z, y, x), path, or DensityMap from `read_map`
    power : float
        Above 1; the larger, the more weak parts are raised.
    voxel_size : float
        Edge of a voxel, Å. Needed for an array; for a file the header's by default.
    exclude_solvent : bool
        Multiply the modified map by the confidence, which removes solvent.
    mode : {"auto", "resolution", "occupancy"}
        As in `local_scale`; "auto" is occupancy mode here.
    omit_confidence : bool
        Modify all voxels alike, solvent included.
    scale_limit : float
        0..1; below this local scale the modification fades out.
    lowpass_output : float, optional
        Cutoff of a low-pass of the modified map, Å.
    hist_match : bool
        Give the modified map the input's histogram instead of cutting it to the input's range. Needs scikit-image.
    lowpass, kernel_size, kernel_radius, tau, normalisation, tile_size, nlrc, hedge_confidence, max_box
        As in `local_scale`.
    invert, solvent_def
        As in `local_scale`.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    Modified

    Raises
    ------
    MapError, SettingsError
        As in `local_scale`; SettingsError too if scikit-image is needed and not installed.
    """
    masks: Masks = {}
    settings = make_settings(
        amplify=power,
        exclude_solvent=exclude_solvent,
        mode=mode,
        lowpass=lowpass,
        kernel_size=kernel_size,
        kernel_radius=kernel_radius,
        tau=tau,
        normalisation=normalisation,
        tile_size=tile_size,
        nlrc=nlrc,
        hedge_confidence=hedge_confidence,
        omit_confidence=omit_confidence,
        scale_limit=scale_limit,
        lowpass_output=lowpass_output,
        hist_match=hist_match,
        max_box=max_box,
        invert=invert,
        solvent_def=mask_name("solvent_def", solvent_def, masks),
    )
    return _modified(process_map_like(volume, voxel_size, settings, masks, threads), "amplified")


def attenuate(
    volume: MapLike,
    power: float = 3.0,
    *,
    voxel_size: Optional[float] = None,
    exclude_solvent: bool = False,
    mode: Literal["auto", "resolution", "occupancy"] = "auto",
    lowpass: Optional[float] = None,
    kernel_size: Optional[int] = None,
    kernel_radius: Optional[float] = None,
    tau: Optional[float] = None,
    normalisation: Literal["tiled", "kernel", "calibrated"] = "tiled",
    tile_size: int = 12,
    nlrc: bool = False,
    hedge_confidence: float = 1.0,
    omit_confidence: bool = False,
    scale_limit: float = 0.05,
    lowpass_output: Optional[float] = None,
    hist_match: bool = False,
    max_box: int = 256,
    invert: bool = False,
    solvent_def: Optional[MapLike] = None,
    seed: int = 0,
    threads: int = 1,
) -> Modified:
    """Weaken the parts of a map below full occupancy: factor S^(power - 1), S the local scale.

    Noise like the solvent replaces the density that is taken away, unless solvent is excluded.

    Parameters
    ----------
    volume : array, 3D (z, y, x), path, or DensityMap from `read_map`
    power : float
        Above 1; the larger, the more weak parts are weakened.
    seed : int
        Seed of the noise, 0..2147483647; the same seed gives the same map.
    voxel_size, exclude_solvent, mode, omit_confidence, scale_limit, lowpass_output, hist_match
        As in `amplify`.
    lowpass, kernel_size, kernel_radius, tau, normalisation, tile_size, nlrc, hedge_confidence, max_box
        As in `local_scale`.
    invert, solvent_def
        As in `local_scale`.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    Modified

    Raises
    ------
    MapError, SettingsError
        As in `amplify`.
    """
    masks: Masks = {}
    settings = make_settings(
        attenuate=power,
        exclude_solvent=exclude_solvent,
        mode=mode,
        lowpass=lowpass,
        kernel_size=kernel_size,
        kernel_radius=kernel_radius,
        tau=tau,
        normalisation=normalisation,
        tile_size=tile_size,
        nlrc=nlrc,
        hedge_confidence=hedge_confidence,
        omit_confidence=omit_confidence,
        scale_limit=scale_limit,
        lowpass_output=lowpass_output,
        hist_match=hist_match,
        max_box=max_box,
        invert=invert,
        solvent_def=mask_name("solvent_def", solvent_def, masks),
        seed=seed,
    )
    return _modified(process_map_like(volume, voxel_size, settings, masks, threads), "attenuated")


def sigmoid(
    volume: MapLike,
    power: float = 4.0,
    *,
    pivot: float = 0.3,
    voxel_size: Optional[float] = None,
    exclude_solvent: bool = False,
    mode: Literal["auto", "resolution", "occupancy"] = "auto",
    lowpass: Optional[float] = None,
    kernel_size: Optional[int] = None,
    kernel_radius: Optional[float] = None,
    tau: Optional[float] = None,
    normalisation: Literal["tiled", "kernel", "calibrated"] = "tiled",
    tile_size: int = 12,
    nlrc: bool = False,
    hedge_confidence: float = 1.0,
    omit_confidence: bool = False,
    scale_limit: float = 0.05,
    lowpass_output: Optional[float] = None,
    hist_match: bool = False,
    max_box: int = 256,
    invert: bool = False,
    solvent_def: Optional[MapLike] = None,
    seed: int = 0,
    threads: int = 1,
) -> Modified:
    """Raise the parts of a map above the pivot and weaken those below: factor f(S)/S, S the local scale, f a sigmoid.

    Parameters
    ----------
    volume : array, 3D (z, y, x), path, or DensityMap from `read_map`
    power : float
        Above 1; the larger, the sharper the divide.
    pivot : float
        The local scale, 0.01..0.99, that does not change.
    seed : int
        As in `attenuate`.
    voxel_size, exclude_solvent, mode, omit_confidence, scale_limit, lowpass_output, hist_match
        As in `amplify`.
    lowpass, kernel_size, kernel_radius, tau, normalisation, tile_size, nlrc, hedge_confidence, max_box
        As in `local_scale`.
    invert, solvent_def
        As in `local_scale`.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    Modified

    Raises
    ------
    MapError, SettingsError
        As in `amplify`.
    """
    masks: Masks = {}
    settings = make_settings(
        sigmoid=power,
        pivot=pivot,
        exclude_solvent=exclude_solvent,
        mode=mode,
        lowpass=lowpass,
        kernel_size=kernel_size,
        kernel_radius=kernel_radius,
        tau=tau,
        normalisation=normalisation,
        tile_size=tile_size,
        nlrc=nlrc,
        hedge_confidence=hedge_confidence,
        omit_confidence=omit_confidence,
        scale_limit=scale_limit,
        lowpass_output=lowpass_output,
        hist_match=hist_match,
        max_box=max_box,
        invert=invert,
        solvent_def=mask_name("solvent_def", solvent_def, masks),
        seed=seed,
    )
    return _modified(process_map_like(volume, voxel_size, settings, masks, threads), "sigmoid")


def _modified(result: Result, kind: str) -> Modified:
    return Modified(result.modified[kind], result.scale, result.confidence, result.warnings)
