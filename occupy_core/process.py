# SPDX-License-Identifier: GPL-3.0-or-later
"""From one map and the settings to its local scale, confidence and modified maps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core import calibration, fourier, kernel, modify, scale, solvent, targets
from occupy_core.derived import Derived, derive
from occupy_core.errors import MapError
from occupy_core.maps import DensityMap, Volume, box_text, read_map
from occupy_core.outputs import MODIFIED
from occupy_core.scale import Reference
from occupy_core.settings import Settings
from occupy_core.solvent import SolventModel
from occupy_core.targets import Target

_CONFIDENT = 0.5
_IN_TARGET = 0.5
# Of `fourier.detail_share`: real refined maps have 0.002 and more, class maps cut at a coarser resolution 0.00002.
_LEAST_DETAIL = 0.0015


@dataclass(frozen=True)
class Result:
    """All that is known about one map. Arrays are float32 on the input's grid.

    Attributes
    ----------
    source : DensityMap
        The input.
    settings : Settings
    derived : Derived
    scale, confidence : array
        0..1.
    modified : dict of array
        By name: "amplified", "attenuated", "sigmoid", "solvent_excluded"; only those asked for.
    reference : Reference
        In the box of the computation.
    solvent : SolventModel
    variability_limit : float
        Mean of the map where the scale is 1, relative to full scale; NaN when it is nowhere 1.
    targets : tuple of Target
        One for each target mask.
    median_scale : float
        Over the voxels with confidence above 0.5; NaN when there is none.
    warnings : tuple of str
    """

    source: DensityMap
    settings: Settings
    derived: Derived
    scale: Volume
    confidence: Volume
    modified: Dict[str, Volume]
    reference: Reference
    solvent: SolventModel
    variability_limit: float
    median_scale: float
    targets: Tuple[Target, ...] = ()
    warnings: Tuple[str, ...] = field(default=())


def process_map(source: DensityMap, settings: Settings, *, threads: int = 1) -> Result:
    """Estimate the local scale of a map and modify the map by it.

    Parameters
    ----------
    source : DensityMap
        From `read_map`.
    settings : Settings
    threads : int
        The result does not depend on it.

    Raises
    ------
    MapError
        If the map has no positive density, or a mask does not lie on its grid.
    SettingsError
        If a setting does not suit the map's box.

    Notes
    -----
    Forsberg, Shah & Burt, Nature Communications 14 (2023), doi:10.1038/s41467-023-41478-1.
    """
    try:
        derived = derive(source.grid, settings)
    except MapError as error:
        raise MapError(f"{source.path}: {error}") from error
    notes = [*source.warnings, *_without_effect(settings)]
    cropped = derived.box != source.grid.shape
    volume = fourier.resize(source.data, derived.box, threads=threads) if cropped else source.data
    if cropped:
        notes.append(
            f"computed in a box of {box_text(derived.box)} voxels (setting max_box): modified maps hold no detail "
            f"finer than {2 * derived.voxel_size:.3g} Å"
        )
    lowpassed = fourier.low_pass(
        volume, voxel_size=derived.voxel_size, cutoff_angstrom=derived.lowpass, threads=threads
    )
    # Looked for in the map as read: a cropped map rings where it was flat.
    flat = fourier.sampled(solvent.flat_areas(source.data), volume.shape)
    region = _solvent_region(source, volume, flat, settings, notes)
    model = solvent.fit_solvent(lowpassed, region)
    notes += model.warnings
    basis = lowpassed if derived.mode == "occupancy" else volume
    maximum = kernel.ball_maximum(basis, kernel.ball(derived.kernel_size, derived.kernel_radius))
    full_spread = None
    if settings.normalisation == "calibrated":
        maximum, reference = _calibrated(source, maximum, lowpassed, flat, region, derived, notes)
        if derived.mode == "occupancy" and not settings.nlrc and _has_detail(volume, derived, threads, notes):
            full_spread = reference.spread
    else:
        reference = _reference(source, basis, settings, derived)
    scales = scale.local_scale(maximum, reference)
    limit = scale.variability_limit(basis, scales, reference)
    if settings.nlrc:
        zero = (model.limit - reference.zero) / (reference.value - reference.zero)
        scales = _noise_level_recalibrated(scales, zero, notes)
    confidence = model.confidence_of(lowpassed, hedge=settings.hedge_confidence)
    modified = _modified_maps(volume, scales, confidence, model, settings)
    back = _Restorer(source, derived, settings, threads)
    full_scales = back.fraction(scales)
    found = tuple(_target(path, source, basis, full_scales, full_spread, settings) for path in settings.target_mask)
    notes += [targets.TOO_UNEVEN.format(path=target.path) for target in found if target.is_uneven]
    confident = scales[confidence > _CONFIDENT]
    return Result(
        source=source,
        settings=settings,
        derived=derived,
        scale=full_scales,
        confidence=back.fraction(confidence),
        modified={name: back.density(values) for name, values in modified.items()},
        reference=reference,
        solvent=model,
        variability_limit=limit,
        median_scale=float(np.median(confident)) if confident.size else math.nan,
        targets=found,
        warnings=tuple(notes),
    )


@dataclass(frozen=True)
class _Restorer:
    """Brings results of the computation back to the input's box."""

    source: DensityMap
    derived: Derived
    settings: Settings
    threads: int

    def _full_box(self, values: Volume) -> Volume:
        if values.shape == self.source.grid.shape:
            return values
        return fourier.resize(values, self.source.grid.shape, threads=self.threads)

    def fraction(self, values: Volume) -> Volume:
        """A scale or confidence map: padding rings, so it is cut to 0..1 again."""
        return np.clip(self._full_box(values), 0, 1)

    def density(self, values: Volume) -> Volume:
        """A modified map: low-passed if asked, in the input's box, within the input's range."""
        if self.settings.lowpass_output is not None:
            values = fourier.low_pass(
                values,
                voxel_size=self.derived.voxel_size,
                cutoff_angstrom=self.settings.lowpass_output,
                threads=self.threads,
            )
        return np.clip(self._full_box(values), self.source.data.min(), self.source.data.max())


def _without_effect(settings: Settings) -> List[str]:
    """Settings that were given and change nothing beside the others."""
    defaults = Settings()
    modified = bool(settings.modifications)
    needs = {
        "pivot": ("sigmoid", settings.sigmoid is not None),
        "scale_limit": ("amplify, attenuate or sigmoid", modified),
        "omit_confidence": ("amplify, attenuate or sigmoid", modified),
        "tile_size": ("tiled normalisation", settings.normalisation == "tiled" or bool(settings.target_mask)),
        "tau": ("tiled or kernel normalisation", settings.normalisation != "calibrated"),
        "lowpass_output": ("amplify, attenuate, sigmoid or exclude_solvent", modified or settings.exclude_solvent),
    }
    notes = [
        f"{name} has no effect without {other}"
        for name, (other, there) in needs.items()
        if not there and getattr(settings, name) != getattr(defaults, name)
    ]
    if settings.normalisation == "calibrated" and settings.nlrc:
        notes.append("noise-level recalibration moves the zero that was calibrated: the scale is no occupancy any more")
    if settings.normalisation == "calibrated" and settings.resolved_mode == "resolution":
        notes.append(
            "calibrated normalisation in resolution mode: the scale falls with local resolution too; for occupancies "
            "set mode to occupancy"
        )
    return notes


def _solvent_region(
    source: DensityMap, volume: Volume, flat: NDArray[np.bool_], settings: Settings, notes: List[str]
) -> NDArray[np.bool_]:
    definition = None
    if settings.solvent_def is not None:
        definition = fourier.sampled(_read_mask(settings.solvent_def, source, "solvent definition"), volume.shape)
    try:
        region, warnings = solvent.solvent_region(volume, flat, definition)
    except MapError as error:
        raise MapError(f"{settings.solvent_def}: {error}") from error
    notes += warnings
    return region


def _target(
    path: str,
    source: DensityMap,
    basis: Volume,
    scales: Volume,
    full_spread: Optional[float],
    settings: Settings,
) -> Target:
    values = _read_mask(path, source, "target mask")
    mask = values > _IN_TARGET
    if not mask.any():
        raise MapError(
            f"{path}: found no voxel above {_IN_TARGET} (highest {values.max():.4g}), expected a mask in 0..1"
        )
    lower, median, upper = targets.quartiles(scales, mask)
    uneven = targets.is_uneven(scales, mask)
    interval = None
    if full_spread is not None and not uneven:
        interval = targets.occupancy_interval(lower, median, upper, full_spread=full_spread)
    return Target(
        path,
        float(mask.sum()) * source.grid.voxel_size**3,
        _published_occupancy(basis, fourier.sampled(mask, basis.shape), settings),
        lower,
        median,
        upper,
        interval,
        uneven,
    )


def _published_occupancy(basis: Volume, mask: NDArray[np.bool_], settings: Settings) -> Optional[float]:
    """Forsberg et al. 2023: the mask's own number of voxels sets the percentile that counts as full scale."""
    if not mask.any():
        return None
    tau = kernel.tau_of(int(mask.sum()))
    try:
        full = scale.tiled_reference(basis, tau=tau, tile_size=settings.tile_size).value
    except MapError:
        return None
    return float(np.clip(basis[mask].max() / full, 0, 1))


def _read_mask(path: str, source: DensityMap, what: str) -> Volume:
    """A mask, with the map's voxel size where it has the header that was wrong for the map too."""
    grid = source.grid
    mask = read_map(path, voxel_size=None if grid.header_voxel_size == grid.voxel_size else grid.voxel_size)
    if mask.grid.header_voxel_size not in (mask.grid.voxel_size, grid.header_voxel_size):
        mask = read_map(path)
    difference = grid.difference(mask.grid)
    if difference:
        raise MapError(f"{path}: the {what} has {difference}, expected the grid of {source.path}")
    return mask.data


def _reference(source: DensityMap, basis: Volume, settings: Settings, derived: Derived) -> Reference:
    try:
        if settings.normalisation == "kernel":
            return scale.kernel_reference(basis, tau=derived.tau)
        return scale.tiled_reference(basis, tau=derived.tau, tile_size=settings.tile_size)
    except MapError as error:
        raise MapError(f"{source.path}: {error}") from error


def _calibrated(
    source: DensityMap,
    maximum: Volume,
    lowpassed: Volume,
    flat: NDArray[np.bool_],
    region: NDArray[np.bool_],
    derived: Derived,
    notes: List[str],
) -> Tuple[Volume, Reference]:
    """The maximum that is calibrated, and both ends of its scale."""
    inside = solvent.inscribed(maximum.shape) & ~flat
    if derived.mode == "occupancy":
        maximum = calibration.without_leakage(
            maximum, lowpassed, inside, voxel_size=derived.voxel_size, lowpass=derived.lowpass
        )
    try:
        found = calibration.calibrate(
            maximum, lowpassed, inside, region, voxel_size=derived.voxel_size, lowpass=derived.lowpass
        )
    except MapError as error:
        raise MapError(f"{source.path}: {error}") from error
    notes += found.warnings
    return maximum, found.reference


def _has_detail(volume: Volume, derived: Derived, threads: int, notes: List[str]) -> bool:
    share = fourier.detail_share(
        volume, voxel_size=derived.voxel_size, cutoff_angstrom=derived.lowpass, threads=threads
    )
    if share < _LEAST_DETAIL:
        notes.append(
            f"the map has next to no detail at the low-pass of {derived.lowpass:.3g} Å: occupancies are unreliable and "
            "no interval is given; set lowpass to the map's resolution"
        )
    return share >= _LEAST_DETAIL


def _noise_level_recalibrated(scales: Volume, zero: float, notes: List[str]) -> Volume:
    if not 0 <= zero < 1:
        notes.append(
            f"noise-level recalibration left out: the confidence limit is {zero:.3g} of full scale, expected 0 to 1"
        )
        return scales
    return scale.recalibrated(scales, zero)


def _modified_maps(
    volume: Volume, scales: Volume, confidence: Volume, model: SolventModel, settings: Settings
) -> Dict[str, Volume]:
    kept = None if settings.omit_confidence else confidence
    if settings.exclude_solvent and not settings.modifications:
        return {"solvent_excluded": modify.modified_map(volume, None, confidence, exclude_solvent=True)}
    result = {}
    for name in settings.modifications:
        factor = _factor(name, scales, settings)
        filler = None
        if name != "amplify" and not settings.exclude_solvent:
            filler = modify.noise_filler(factor, mean=model.mean, sigma=model.sigma, seed=settings.seed)
        result[MODIFIED[name]] = modify.modified_map(
            volume, factor, kept, exclude_solvent=settings.exclude_solvent, filler=filler
        )
    return result


def _factor(name: str, scales: Volume, settings: Settings) -> Volume:
    power, limit = getattr(settings, name), settings.scale_limit
    if name == "amplify":
        return modify.amplification(scales, power=power, scale_limit=limit)
    if name == "attenuate":
        return modify.attenuation(scales, power=power, scale_limit=limit)
    return modify.sigmoid_factor(scales, power=power, pivot=settings.pivot, scale_limit=limit)
