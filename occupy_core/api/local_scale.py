# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimate the local scale of one map.

Settings are keywords with the names, values and defaults of the command line's options (docs/settings.md). Nothing is
written to disk.

Method: Forsberg, Shah & Burt, Nature Communications 14 (2023), doi:10.1038/s41467-023-41478-1. Calibrated normalisation
is this project's (docs/accuracy.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional, Sequence, Tuple

from occupy_core.api.inputs import MapLike, Masks, make_settings, mask_name, process_map_like, target_names
from occupy_core.arrays.types import Volume
from occupy_core.estimate.targets import Target
from occupy_core.process import Result


@dataclass(frozen=True, eq=False)
class LocalScale:
    """The local scale of one map. Arrays are (z, y, x) float32 on the input's grid.

    Attributes
    ----------
    scale : float32 array, 3D
        Local scale, 0..1; with calibrated normalisation in occupancy mode an estimate of occupancy.
    confidence : float32 array, 3D
        Confidence, 0..1, that a voxel is more than solvent.
    mode : str
        "resolution" or "occupancy": the map that the scale was read from, as it is or low-passed.
    lowpass : float
        Cutoff of the low-pass, Å.
    voxel_size : float
        Edge of a voxel of the input, Å.
    reference_value, zero_value : float
        The map values that count as 1 and as 0, in the map's grey scale.
    confidence_limit : float
        The lowest map value with a confidence above 0.5, in the map's grey scale.
    solvent_mean, solvent_sigma : float
        Mean and standard deviation of the solvent's values, in the map's grey scale.
    median_scale : float
        Median scale of the voxels with confidence above 0.5; NaN when there is none.
    targets : tuple of Target
        The scale in each target mask: `median`, quartiles, `interval`, `published`.
    warnings : tuple of str
        Reasons not to trust the numbers, each a sentence.
    """

    scale: Volume
    confidence: Volume
    mode: str
    lowpass: float
    voxel_size: float
    reference_value: float
    zero_value: float
    confidence_limit: float
    solvent_mean: float
    solvent_sigma: float
    median_scale: float
    targets: Tuple[Target, ...]
    warnings: Tuple[str, ...]


def local_scale(
    volume: MapLike,
    *,
    voxel_size: Optional[float] = None,
    mode: Literal["auto", "resolution", "occupancy"] = "auto",
    lowpass: Optional[float] = None,
    kernel_size: Optional[int] = None,
    kernel_radius: Optional[float] = None,
    tau: Optional[float] = None,
    normalisation: Literal["tiled", "kernel", "calibrated"] = "tiled",
    tile_size: int = 12,
    nlrc: bool = False,
    hedge_confidence: float = 1.0,
    max_box: int = 256,
    invert: bool = False,
    solvent_def: Optional[MapLike] = None,
    target_mask: Sequence[MapLike] = (),
    threads: int = 1,
) -> LocalScale:
    """Estimate the local scale of a map.

    Parameters
    ----------
    volume : array, 3D (z, y, x), path, or DensityMap from `read_map`
        The map: density positive, solvent around the molecule.
    voxel_size : float
        Edge of a voxel, Å. Needed for an array; for a file the header's by default.
    mode : {"auto", "resolution", "occupancy"}
        Read the scale from the map as it is, or low-passed. "auto": low-passed when there is a target mask.
    lowpass : float, optional
        Cutoff of the low-pass, Å; max(8 Å, 3 voxels) when not given.
    kernel_size : int, optional
        Edge of the kernel's box, voxels: odd, 3..31; derived from the low-pass when not given.
    kernel_radius : float, optional
        Radius of the kernel, voxels; derived from the low-pass when not given.
    tau : float, optional
        Percentile, as a fraction, that counts as full scale; derived from the kernel when not given.
    normalisation : {"tiled", "kernel", "calibrated"}
        What counts as full scale. "calibrated" in occupancy mode estimates occupancy.
    tile_size : int
        Edge of the tiles, voxels.
    nlrc : bool
        Put the zero of the scale at the edge of the solvent noise.
    hedge_confidence : float
        Power, 1..20, that the confidence is raised to.
    max_box : int
        Larger maps are estimated in a box of this many voxels a side; 0 never crops.
    invert : bool
        Multiply the map by -1 first: density must be positive.
    solvent_def : array or path, optional
        Solvent definition on the map's grid. Its voxels above 0.9 and its other voxels are two groups; the group in
        which the map varies less is solvent.
    target_mask : sequence of arrays or paths
        Masks on the map's grid (above 0.5) to measure the scale in.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    LocalScale

    Raises
    ------
    MapError
        If a map cannot be read or used, or a mask does not lie on its grid.
    SettingsError
        If a setting is out of range or does not suit the map's box.
    """
    masks: Masks = {}
    settings = make_settings(
        mode=mode,
        lowpass=lowpass,
        kernel_size=kernel_size,
        kernel_radius=kernel_radius,
        tau=tau,
        normalisation=normalisation,
        tile_size=tile_size,
        nlrc=nlrc,
        hedge_confidence=hedge_confidence,
        max_box=max_box,
        invert=invert,
        solvent_def=mask_name("solvent_def", solvent_def, masks),
        target_mask=target_names(target_mask, masks),
    )
    return _local_scale(process_map_like(volume, voxel_size, settings, masks, threads))


def _local_scale(result: Result) -> LocalScale:
    parameters, reference, solvent = result.parameters, result.reference, result.solvent
    return LocalScale(
        scale=result.scale,
        confidence=result.confidence,
        mode=parameters.mode,
        lowpass=parameters.lowpass,
        voxel_size=result.source.grid.voxel_size,
        reference_value=reference.value,
        zero_value=reference.zero,
        confidence_limit=solvent.limit,
        solvent_mean=solvent.mean,
        solvent_sigma=solvent.sigma,
        median_scale=result.median_scale,
        targets=result.targets,
        warnings=result.warnings,
    )
